"""Copies of strided arrays within a GPU's memory."""

import math
from functools import partial

import numpy as np
from numba import cuda

from ..kernels.cuda import THREADS, copier
from .cuda_driver import configured
from .cuda_launch import address, blocks_for


def _copy(target, source, target_strides, source_strides, shape, dtype, stream):
    n, size = math.prod(shape), dtype.itemsize
    if n and any(number % size for number in (target, source, *target_strides, *source_strides)):
        # A GPU loads a number from a multiple of its size alone: here it is copied byte by byte.
        shape, dtype, n = (*shape, size), np.dtype(np.uint8), n * size
        target_strides, source_strides = (*target_strides, 1), (*source_strides, 1)
    if n:
        if not shape:  # a kernel takes no empty tuple
            shape, target_strides, source_strides = (1,), (0,), (0,)
        copy = configured(copier(dtype), blocks_for(-(-n // THREADS)), THREADS, stream)
        copy(target, source, tuple(target_strides), tuple(source_strides), shape, n)


def packing(found, run, steps, stream=0):
    """The job of copying the numbers of an array into a run in the order of `steps`."""
    strides = [step * found.dtype.itemsize for step in steps]
    return partial(_copy, address(run), found.address, strides, found.strides, found.shape, found.dtype, stream)


def packed(found, steps, stream=0):
    """The numbers of an array, copied into one run in the order of `steps`."""
    run = cuda.device_array(max(found.size, 1), found.dtype)
    packing(found, run, steps, stream)()
    return run


def unpacking(run, found, steps, stream=0):
    """The job of copying the numbers of a run back into the array."""
    strides = [step * found.dtype.itemsize for step in steps]
    return partial(_copy, found.address, address(run), found.strides, strides, found.shape, found.dtype, stream)


def exchanging(found, buffer, start, steps, scratch):
    """The jobs of exchanging an array and a part of a buffer, by means of scratch as large."""
    size, n = found.dtype.itemsize, found.size
    part, room, run = address(buffer) + start * size, address(scratch), [step * size for step in steps]
    jobs = [
        partial(_copy, room, found.address, run, found.strides, found.shape, found.dtype, 0),
        partial(_copy, found.address, part, found.strides, run, found.shape, found.dtype, 0),
        partial(_copy, part, room, (size,), (size,), (n,), found.dtype, 0),
    ]
    jobs[-1].alive = scratch  # of which the jobs know the address alone
    return jobs
