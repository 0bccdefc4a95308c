"""Parameters that cannot be updated in place are refused by name, when they are given and when they change."""

import re

import numpy as np
import pytest
from layouts import SIZE, bits, numbers, place
from untouched import FakeCuda

import fastadapt as fa


def frozen(array):
    """The array, read-only."""
    array.flags.writeable = False
    return array


as_strided = np.lib.stride_tricks.as_strided
WRONG = {
    **{dtype: (np.zeros(3, dtype), TypeError, f"not .*{re.escape(str(np.dtype(dtype)))}")
       for dtype in [">f2", "g", "G", ">c8", "i4", "u1", "?", "U3", ">f4", ">f8", "f4,f4"]},
    "a list of numbers": ([1.0, 2.0], TypeError, "not float$"),
    "a number": (1.0, TypeError, "not float$"),
    "text": ("p", TypeError, "not str$"),
    "None": (None, TypeError, "not NoneType$"),
    "a set": ({1.0}, TypeError, "not set$"),
    "masked": (np.ma.zeros(3), TypeError, "not MaskedArray$"),
    "a scalar": (np.float32(1), TypeError, "expected"),
    "a float64 scalar": (np.float64(1), TypeError, "expected"),
    "read-only": (frozen(np.zeros(3)), ValueError, "read-only"),
    "bytes": (np.frombuffer(b"\0" * 12, np.float32), ValueError, "read-only"),
    "broadcast": (np.broadcast_to(np.zeros(3), (2, 3)), ValueError, "read-only|broadcast"),
    "writeable broadcast": (as_strided(np.zeros(3), (2, 3), (0, 8)), ValueError, "broadcast or overlapping"),
    "overlapping": (as_strided(np.zeros(4), (2, 3), (8, 8)), ValueError, "broadcast or overlapping"),
    "overlapping by a byte": (as_strided(np.zeros(9), (4,), (7,)), ValueError, "broadcast or overlapping"),
    "of float16 on CUDA": (FakeCuda((3,), np.float16), TypeError, "not .*float16"),
    "on CUDA beside the CPU": (FakeCuda((3,)), TypeError, "one device.*CUDA.*CPU"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_updated_is_refused_by_its_path(name):
    array, error, match = WRONG[name]
    params = {"fine": np.zeros(4), "layer": [np.zeros(3), {"b": array}]}
    path = r'params\["layer"\]\[1\]\["b"\]' + (r"\[0\]" if isinstance(array, list) else "")
    with pytest.raises(error, match=f"^{path}: .*{match}"):
        fa.Adam(params)


@pytest.mark.parametrize("name", WRONG.keys() - {"on CUDA beside the CPU"})
def test_a_single_array_that_cannot_be_updated_is_refused(name):
    array, error, match = WRONG[name]
    with pytest.raises(error, match=f"^params.*{match}"):
        fa.Adam(array)


@pytest.mark.parametrize("params", [[], (), {}, {"a": [], "b": {"c": ()}}])
def test_a_nest_without_arrays_is_refused(params):
    with pytest.raises(ValueError, match="params: expected at least one array"):
        fa.Adam(params)


def test_a_nest_that_holds_itself_is_refused():
    params = [np.zeros(3)]
    params.append({"again": params})
    with pytest.raises(ValueError, match=r'params\[1\]\["again"\]'):
        fa.Adam(params)


SHARED = {
    "the same": lambda b: [b[:9], b[:9]],
    "a view of it": lambda b: [b[:9], b[:9].reshape(3, 3).T],
    "a part": lambda b: [b[:20], b[4:5]],
    "a part, first": lambda b: [b[4:5], b[:20]],
    "overlapping": lambda b: [b[:10], b[9:20]],
    "nested": lambda b: [b[:100], b[200:], b[10:20]],
    "crossing": lambda b: [b[0:36].reshape(6, 6)[:, 2], b[0:36].reshape(6, 6)[3]],
    "gappy": lambda b: [b[:20:2], b[10:30:4]],
    "backwards": lambda b: [b[:20], b[25:15:-1]],
    "with another between": lambda b: [b[:41:10], b[3:5], b[20:30]],
    "in another type": lambda b: [b[:20], b.view(np.float64)[9:]],
}
APART = {
    "neighbours": lambda b: [b[:10], b[10:20], b[20:]],
    "in any order": lambda b: [b[20:], b[:10], b[10:20]],
    "interleaved": lambda b: [b[:20:2], b[1:20:2]],
    "three interleaved": lambda b: [b[2:30:3], b[:30:3], b[1:30:3]],
    "columns": lambda b: list(b[:36].reshape(6, 6).T),
    "two blocks": lambda b: [b[:36].reshape(6, 6)[:, :3], b[:36].reshape(6, 6)[:, 3:]],
    "a block in a frame": lambda b: [b[:36].reshape(6, 6)[1:-1, 1:-1], b[:6], b[30:36]],
    "one in the gap of another": lambda b: [b[:20:10], b[3:7]],
    "empty ones": lambda b: [b[:10], b[5:5], b[5:5]],
    "interleaved backwards": lambda b: [b[20:0:-2], b[1:20:2]],
}


@pytest.mark.parametrize("name", SHARED)
def test_parameters_that_share_memory_are_refused_by_both_names(device, name):
    base = np.zeros(SIZE, np.float32)
    whole = device.array(base)
    params = [_on(whole, base, view) for view in SHARED[name](base)]
    last = len(params) - 1
    with pytest.raises(ValueError, match=rf"params\[0\].*params\[{last}\].*share memory"):
        fa.Adam(params)


@pytest.mark.parametrize("name", APART)
def test_parameters_that_lie_apart_are_accepted_however_close(device, name):
    base, wanted = numbers(SIZE, np.float32, 0), numbers(SIZE, np.float32, 0)
    for view in APART[name](wanted):
        view -= 1
    whole = device.array(base)
    params = [_on(whole, base, view) for view in APART[name](base)]
    fa.SGD(params, lr=1.0).step([device.array(np.ones(p.shape, np.float32)) for p in params])
    assert bits(device.numpy(whole)) == bits(wanted)


def _on(whole, base, view):
    """The view, of a base that is already on the device."""
    return place(_There(whole, base), base, view)[1]


class _There:
    """A device on which an array already lies."""

    def __init__(self, whole, base):
        self._whole, self._base = whole, base

    def array(self, array):
        return self._whole if array is self._base else None
