"""Many small problems on CUDA: a thread takes a problem."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import config, cuda, typeof, types

from ..functions import naming_the_reason
from ..kernels.cuda import THREADS, compiled
from ..kernels.cuda_problems import kernel_of
from ..kernels.problems import Kind, values_of
from ..layout import c_steps, layout
from .cuda_copy import packed
from .cuda_driver import attach, configured
from .cuda_launch import stream_of

ROOM = 2**28
"""Bytes of room that one launch may take: more problems are solved one launch behind the other."""


def copied(array: Any) -> Any:
    """A copy of the starts, in the order of the kernel."""
    found = layout(array)
    run = packed(found, c_steps(found.shape), stream_of(array, None))
    return run[: found.size].reshape(found.shape) if found.size else cuda.device_array(found.shape, found.dtype)


def on_host(array: Any) -> np.ndarray:
    """The array in NumPy."""
    return copied(array).copy_to_host()


def given_array(name: str, value: Any) -> Any:
    """An array of `args` or `shared`, as the kernel takes it."""
    found = layout(value)
    if found is None or not found.cuda:
        raise TypeError(f"minimize_many: {name}: expected a CUDA array, as x0s, not {type(value).__name__}")
    return value if config.ENABLE_CUDASIM else cuda.as_cuda_array(value)


def on_device(array: np.ndarray) -> Any:
    """An array of ours, where the kernel reads it."""
    return cuda.to_device(array) if array.size else cuda.device_array(array.shape, array.dtype)


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Room for results."""
    return cuda.device_array(shape, dtype)


_built: dict[tuple, Callable] = {}


def build(kind: Kind, args: int, shared: int, signature: Any) -> Callable:
    """The kernel for arguments of these types, compiled, or found in the disk cache or among those of this process."""
    key = kind.key(), args, shared, signature, attach()
    if key not in _built:
        if len(_built) >= 64:  # of functions that a user made and threw away
            _built.clear()
        with naming_the_reason("fun"):
            _built[key] = compiled(kernel_of(kind, args, shared), signature)
    return _built[key]


def solve(kind: Kind, args: tuple, shared: tuple, rates: tuple, starts: Any, limits: tuple, numbers: tuple, out: tuple):
    """Solve all problems, as far as they fit into the room at once; the launches are on their framework's stream."""
    n, d = out[0].shape
    size = kind.dtype.itemsize
    height, rows, run = values_of(kind), (3 + kind.states) * d + 1, d if kind.clips else 0
    most = max(THREADS, ROOM // (size * (rows + run) + 8 * height) // THREADS * THREADS)
    together = min(n, most)
    work, values = empty((rows, together), kind.dtype), empty((height, together), np.float64)
    runs = empty((together, run), kind.dtype)
    arrays, stream = (*args, *shared, starts, *limits, *rates), stream_of(out[0], None)
    call = (0, work, values, runs, arrays, numbers, out)
    signature = None if config.ENABLE_CUDASIM else types.void(*map(typeof, call))
    blocks = -(-together // THREADS)
    if not blocks:
        return
    kernel = configured(build(kind, len(args), len(shared), signature), blocks, THREADS, stream)
    for begin in range(0, n, together):
        kernel(begin, *call[1:])
