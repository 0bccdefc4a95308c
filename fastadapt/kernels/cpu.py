"""The CPU kernels: tiles to threads."""

from functools import cache

import numpy as np
from numba import get_num_threads, prange

from ..arrays import strides_of
from . import headers
from .cache import cache_key, jit
from .cpu_carry import carry_of
from .table import FIRST, HELD, LINE, ROW, SIZE
from .tile import TILE

PARALLEL_FROM = 2**18
"""Weights from which on a step uses threads: those still awake pay from 2**16 on, those asleep from 2**20 on.

Measured with `bench/test_threshold.py`.
"""


@cache
def build(update, storage, coefs, dtype, g_dtype, parallel):
    """The kernel `(table, coef, step, parts) -> None` that carries `update` over every row of a table.

    `coef[row]` holds scale, decay, keep and the rule's own coefficients; `step` counts, for the random words. `parts`
    is how many runs of tiles the work is cut into; the result does not depend on it.
    """
    carry = carry_of(update, storage, coefs, dtype, g_dtype)
    key = cache_key(parallel)

    def kernel(table, coef, step, parts):
        key  # noqa: B018 - see cache_key
        rows = table.shape[0] - 1
        tiles = table[rows, FIRST]
        for part in prange(parts):
            tile, end = part * tiles // parts, (part + 1) * tiles // parts
            row = np.searchsorted(table[:rows, FIRST], tile, "right") - 1
            while tile < end:
                first = table[row, FIRST]
                start = (tile - first) * TILE
                n = min((end - first) * TILE, table[row, SIZE]) - start
                carry(table[row], coef[table[row, ROW]], start, n, step)
                row += 1
                tile = table[row, FIRST]

    return jit(kernel, f"void(int64[:, ::1], {dtype}[:, ::1], int64, int64)", parallel)


def runner(update, storage, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, step, stream)` that updates every row of a table of about so many tiles."""
    parallel = tiles * TILE >= PARALLEL_FROM
    kernel = build(update, storage, coefs, dtype, HELD.get(g_dtype, g_dtype), parallel)
    if parallel:
        return lambda table, coef, step, stream: kernel(table, coef, step, get_num_threads())
    return lambda table, coef, step, stream: kernel(table, coef, step, 1)


def match():
    """The function that checks all gradients at once and finds where they lie, or None."""
    return headers.trusted()


def synchronize():
    """Wait for what was begun: nothing is left running here."""


NO_STREAM = None
"""What a step without a stream of its own runs on."""


def stream_of(array, stream):
    """The stream to run on: there is none on the CPU."""
    if stream is not None:
        raise ValueError(f"expected no stream for arrays on the CPU, not {stream!r}")


def zeros(n, dtype):
    """A buffer of `n` zeros that starts on a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + n * size].view(dtype)


def view(buffer, start, shape, steps):
    """An array of this shape, with strides of `steps` numbers, in `buffer` from element `start` on."""
    strides = strides_of(shape, steps, buffer.itemsize)
    return np.ndarray(shape, buffer.dtype, buffer, start * buffer.itemsize, strides)


def packed(found, steps, stream=None):
    """The numbers of an array, copied into one run in the order of `steps`."""
    run = np.empty(found.size, found.dtype)
    view(run, 0, found.shape, steps)[...] = found.array
    return run


def unpack(run, found, steps, stream=None):
    """Copy the numbers of a run back into the array."""
    found.array[...] = view(run, 0, found.shape, steps)


def address(buffer):
    """Where a buffer starts."""
    return buffer.ctypes.data


def clear(buffer):
    """Make a buffer zero."""
    buffer[...] = 0


def fill(buffer, start, shape, steps, value):
    """Put `value`, a number or an array of `shape`, into a part of a buffer."""
    view(buffer, start, shape, steps)[...] = value


def copied(buffer, start, n):
    """A copy of a part of a buffer."""
    return buffer[start : start + n].copy()


def frozen(array):
    """The array, to be read only: writing to it would change nothing."""
    array.flags.writeable = False
    return array


def on_host(found):
    """The array in NumPy."""
    return found.array
