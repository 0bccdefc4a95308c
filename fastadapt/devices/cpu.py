"""The CPU as a device: buffers, and jobs that run kernels with one thread or all."""

from functools import partial

import numpy as np

from ..group_row import VALUES
from ..kernels.blocks import BATCH, NO_STEP, enter, run
from ..kernels.coefficients import build_own
from ..kernels.cpu import build
from ..kernels.cpu_squares import build_squares
from ..kernels.reductions import build_after, build_before, build_combine, build_gather, build_reduce
from ..kernels.table import FIRST, LINE, read_as
from ..kernels.weight import AROUND, TILE
from ..layout import strides_of
from ..threads import needed_by_children, threads_run
from .choice import AdaptiveJob, call_with_threads, carry_out, choice_of  # noqa: F401 - parts of a device

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
    address, choice = applying(update, storage, coefs, dtype, g_dtype, tiles)

    def job_of(table, coef, clock, stream):
        n, block = len(table) - 1, np.zeros(1, BATCH)
        walk = np.concatenate([[n], np.arange(n), table[:, FIRST]])  # each of its arrays has a gradient
        enter(block, step=NO_STEP, n=n, table=table, columns=table.shape[1], walk=walk)
        enter(block, coef=coef, cohort_count=len(coef), width=coef.shape[1])
        job = AdaptiveJob(choice, run, address, block.ctypes.data)
        job.alive = block, table, coef, walk
        return job

    return job_of


def applying(update, storage, coefs, dtype, g_dtype, tiles):
    """The address of the phase that applies a rule to about so many tiles, and the choice whether it uses threads."""
    return _phase(tiles, build, update, storage, coefs, dtype, read_as(g_dtype))


def squares(dtype, g_dtype, tiles):
    """The address of the phase that sums the squares of gradients of about so many tiles."""
    return _phase(tiles, build_squares, dtype, read_as(g_dtype))[0]


coefficients = build_own


def combining(found, values):
    """The address of the phase that calls the `combine` of a rule's `Reductions`, of so many hyperparameters."""
    return build_combine(found.combine, values, len(found.names), found.picks)


def around_a_step():
    """The phases before and behind a step of a rule with sums and scalars."""
    return {"before": build_before(), "after": build_after(), "gather": build_gather()}


def reducing(rule, storage, dtype, g_dtype, tiles):
    """The address of the phase that sums what a rule needs before a step, over about so many tiles."""
    return _phase(tiles, build_reduce, rule.reduce, rule.sums, storage, dtype, read_as(g_dtype))[0]


def own_coefficients(cls, row, coefs):
    """The function `t -> coefficients` of a rule, compiled, which reads its hyperparameters from a group's row.

    Where the rule has scalars, each call goes on from the last, from the first step on.
    """
    block, wide, says, combine = np.zeros(1, BATCH), np.zeros(AROUND + coefs), cls.declaration, None
    address, found, names = coefficients(says.coefficients, says.count), says.reductions, says.names
    enter(block, row=row, wide=wide, width=wide.size)
    if found is not None:
        combine = combining(found, len(names))
        kept = np.array(found.first(dict(zip(names, row[VALUES:].tolist(), strict=True))))
        enter(block, inputs=kept, outputs=kept[kept.size - len(found.scalars) :])

    def own(t):
        block["t"] = t
        run(address, block.ctypes.data)
        if combine is not None:
            run(combine, block.ctypes.data)
        return tuple(wide[AROUND:].tolist())

    if found is not None:
        own.kept = kept  # alive as long as the block that points to it
    return own


def _phase(tiles, build, *given):
    """The address of the phase `build(*given, parallel)` for so many tiles, and the choice whether it uses threads."""
    parallel = tiles * TILE >= PARALLEL_FROM and threads_run()
    if parallel:
        needed_by_children[(build, *given, False)] = None
    address = build(*given, parallel)
    return address, (choice_of(address, tiles.bit_length()) if parallel and tiles * TILE < LARGE else None)


# What follows is described by `Device`.

NO_STREAM = None


def synchronize():
    pass  # nothing is left running here


def stream_of(array, stream):
    if stream is not None:
        raise ValueError(f"expected no stream for arrays on the CPU, not {stream!r}")


def zeros(n, dtype):
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + n * size].view(dtype)


def view(buffer, start, shape, steps, dtype=None):
    dtype = dtype or buffer.dtype
    return np.ndarray(shape, dtype, buffer, start * buffer.itemsize, strides_of(shape, steps, dtype.itemsize))


def packing(found, run, steps, stream=None):
    return partial(np.copyto, view(run, 0, found.shape, steps), found.numbers)


def packed(found, steps, stream=None):
    run = np.empty(found.size, found.dtype)
    packing(found, run, steps)()
    return run


def address(buffer):
    return buffer.ctypes.data


def clearing(buffer):
    return partial(buffer.fill, 0)


def filling(buffer, start, shape, steps, value):
    return partial(np.ndarray.__setitem__, view(buffer, start, shape, steps), ..., value)


def exchanging(found, buffer, start, steps, scratch):
    part, room = (view(run, first, found.shape, steps) for run, first in ((buffer, start), (scratch, 0)))
    moves = (room, found.numbers), (found.numbers, part), (part, room)
    return [partial(np.ndarray.__setitem__, to, ..., of) for to, of in moves]


def putting(buffer, start, run, n):
    return partial(np.ndarray.__setitem__, buffer, slice(start, start + n), run[:n])


def fetched(buffer, start, n):
    return buffer[start : start + n].copy()


copied = fetched


def frozen(array):
    array.flags.writeable = False
    return array


def on_host(found):
    return found.numbers
