"""Gradients of another type than their parameter's are cast weight by weight, float16 bit by bit."""

import numpy as np
import pytest
from catalogue import ADAM
from conftest import SIMULATED
from layouts import bits, numbers
from numba import njit

import fastadapt as fa
from fastadapt.kernels.bits import half_as_float

HALVES = np.arange(2**16, dtype=np.uint16)
"""The bits of every float16: denormals, infinities and 2,046 NaNs among them."""


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "as Python"])
def test_every_float16_becomes_the_float32_that_it_equals(compiled):
    def convert(halves, floats):
        for i in range(halves.size):
            floats[i] = half_as_float(halves[i])

    floats = np.empty(2**16, np.float32)
    (njit(convert) if compiled else convert)(HALVES, floats)
    expected = HALVES.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(floats, expected)  # NaN where NaN
    assert bits(np.signbit(floats)) == bits(np.signbit(expected))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:.*invalid value:RuntimeWarning")  # where the kernels run as Python
def test_a_step_reads_every_float16(device, dtype):
    halves = HALVES[:: 257 if SIMULATED else 1].copy().view(np.float16)
    p = device.array(np.zeros(halves.size, dtype))
    fa.SGD(p, lr=1.0).step(device.array(halves))
    np.testing.assert_array_equal(device.numpy(p), -halves.astype(dtype))


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("g_dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_of_another_type_is_cast_to_the_parameters(device, dtype, g_dtype, order):
    start, g = numbers((7, 41), dtype, 0), numbers((7, 41), g_dtype, 1)
    results = []
    for given in (np.array(g, order=order), g.astype(dtype)):
        p = device.array(start.copy())
        opt = fa.Adam(p, **ADAM)
        opt.step(device.array(given))
        results.append(bits(device.numpy(p)) + bits(device.numpy(opt.state["v"])))
    assert results[0] == results[1]


@pytest.mark.filterwarnings("ignore:.*overflow encountered:RuntimeWarning")  # where the kernels run as Python
def test_a_float64_gradient_beyond_float32_becomes_infinite(device):
    p = device.array(np.zeros(3, np.float32))
    fa.SGD(p, lr=1.0).step(device.array(np.array([1e300, -1e300, 1e-300])))
    assert device.numpy(p).tolist() == [-np.inf, np.inf, 0.0]


def test_a_nest_and_a_step_may_mix_types(device):
    dtypes = [np.float32, np.float64, np.float32, np.float64, np.float32, np.float32]
    g_dtypes = [np.float16, np.float32, np.float64, np.float64, np.float32, np.float16]
    sizes = [300, 7, 0, 257, 1, 31]
    starts = [numbers(n, dtype, k) for k, (n, dtype) in enumerate(zip(sizes, dtypes, strict=True))]
    grads = [numbers(n, dtype, k + 10) for k, (n, dtype) in enumerate(zip(sizes, g_dtypes, strict=True))]
    alone = [device.array(p.copy()) for p in starts]
    for p, g in zip(alone, grads, strict=True):
        fa.Adam(p, **ADAM).step(device.array(g))
    together = [device.array(p.copy()) for p in starts]
    opt = fa.Adam(together, **ADAM)
    opt.step([device.array(g) for g in grads])
    assert [bits(device.numpy(p)) for p in together] == [bits(device.numpy(p)) for p in alone]
    assert [m.dtype for m in opt.state["m"]] == dtypes


def test_the_type_of_a_gradient_may_change_between_steps(device):
    start, g = numbers(300, np.float64, 0), numbers(300, np.float16, 1)
    p, expected = device.array(start.copy()), device.array(start.copy())
    opt, same = fa.Adam(p, **ADAM), fa.Adam(expected, **ADAM)
    for dtype in (np.float16, np.float64, np.float32, np.float16):
        opt.step(device.array(g.astype(dtype)))
        same.step(device.array(g.astype(np.float64)))
    assert bits(device.numpy(p)) == bits(device.numpy(expected))
