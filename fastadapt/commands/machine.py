"""What this machine is: versions, threads, the GPU, and where kernels are cached."""

import inspect
import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numba
import numpy as np
from numba.core.caching import FunctionCache

from ..devices import MISSING, has_numba_cuda
from ..kernels.cache import kernel_cache
from . import CommandError, ceiling


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions(*names: str) -> dict[str, str]:
    """The version of each of these distributions that is installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def threads() -> dict[str, int | str]:
    """How many threads Numba uses, and through which layer; it knows the layer only after a parallel call."""
    g = np.zeros(1, np.float32)
    ceiling.kernels(0, 32)[0](g, np.zeros_like(g))
    count, layer = numba.get_num_threads(), numba.threading_layer()
    return {"cores": os.cpu_count() or 1, "threads": count, "layer": layer}


def gpu() -> dict[str, str | float]:
    """What the GPU is, or under "missing" why there is none."""
    if not has_numba_cuda():
        return {"missing": f"none that can be used without {MISSING}"}
    try:
        from .gpu import facts

        return facts()
    except Exception as error:  # whatever a half-installed driver raises is an answer too
        return {"missing": f"none that Numba can use ({' '.join(str(error).split()) or type(error).__name__})"}


def require_gpu() -> dict[str, str | float]:
    """`gpu()`, or an error where there is none."""
    found = gpu()
    if "missing" in found:
        raise CommandError(f"--device cuda needs a GPU, and here is {found['missing']}")
    return found


def cache_folder() -> str | None:
    """The folder where Numba keeps the CPU kernels, or None where it can write none."""
    module = import_module("fastadapt.kernels.cpu")
    own = inspect.getmembers(module, lambda f: inspect.isfunction(f) and f.__module__ == module.__name__)
    try:
        return kernel_cache(FunctionCache)(own[0][1]).cache_path
    except RuntimeError:
        return None
