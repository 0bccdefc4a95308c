"""Which module carries out what is done on a device: `cpu` or `cuda`."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .device import Device

MISSING = 'the package numba-cuda (of a checkout: `pip install ".[cu12]"` or ".[cu13]", for CUDA 12 or 13)'


def has_numba_cuda() -> bool:
    """Whether numba-cuda is installed. That `numba.cuda` can be imported does not say so: Numba has an old one."""
    return find_spec("numba_cuda") is not None


def module_of(cuda: bool, what: str = "") -> Device | Any:
    """The module of arrays on CUDA, or of those on the CPU, or that of `what` is done with them.

    Raises
    ------
    ImportError
        Arrays on CUDA need a package that is not installed.
    """
    if cuda and not has_numba_cuda():
        raise ImportError(f"expected for arrays on CUDA {MISSING}")
    return import_module(f"{__name__}.{'cuda' if cuda else 'cpu'}{what}")
