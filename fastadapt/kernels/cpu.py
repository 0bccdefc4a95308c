"""The CPU kernels: tiles to threads."""

import math
import warnings
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numba import config, get_num_threads, njit, prange

from .memory import array_at
from .table import FIRST, ROW, SIZE, STATE, G, P
from .tile import TILE, arrays_at, sweep_of, take

LINE = 64
"""Bytes of a cache line, on which each array's state starts, so that no two threads write to the same one."""

PARALLEL_FROM = 2**18
"""Weights from which on a step uses threads: those still awake pay from 2**16 on, those asleep from 2**20 on.

Measured with `bench/test_threshold.py`.
"""


@cache
def cache_key(parallel=False):
    """What every kernel holds in its closure, because Numba's disk cache looks there, and at no flag or other file.

    A digest of this folder's text is in it, so that an edit here makes all kernels anew.
    """
    digest = sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest(), parallel, config.BOUNDSCHECK


def jit(function, parallel=False):
    """Compile for the CPU, kept in Numba's disk cache."""
    # error_model="numpy": Python's tests every divisor for zero, which stops vectorisation. No fastmath: at the
    # speed of memory it gains nothing, and without it the bits are the same for every number of threads.
    return kept(lambda cached: njit(cache=cached, parallel=parallel, error_model="numpy")(function))


def kept(compiler):
    """What `compiler(True)` makes with Numba's disk cache, or `compiler(False)` where no folder for that is found."""
    try:
        return compiler(True)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        warn_of_no_cache()
        return compiler(False)


@cache
def warn_of_no_cache():
    """Say once what is amiss, and what to do."""
    warnings.warn(
        "fastadapt: every process compiles its kernels anew, because no folder for Numba's cache can be written; "
        "set NUMBA_CACHE_DIR to one that can",
        RuntimeWarning,
        stacklevel=2,
    )


@cache
def build(update, states, coefs, dtype, g_dtype, parallel):
    """The kernel `(table, coef, parts) -> None` that carries `update` over every row of a table.

    `coef[row]` holds scale, decay, keep and the rule's own coefficients. `parts` is how many runs of tiles the
    work is cut into; the result does not depend on it.
    """
    sweep = sweep_of(update)
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

    return jit(kernel, parallel)


HELD = {np.dtype(np.float16): np.dtype(np.uint16)}
"""How a kernel holds a gradient that Numba cannot compute with."""


def runner(update, states, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, stream)` that updates every row of a table of about so many tiles."""
    parallel = tiles * TILE >= PARALLEL_FROM
    kernel = build(update, states, coefs, dtype, HELD.get(g_dtype, g_dtype), parallel)
    if parallel:
        return lambda table, coef, stream: kernel(table, coef, get_num_threads())
    return lambda table, coef, stream: kernel(table, coef, 1)


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
    n = math.prod(shape)
    strides = [step * buffer.itemsize for step in steps]
    return np.lib.stride_tricks.as_strided(buffer[start : start + n], shape, strides)


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
