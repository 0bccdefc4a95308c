"""A step on the CPU, as one call: prepare, reduce, decide, apply, commit."""

from functools import cache

import numpy as np

from ..group_row import NONFINITE
from .blocks import (
    ABSENT,
    APPLY,
    BATCH,
    COEFFICIENTS,
    COHORTS,
    MATCH,
    ODD,
    PACK,
    PACK_P,
    REDUCE,
    SQUARES,
    STEP,
    batches_of,
    call,
    choose_walk,
    phases_of,
    walk_size,
)
from .cache import jit, kernel_part
from .decide import RAISE, SKIP, count, find_limits
from .intrinsics import at, integers_at, load, matrix_at
from .match import ARRAYS, AXES, FIELDS, GAPS, KINDS
from .pack import BACK, COUNT, TO_SCRATCH
from .squares import SUMS
from .table import FIRST

DONE, LOOK, BUILD, ROOM, BEYOND, REFUSE, AGAIN = range(7)
"""Status of a step: it was taken or skipped, or nothing was done: Python has to look at odd gradients first, to compile
phases, or to make room for packed arrays; a coefficient is beyond the range of the weights; a gradient is not finite
where that is an error; another step was begun meanwhile."""

STATUSES = 8


@cache
def stepper():
    """The function `(address, leaves, scale, max_norm, max_value, ticket) -> ticket * STATUSES + status`.

    It takes a step of the optimizer at an address, whose gradients are in the list of the id `leaves`; NaN is no limit.
    Where Python had to look at odd gradients, it is called again with the ticket that it returned.
    """

    def step(address, leaves, scale, max_norm, max_value, ticket):
        opt = at(address, STEP)
        batches = batches_of(opt)
        if ticket == 0:
            opt.turn += 1
            opt.leaves = leaves
            if prepare(batches):
                return opt.turn * STATUSES + LOOK
        elif ticket != opt.turn:
            return opt.turn * STATUSES + AGAIN
        opt.scale = scale
        reads = find_limits(address, max_norm, max_value)
        status = ready(opt, batches, reads)
        if status != DONE:
            return opt.turn * STATUSES + status
        for k in range(batches.size):
            packed(batches[k], TO_SCRATCH)
        if reads:
            nonfinite = call(opt.find_norms, address)
            action = load(load(opt.rows, np.int64) + 8 * NONFINITE, np.float64)
            if nonfinite and action == RAISE:
                return opt.turn * STATUSES + REFUSE
            if nonfinite and action == SKIP:
                opt.norm = opt.new_norm
                count(address, True)
                return opt.turn * STATUSES + DONE
        for k in range(batches.size):
            if call(phases_of(at(batches[k], BATCH))[COEFFICIENTS], batches[k]):
                return opt.turn * STATUSES + BEYOND
        if opt.before and call(opt.before, address):
            return opt.turn * STATUSES + BEYOND
        if reads:
            opt.norm = opt.new_norm
        for k in range(batches.size):
            apply(opt, batches[k])
            packed(batches[k], BACK)
        if opt.after:
            call(opt.after, address)
        count(address, False)
        for k in range(batches.size):
            commit(batches[k])
        return opt.turn * STATUSES + DONE

    return jit(step, "int64(int64, int64, float64, float64, float64, int64)")


@kernel_part
def prepare(batches):
    """Give each gradient a verdict; how many are odd."""
    odd = 0
    for k in range(batches.size):
        match = phases_of(at(batches[k], BATCH))[MATCH]
        odd += call(match, batches[k]) if match else all_odd(batches[k])
    return odd


@kernel_part
def all_odd(address):
    """Leave all gradients of a batch to Python."""
    batch = at(address, BATCH)
    verdicts, packs = integers_at(batch.verdicts, batch.n), integers_at(batch.packs, batch.n)
    known, place = integers_at(batch.known, batch.known_size), ARRAYS
    for i in range(batch.n):
        verdicts[i], packs[i] = ODD, PACK_P if known[place + GAPS] else 0
        place += FIELDS + 4 * known[place + AXES]
    return batch.n


@kernel_part
def ready(opt, batches, reads):
    """Whether all phases are compiled that a step needs, and there is room for sums and for what is packed."""
    status = BUILD if reads and opt.find_norms == 0 else DONE
    sums = max(opt.sums_before, opt.sums_after, SUMS if reads else 0)
    for k in range(batches.size):
        batch = at(batches[k], BATCH)
        number(batches[k])
        functions, walks = phases_of(batch), matrix_at(batch.walks, KINDS, walk_size(batch.n), np.int64)
        if some_packed(batch) and functions[PACK] == 0:
            return BUILD
        batch.scratch_needed = packed(batches[k], COUNT)
        if batch.scratch_needed > batch.scratch_size or sums > batch.parts_width:
            status = ROOM
        for kind in range(KINDS):
            lacks = functions[APPLY + kind] == 0 or (reads and functions[SQUARES + kind] == 0)
            if walks[kind, 0] and (lacks or (opt.sums_before and functions[REDUCE + kind] == 0)):
                status = BUILD
    return status


@kernel_part
def some_packed(batch):
    """Whether arrays of a batch are packed."""
    packs = integers_at(batch.packs, batch.n)
    some = 0
    for i in range(batch.n):
        some |= packs[i]
    return some != 0


@kernel_part
def packed(address, way):
    """Do something with the packed arrays of a batch, where it has some; the bytes of scratch that they take."""
    batch = at(address, BATCH)
    batch.way = way
    return call(phases_of(batch)[PACK], address) if some_packed(batch) else 0


@kernel_part
def number(address):
    """Fill in the walks of a batch by the verdicts."""
    batch = at(address, BATCH)
    n = batch.n
    verdicts, table = integers_at(batch.verdicts, n), matrix_at(batch.table, n + 1, batch.columns, np.int64)
    walks = matrix_at(batch.walks, KINDS, walk_size(n), np.int64)
    for kind in range(KINDS):
        walks[kind, 0] = walks[kind, n + 1] = 0
    for i in range(n):
        if verdicts[i] >= 0:
            walk = walks[verdicts[i]]
            k = walk[0]
            walk[0], walk[1 + k] = k + 1, i
            walk[n + 2 + k] = walk[n + 1 + k] + table[i + 1, FIRST] - table[i, FIRST]


@kernel_part
def apply(opt, address):
    """Apply the rule to the arrays of a batch, by the dtypes of their gradients."""
    batch = at(address, BATCH)
    for kind in range(KINDS):
        if choose_walk(batch, kind):
            call(phases_of(batch)[APPLY + kind], address)
            if opt.sums_after:
                call(opt.gather, address)


@kernel_part
def commit(address):
    """Note which arrays have missed a step."""
    batch = at(address, BATCH)
    verdicts, missed = integers_at(batch.verdicts, batch.n), integers_at(batch.missed, batch.n)
    absent = 0
    for i in range(batch.n):
        if verdicts[i] == ABSENT:
            missed[i] += 1
            absent += 1
    if absent:
        call(phases_of(batch)[COHORTS], address)
