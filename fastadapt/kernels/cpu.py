"""The CPU kernels: tiles to threads."""

from functools import cache

import numpy as np
from numba import get_num_threads, prange

from ..arrays import strides_of
from . import headers
from .cache import cache_key, jit
from .memory import array_at
from .table import FIRST, HELD, LINE, ROW, SIZE, STATE, G, P
from .tile import TILE, arrays_at, sweep_of, take

PARALLEL_FROM = 2**18
"""Weights from which on a step uses threads: those still awake pay from 2**16 on, those asleep from 2**20 on.

Measured with `bench/test_threshold.py`.
"""


@cache
def build(update, states, coefs, dtype, g_dtype, parallel):
    """The kernel `(table, coef, parts) -> None` that carries `update` over every row of a table.

    `coef[row]` holds scale, decay, keep and the rule's own coefficients. `parts` is how many runs of tiles the
    work is cut into; the result does not depend on it.
    """
    sweep = sweep_of(update)
    signature = f"void(int64[:, ::1], {dtype}[:, ::1], int64)"
    p_size, g_size = dtype.itemsize, g_dtype.itemsize
    dtype, g_dtype = dtype.type, g_dtype.type
    like_state, like_coef = (0,) * states, (0,) * coefs
    key = cache_key(parallel)

    def kernel(table, coef, parts):
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
                c = coef[table[row, ROW]]
                sweep(
                    array_at(table[row, P] + start * p_size, n, dtype),
                    array_at(table[row, G] + start * g_size, n, g_dtype),
                    arrays_at(table[row, STATE:], start, n, dtype, like_state),
                    c[0],
                    c[1],
                    c[2],
                    take(c[3:], like_coef),
                    dtype,
                )
                row += 1
                tile = table[row, FIRST]

    return jit(kernel, signature, parallel)


def runner(update, states, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, stream)` that updates every row of a table of about so many tiles."""
    parallel = tiles * TILE >= PARALLEL_FROM
    kernel = build(update, states, coefs, dtype, HELD.get(g_dtype, g_dtype), parallel)
    if parallel:
        return lambda table, coef, stream: kernel(table, coef, get_num_threads())
    return lambda table, coef, stream: kernel(table, coef, 1)


def match():
    """The function that checks all gradients at once and finds where they lie, or None."""
    return headers.trusted()


def synchronize():
    """Wait for what was begun: nothing is left running here."""


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


def on_host(found):
    """The array in NumPy."""
    return found.array
