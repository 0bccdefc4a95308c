"""The devices that the tests run on."""

import os

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


def has_gpu() -> bool:
    """Whether CUDA arrays can be made here, on a device or in the simulator."""
    try:
        from numba import cuda

        return SIMULATED or cuda.is_available()
    except ImportError:
        return False


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


DEVICES = [pytest.param(Cuda, marks=pytest.mark.gpu)]
if not SIMULATED:  # in which the CPU is the same as without it
    DEVICES.insert(0, Cpu)


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
