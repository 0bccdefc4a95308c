"""Which module carries out what is done on a device: `cpu` or `cuda`."""

from importlib.util import find_spec
from typing import Any

from .device import Device

MISSING = 'the package numba-cuda (of a checkout: `pip install ".[cu12]"` or ".[cu13]", for CUDA 12 or 13)'


def has_numba_cuda() -> bool:
    """Whether numba-cuda is installed. That `numba.cuda` can be imported does not say so: Numba has an old one."""
    return find_spec("numba_cuda") is not None


def module_of(cuda: bool) -> Device:
    """The module of arrays on CUDA, or of those on the CPU.

    Raises
    ------
    ImportError
        Arrays on CUDA need a package that is not installed.
    """
    if not cuda:
        from . import cpu

        return cpu
    if not has_numba_cuda():
        raise ImportError(f"expected for arrays on CUDA {MISSING}")
    from . import cuda as device

    return device


def problems_of(cuda: bool) -> Any:
    """The module that solves many problems on CUDA, or on the CPU.

    Raises
    ------
    ImportError
        Arrays on CUDA need a package that is not installed.
    """
    module_of(cuda)
    if not cuda:
        from . import cpu_problems

        return cpu_problems
    from . import cuda_problems

    return cuda_problems
