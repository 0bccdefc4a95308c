"""CUDA as a device: kernels launched, and memory held. Importing this touches no driver; the first call does."""

import math
from functools import cache
from types import SimpleNamespace

import numpy as np
from numba import config, cuda

from ..kernels.cuda import THREADS, compiled, integers, plain_kernel, widen_kernel
from ..kernels.cuda_decide import decide_kernel
from ..kernels.cuda_reductions import combine_kernel, fold_kernel, reduce_kernel, total_kernel
from ..kernels.cuda_squares import squares_kernel
from ..kernels.cuda_threads import LANES
from ..kernels.cuda_warps import teams_of, warp_kernel
from ..kernels.table import FIRST, read_as
from ..kernels.weight import AROUND
from ..layout import Layout, c_steps, strides_of
from ..threads import uninterrupted
from . import cuda_launch
from .check_attributes import matcher  # noqa: F401 - part of what a device has
from .cuda_copy import exchanging, packed, packing, unpacking  # noqa: F401
from .cuda_driver import attach, can_capture, captured, device_of  # noqa: F401
from .cuda_launch import Mirror, Rows, address, blocks_for, refuse_captured, stream_of  # noqa: F401
from .device import job_of


@cache
def build(update, storage, coefs, dtype, g_dtype):
    """The kernel, compiled, and kept in Numba's disk cache."""
    return compiled(kernel_of(update, storage, coefs, dtype, g_dtype), integers(4))


def kernel_of(update, storage, coefs, dtype, g_dtype):
    """The kernel `(table, coef, rows, tiles)`: the addresses of a table and of `Rows`, and counts."""
    if storage.coded or storage.terms:
        return warp_kernel(update, storage, coefs, dtype, g_dtype, THREADS)
    return plain_kernel(update, storage, coefs, dtype, g_dtype)


def rows(count, width, dtype):
    """Rows of coefficients, to be packed on the host, and what a job is given of them."""
    made = Rows(count, width, dtype)
    return made.coef, made


def runner(update, storage, coefs, dtype, g_dtype, tiles):
    """The function `(table, rows, clock, stream)` that makes the job of updating every row of a table in one launch.

    `retain` keeps the table on the device that was last sent for a graph.
    """
    kernel, tables = build(update, storage, coefs, dtype, read_as(g_dtype)), Mirror()
    blocks = -(-tiles // teams_of(THREADS)) if storage.coded or storage.terms else tiles

    def run(table, rows, clock, stream):
        launched, counts = launch(kernel, blocks, stream), (table.shape[0] - 1, int(table[-1, FIRST]))

        def job():
            at = tables.of(table, stream)
            rows.send(clock.item(0), stream)
            launched(at, rows.address, *counts)

        return job

    run.retain = tables.retain
    return run


@cache
def squares(dtype, g_dtype):
    """The kernel that sums the squares of gradients (see `squares_kernel`)."""
    return compiled(squares_kernel(dtype, read_as(g_dtype), THREADS), integers(6))


@cache
def decider(coefficients, values):
    """The kernel that decides on a step (see `decide_kernel`)."""
    return compiled(decide_kernel(coefficients, values, THREADS), integers(1))


@cache
def widener():
    """The kernel `(source, target)` that makes a float64 of a float32."""
    return compiled(widen_kernel, integers(2))


@cache
def reducer(rule, storage, dtype, g_dtype):
    """The kernel that sums what a rule needs before a step (see `reduce_kernel`)."""
    lanes = min(LANES, THREADS)
    given = rule.reduce, rule.sums, storage, AROUND + rule.coefs, dtype, read_as(g_dtype), THREADS, lanes
    return compiled(reduce_kernel(*given), integers(4))


@cache
def folder():
    """The kernel that sums tiles to arrays (see `fold_kernel`)."""
    return compiled(fold_kernel(THREADS), integers(8))


@cache
def totaller():
    """The kernel that sums over all arrays (see `total_kernel`)."""
    return compiled(total_kernel, integers(4))


@cache
def combiner(found, values):
    """The kernel that completes coefficients and scalars (see `combine_kernel`)."""
    kernel = combine_kernel(found.combine, values, len(found.names), len(found.scalars), found.picks)
    return compiled(kernel, integers(2))


def launch(kernel, blocks, stream):
    """The kernel, ready to be launched for so many blocks' work."""
    return cuda_launch.launcher(kernel, blocks_for(blocks), stream, attach())


def refuse_other(found, path):
    """Raise ValueError for an array that lies on another GPU than the current one."""
    where = device_of(found.address)
    if where and where[0] != where[1]:
        raise ValueError(
            f"params{path}: expected arrays on the current GPU, number {where[1]}, but this one is on {where[0]}: "
            "make that current, and give each GPU an optimizer of its own"
        )


def carry_out(jobs):
    """Run all jobs; Ctrl-C waits for the last."""
    with uninterrupted():
        for job in jobs:
            job()


# What follows is described by `Device`.

NO_STREAM = 0


def synchronize():
    cuda.synchronize()  # what was begun on one stream may be needed on another that does not wait for it


def zeros(n, dtype):
    buffer = cuda.device_array(max(n, 1), dtype)
    clear(buffer)
    return buffer


def clear(buffer):
    """Make a buffer zero."""
    if config.ENABLE_CUDASIM:
        buffer._ary[...] = 0
    else:
        cuda.cudadrv.driver.device_memset(buffer, 0, buffer.nbytes)


def view(buffer, start, shape, steps, dtype=None):
    dtype, offset = dtype or buffer.dtype, start * buffer.dtype.itemsize
    strides = strides_of(shape, steps, dtype.itemsize)
    if config.ENABLE_CUDASIM:
        return type(buffer)(np.ndarray(shape, dtype, buffer._ary, offset, strides))
    found = Layout(buffer, address(buffer) + offset, shape, strides, dtype, True, True)
    return cuda.as_cuda_array(SimpleNamespace(__cuda_array_interface__=found.interface, owner=buffer))


def fill(buffer, start, shape, steps, value):
    """Put `value`, a number or an array of `shape`, into a part of a buffer."""
    run = np.empty(math.prod(shape), buffer.dtype)
    strides = tuple(step * run.itemsize for step in steps)
    np.lib.stride_tricks.as_strided(run, shape, strides)[...] = value
    put(buffer, start, run, run.size)


def copied(buffer, start, n):
    copy = cuda.device_array(max(n, 1), buffer.dtype)
    if n:
        copy[:n].copy_to_device(buffer[start : start + n])
    return copy


def fetched(buffer, start, n):
    return buffer[start : start + n].copy_to_host() if n else np.empty(0, buffer.dtype)


def put(buffer, start, run, n):
    """Copy the first `n` numbers of a run, on the host or on the device, into a part of a buffer."""
    if n:
        buffer[start : start + n].copy_to_device(run[:n])


clearing, filling, putting = map(job_of, (clear, fill, put))


def frozen(array):
    return array  # Numba's cannot be protected from being written to


def on_host(found):
    return packed(found, c_steps(found.shape)).copy_to_host()[: found.size].reshape(found.shape)
