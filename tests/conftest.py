"""The devices that the tests run on."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from fastadapt.kernels.denormal import FLUSH

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
"""Whether Numba's CUDA simulator stands in for a GPU: slow, so generic tests take few steps and small sizes there."""

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
"""Whether the kernels run as Python."""

SLOW = SIMULATED or INTERPRETED

FLUSHES = FLUSH != 0 and not SLOW
"""Whether numbers that would be denormal become 0 in kernels."""

BOUNDED = os.environ.get("NUMBA_BOUNDSCHECK") == "1"
"""Whether kernels check their indices: every one is compiled anew."""


NUMBA_CUDA = find_spec("numba_cuda") is not None
"""Whether numba-cuda is installed. `numba.cuda` can be imported without it: that is Numba's own, old target."""

needs_numba_cuda = pytest.mark.skipif(not NUMBA_CUDA, reason="the package numba-cuda is not installed")


def has_gpu() -> bool:
    """Whether CUDA arrays can be made here, on a device or in the simulator."""
    if not NUMBA_CUDA:
        return False
    from numba import cuda

    return SIMULATED or cuda.is_available()


def for_maintainers(*values):
    """These values of a parameter, in tests that carry the marker `maintainer`, which `.ci/run` asks for."""
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*row, marks=pytest.mark.maintainer) for row in rows]


def sample(few, many):
    """Run a test with `count` few, and for maintainers with many."""
    return pytest.mark.parametrize("count", [few, *for_maintainers(many)])


class Cpu:
    """NumPy arrays as they are."""

    name = "cpu"

    @staticmethod
    def array(array: np.ndarray):
        return array

    @staticmethod
    def numpy(array) -> np.ndarray:
        return np.asarray(array)


class Cuda:
    """Numba's device arrays."""

    name = "cuda"

    @staticmethod
    def array(array: np.ndarray):
        from numba import cuda

        return cuda.to_device(array)

    @staticmethod
    def numpy(array) -> np.ndarray:
        return array.copy_to_host()


DEVICES = [] if SIMULATED else [Cpu]  # which is in the simulator what it is without
if NUMBA_CUDA or SIMULATED:
    DEVICES.append(pytest.param(Cuda, marks=pytest.mark.gpu))


@pytest.fixture(params=DEVICES, ids=lambda device: device.name)
def device(request):
    """Each device in turn; `device.array` puts a NumPy array there, `device.numpy` brings it back."""
    if request.param is Cuda and not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")
    return request.param


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """The function that runs a script under a stand-in for NVIDIA's driver (see driver.py)."""
    from driver import stand_in

    yield from stand_in(tmp_path_factory.mktemp("driver"))
