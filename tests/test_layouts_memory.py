"""Arrays in unusual places: unaligned, in records, in files, in subclasses, and gradients that nobody else holds."""

import numpy as np
import pytest
from catalogue import ADAM
from layouts import bits, numbers

import fastadapt as fa


def unaligned(n, dtype, by=1):
    """Zeros at an address that is not a multiple of their size."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + 64, np.uint8)
    start = -raw.ctypes.data % 32 + by
    return raw[start : start + n * size].view(dtype)


def adam_step(p, g):
    """What a step of Adam makes of a contiguous copy of `p`."""
    p = np.array(p, order="C")
    fa.Adam(p, **ADAM).step(np.array(g, order="C"))
    return p


@pytest.mark.parametrize("by", [1, 2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_unaligned_parameter_is_updated(dtype, by):
    p, g = unaligned(300, dtype, by), numbers(300, dtype, 1)
    p[:] = numbers(300, dtype, 0)
    expected = adam_step(p, g)
    fa.Adam(p, **ADAM).step(g)
    assert bits(p) == bits(expected)


@pytest.mark.parametrize("by", [1, 2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_an_unaligned_gradient_is_read(dtype, by):
    p, g = numbers(300, np.float32, 0), unaligned(300, dtype, by)
    g[:] = numbers(300, dtype, 1)
    expected = adam_step(p, g)
    fa.Adam(p, **ADAM).step(g)
    assert bits(p) == bits(expected)


def test_a_gradient_from_read_only_bytes_is_read():
    p, g = numbers(300, np.float32, 0), numbers(300, np.float32, 1)
    received = np.frombuffer(b"\0" + g.tobytes(), np.float32, offset=1)
    expected = adam_step(p, g)
    fa.Adam(p, **ADAM).step(received)
    assert bits(p) == bits(expected)


RECORDS = {
    "aligned": [("w", np.float32), ("n", np.int32)],
    "five bytes": [("w", np.float32), ("n", np.uint8)],
    "behind a byte": [("n", np.uint8), ("w", np.float32)],
    "seven bytes": [("n", np.uint8), ("w", np.float32), ("k", np.uint16)],
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_parameter_may_be_a_field_of_records(name):
    records = np.zeros(300, RECORDS[name])
    records["n"] = 7
    records["w"], g = numbers(300, np.float32, 0), numbers(300, np.float32, 1)
    expected = adam_step(records["w"], g)
    fa.Adam(records["w"], **ADAM).step(g)
    assert bits(records["w"]) == bits(expected)
    assert (records["n"] == 7).all()


@pytest.mark.parametrize("name", RECORDS)
def test_a_gradient_may_be_a_field_of_records(name):
    # A stride of 5 bytes is not a stride of one float32, though 5 // 4 is 1.
    records = np.zeros(300, RECORDS[name])
    p, records["w"] = numbers(300, np.float32, 0), numbers(300, np.float32, 1)
    expected = adam_step(p, records["w"])
    fa.Adam(p, **ADAM).step(records["w"])
    assert bits(p) == bits(expected)


def test_parts_of_complex_numbers_are_arrays_like_others():
    z, g = numbers(300, np.float64, 0).view(np.complex128), numbers(300, np.float64, 1).view(np.complex128)
    expected = adam_step(z.real, g.real) + 1j * adam_step(z.imag, g.imag)
    fa.Adam([z.real, z.imag], **ADAM).step([g.real, g.imag])
    assert bits(z) == bits(expected)


def test_parameters_may_lie_in_a_file(tmp_path):
    start, g = numbers((20, 30), np.float32, 0), numbers((20, 30), np.float32, 1)
    start.tofile(tmp_path / "p")
    g.tofile(tmp_path / "g")
    p = np.memmap(tmp_path / "p", np.float32, "r+", shape=(20, 30))
    fa.Adam(p, **ADAM).step(np.memmap(tmp_path / "g", np.float32, "r", shape=(20, 30)))
    p.flush()
    assert bits(np.fromfile(tmp_path / "p", np.float32)) == bits(adam_step(start, g))
    assert bits(np.fromfile(tmp_path / "g", np.float32)) == bits(g)


class Named(np.ndarray):
    """An array that carries more than numbers."""


@pytest.mark.parametrize("of", [lambda a: a, lambda a: a.T, lambda a: a[:, ::2]], ids=["C", "F", "gappy"])
def test_a_subclass_of_ndarray_is_an_array(of):
    p, g = numbers((20, 30), np.float32, 0), numbers((20, 30), np.float32, 1)
    expected = adam_step(of(p), of(g))
    fa.Adam(of(p.view(Named)), **ADAM).step(of(g.view(Named)))
    assert bits(of(p)) == bits(expected)


def test_a_dtype_with_metadata_is_the_same_dtype():
    dtype = np.dtype(np.float32, metadata={"unit": "mm"})
    p, g = numbers(300, np.float32, 0), numbers(300, np.float32, 1)
    expected = adam_step(p, g)
    other = p.astype(dtype)
    fa.Adam(other, **ADAM).step(g.astype(dtype))
    assert bits(other) == bits(expected)


@pytest.mark.parametrize("scalar", [np.float16, np.float32, np.float64])
def test_the_gradient_of_a_0_d_array_may_be_a_scalar(scalar):
    # Many, because an array made of a scalar on the way must outlive the making of the next.
    params = [np.zeros((), np.float32) for _ in range(20)]
    fa.SGD(params, lr=1.0).step([scalar(k) for k in range(20)])
    assert [float(p) for p in params] == [-k for k in range(20)]


def test_gradients_need_not_outlive_the_call():
    params = [np.zeros(100, np.float32) for _ in range(20)]
    opt = fa.SGD(params, lr=1.0)
    opt.step([np.full((100, 2), k, np.float32)[:, 1] for k in range(20)])
    opt.step([np.full(100, k, np.float16) for k in range(20)])
    assert [set(p.tolist()) for p in params] == [{-2.0 * k} for k in range(20)]


def test_an_empty_array_may_lie_anywhere():
    p = np.frombuffer(bytearray(9), np.uint8)[1:1].view(np.float32)
    fa.Adam([p, np.ones(3)]).step([p, np.ones(3)])


def test_the_state_of_a_row_has_the_strides_of_a_row():
    p = np.ones((1, 5), np.float32)
    assert fa.Adam(p).state["m"].strides == p.strides
