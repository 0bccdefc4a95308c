"""What the tests of CUDA arrays have in common: the device, its launches, and trees of arrays there."""

import numpy as np
import pytest
from conftest import Cuda, has_gpu

TOLERANCE = {"rtol": 2e-6, "atol": 4e-6}
"""A GPU contracts `a * b + c` into one FMA, and the simulator takes roots in float64; the CPU rounds between. An
update has less than 16 operations, so three steps of numbers up to 4 part by at most 3 * 16 * 4 * 2**-25 = 6e-6,
and by less where rounding errors are not all of one sign."""

CUDA = [pytest.param(Cuda, marks=pytest.mark.gpu)]


def only_cuda(request):
    """CUDA arrays only: for a fixture `device` where what is tested has no meaning for others."""
    if not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")
    return request.param


def count_launches(monkeypatch, device):
    """The list of launches, which grows with every one; an item is the name of the function that was launched."""
    from fastadapt.devices import cuda_launch

    found, launcher = [], cuda_launch.launcher

    def counting(kernel, *where):
        launch, name = launcher(kernel, *where), getattr(kernel, "py_func", getattr(kernel, "fn", None))

        def counted(*args):
            found.append(name)
            launch(*args)

        return counted

    monkeypatch.setattr(cuda_launch, "launcher", counting)
    return found


def random(shape, seed=0, dtype=np.float32):
    """Random numbers of either sign."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def tree(shapes, seed):
    """Random arrays of these shapes, by name."""
    return {name: random(shape, seed + i) for i, (name, shape) in enumerate(shapes.items())}


def on(device, arrays):
    """The arrays on the device."""
    return {name: device.array(array) for name, array in arrays.items()}


def compare(device, found, expected, **tolerance):
    """Check arrays on the device against those in NumPy."""
    for name, array in expected.items():
        np.testing.assert_allclose(device.numpy(found[name]), array, **(tolerance or TOLERANCE), err_msg=name)
