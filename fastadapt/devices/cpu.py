"""The CPU as a device: buffers, and jobs that run kernels with one thread or all."""

import operator
from functools import cache, lru_cache, partial

import numpy as np
from numba import get_num_threads, set_num_threads
from numba.np.ufunc import parallel as layer

from ..kernels.cpu import build, build_squares
from ..kernels.reduce import folder
from ..kernels.table import FIRST, HELD, LINE, NO_CLOCK, STATE
from ..kernels.weight import TILE
from ..layout import strides_of
from ..threads import needed_by_children, threads_run
from .check_numpy import matcher  # noqa: F401 - part of what a device has
from .choice import Choice

PARALLEL_FROM = 2**18
"""Weights from which on a step may use threads; below, waking them takes longer, some 20 µs, than they save.

Measured as by `bench/test_threshold.py`, asleep, on two busy cores, the fastest steps of many: with threads a step of
Adam took 1.4 times as long as without at 2**17, 0.93 at 2**18, 0.86 at 2**19 and 0.80 at 2**20; SGD 1.32, 1.11, 0.97
and 0.78.
"""

LARGE = 2**25
"""Weights from which on a step always uses threads: what they could lose by waiting for a core is little beside it."""


def rows(count, width, dtype):
    """Rows of coefficients, to be packed, and what a job is given of them."""
    coef = np.zeros((count, width), dtype)
    return coef, coef


def runner(update, storage, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, clock, stream)` that makes the job of updating a table of about so many tiles."""
    job = _job(tiles, build, update, storage, coefs, dtype, HELD.get(g_dtype, g_dtype))
    return lambda table, coef, clock, stream: job(table, coef, clock)


def _job(tiles, build, *given):
    """The function `(table, coef, clock)` that makes a job of a kernel `build(*given, parallel)` for so many tiles."""
    parallel = tiles * TILE >= PARALLEL_FROM and threads_run()
    if parallel:
        needed_by_children[(build, *given, False)] = None
    kernel = build(*given, parallel)
    if not parallel or tiles * TILE >= LARGE:
        return partial(partial, kernel)
    return partial(AdaptiveJob, _choice(kernel, tiles.bit_length()), kernel)


class AdaptiveJob(partial):
    """A job that uses threads, or not, as a `Choice` says."""

    def __new__(cls, choice, *call):
        job = super().__new__(cls, *call)
        job.choice = choice
        return job


@cache
def _choice(kernel, magnitude):
    """The choice for all tables of this magnitude that the kernel updates."""
    return Choice()


CALL = getattr(operator, "call", partial.__call__)  # Python 3.10 has no operator.call


def carry_out(jobs):
    """Run all jobs, which are partials of compiled functions, as one: no signal's handler can come between them.

    Python calls handlers between two lines of Python only, and there is none in the list. The first job that can do
    without threads chooses for all.
    """
    if AdaptiveJob not in map(type, jobs):
        list(map(CALL, jobs))
    else:
        choice = next(job.choice for job in jobs if type(job) is AdaptiveJob)
        choice.run(lambda threads: list(map(CALL, jobs if threads else _with_one_thread(jobs))))


def _with_one_thread(jobs):
    """The jobs with one thread for those that can use more; the number that the user set is put back among them."""
    first, *others = (k for k, job in enumerate(jobs) if type(job) is AdaptiveJob)
    last, count = max([first, *others]), get_num_threads()
    # That of Numba's layer, a function in C, between which and the jobs no handler can run; Numba's own is Python's.
    put = getattr(layer, "_set_num_threads", set_num_threads)
    return [*jobs[:first], partial(put, 1), *jobs[first : last + 1], partial(put, count), *jobs[last + 1 :]]


def squares(table, coef, dtype, g_dtype, check):
    """For each row of a table the sum of the squares of its gradients, and what is not finite among them.

    Each gradient is multiplied by `coef[row, 0]` and clipped to `coef[row, 1]`. The bits do not depend on the threads.
    `check` raises where the gradients may be no longer where the table says.
    """
    tiles = int(table[-1, FIRST])
    parts, sums = _parts(tiles), np.empty((len(table) - 1, 2))
    # The column of a state holds where a row's sums go.
    table = np.column_stack([table[:, :STATE], parts.ctypes.data + table[:, FIRST] * (2 * parts.itemsize)])
    job = _job(tiles, build_squares, dtype, HELD.get(g_dtype, g_dtype))
    # As one, because others measure in the same room.
    carry_out([check, job(table, coef, NO_CLOCK), partial(folder(), table, parts, sums)])
    return sums


@lru_cache(4)
def _parts(tiles):
    """Room for the sums of tiles; memory that is new each time costs a third as much as the sums themselves."""
    return np.empty((tiles, 2))


def synchronize():
    """Wait for what was begun: nothing is left running here."""


NO_STREAM = None
"""What a step without a stream of its own runs on."""


def stream_of(array, stream):
    """The stream to run on: there is none on the CPU."""
    if stream is not None:
        raise ValueError(f"expected no stream for arrays on the CPU, not {stream!r}")


def captured(stream):
    """Whether a CUDA graph captures what is done: none does on the CPU."""
    return False


def refuse_other(found, path):
    """Raise ValueError for an array on another device: there is one CPU."""


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


def unpacking(run, found, steps, stream=None):
    """The job of copying the numbers of a run back into the array."""
    return partial(np.ndarray.__setitem__, found.array, ..., view(run, 0, found.shape, steps))


def address(buffer):
    """Where a buffer starts."""
    return buffer.ctypes.data


def clearing(buffer):
    """The job of making a buffer zero."""
    return partial(buffer.fill, 0)


def filling(buffer, start, shape, steps, value):
    """The job of putting `value`, a number or an array of `shape`, into a part of a buffer."""
    return partial(np.ndarray.__setitem__, view(buffer, start, shape, steps), ..., value)


def copied(buffer, start, n):
    """A copy of a part of a buffer."""
    return buffer[start : start + n].copy()


def fetched(buffer, start, n):
    """A copy of a part of a buffer, in NumPy."""
    return buffer[start : start + n].copy()


def putting(buffer, start, run, n):
    """The job of copying the first `n` numbers of a run into a part of a buffer."""
    return partial(np.ndarray.__setitem__, buffer, slice(start, start + n), run[:n])


def frozen(array):
    """The array, to be read only: writing to it would change nothing."""
    array.flags.writeable = False
    return array


def on_host(found):
    """The array in NumPy."""
    return found.array
