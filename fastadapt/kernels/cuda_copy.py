"""Copies of strided arrays within a GPU's memory."""

import math
from functools import cache, partial

import numpy as np
from numba import cuda

from . import cuda_launch as grid
from .cuda_direct import configured
from .memory import load, store


@cache
def _copier(dtype):
    """The kernel that copies numbers of `dtype` from one strided array to another."""
    word = np.dtype(f"u{dtype.itemsize}").type

    def kernel(target, source, target_strides, source_strides, shape, n):
        i = cuda.grid(1)
        while i < n:
            rest, to, of = i, 0, 0
            for axis in range(len(shape) - 1, -1, -1):
                k = rest % shape[axis]
                rest //= shape[axis]
                to += k * target_strides[axis]
                of += k * source_strides[axis]
            store(target + to, word, load(source + of, word))
            i += cuda.gridsize(1)

    return cuda.jit(kernel)


def _copy(target, source, target_strides, source_strides, shape, dtype, stream):
    n, size = math.prod(shape), dtype.itemsize
    if n and any(number % size for number in (target, source, *target_strides, *source_strides)):
        # A GPU loads a number from a multiple of its size alone: here it is copied byte by byte.
        shape, dtype, n = (*shape, size), np.dtype(np.uint8), n * size
        target_strides, source_strides = (*target_strides, 1), (*source_strides, 1)
    if n:
        if not shape:  # a kernel takes no empty tuple
            shape, target_strides, source_strides = (1,), (0,), (0,)
        copy = configured(_copier(dtype), grid.blocks_for(-(-n // grid.THREADS)), grid.THREADS, stream)
        copy(target, source, tuple(target_strides), tuple(source_strides), shape, n)


def packed(found, steps, stream=0):
    """The numbers of an array, copied into one run in the order of `steps`."""
    run, strides = cuda.device_array(max(found.size, 1), found.dtype), [step * found.dtype.itemsize for step in steps]
    _copy(grid.address(run), found.address, strides, found.strides, found.shape, found.dtype, stream)
    return run


def unpacking(run, found, steps, stream=0):
    """The job of copying the numbers of a run back into the array."""
    strides = [step * found.dtype.itemsize for step in steps]
    return partial(_copy, found.address, grid.address(run), found.strides, strides, found.shape, found.dtype, stream)
