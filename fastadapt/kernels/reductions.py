"""A rule's sums and scalars around a step on the CPU: sums before it, what `combine` makes of them, sums after it.

Each array has a row of float64, and so has the optimizer, of what is over all arrays: the sums before a step, those
after it, and the scalars.
"""

import inspect
from functools import cache

import numpy as np

from ..group_row import VALUES
from .blocks import BATCH, COMBINE, REDUCE, STEP, batches_of, call, choose_walk, phase, phases_of, walk_of
from .cache import jitable, kernel_part, private
from .codecs import decoder, head_at, header_loader
from .coefficients import put_row
from .cpu import walker
from .intrinsics import array_at, at, integers_at, load, matrix_at, reals_at
from .masters import MASTER, beginner
from .match import KINDS
from .streams import STATE as OF_A_STATE
from .table import SIZE, STATE, G, P
from .tuples import added, cast, chooser, gather, loads, scatter, store_all, take, viewer
from .weight import AROUND, TILE, as_tuple, clipped, own_of, widen


@cache
def build_combine(function, values, inputs, picks):
    """The address of the phase that calls the function `combine` of a rule, which takes so many sums and scalars.

    Of the `values` in a group's row it takes the `picks`. It writes coefficients to the end of the batch's wide row,
    the new scalars to its `outputs`, and returns how many coefficients these are.
    """
    function, like, every = private(function), (0,) * inputs, tuple(picks)

    def combine(address):
        batch = at(address, BATCH)
        hyper = take(reals_at(batch.row + 8 * VALUES, values), every)
        more, new = function(batch.t, *(loads(batch.inputs, np.float64, like) + hyper))
        store_all(batch.wide + 8 * (batch.width - len(more)), np.float64, more)
        store_all(batch.outputs, np.float64, new)
        return len(more)

    return phase(combine)


@cache
def build_reduce(reduce, terms, storage, dtype, g_dtype, parallel):
    """The address of the phase that sums the terms of `reduce` over the arrays of a batch's walk, tile by tile."""
    work = reducing(reduce, terms, storage, dtype.type, g_dtype.type)
    return phase(walker(work, dtype, parallel, terms), parallel)


def terms_of(reduce):
    """The function `(p, g, state, c)` that gives the terms of one weight; `c` is what `weight_of` takes, and more."""
    rule, own, count = private(reduce), own_of(reduce), coefs_of(reduce) - AROUND

    @jitable
    def terms(p, g, state, c):
        g = c[4] * clipped(c[0] * g, c[3]) + c[1] * p
        return as_tuple(rule(p, g, *(state + own(c, p)[:count])))

    return terms


def reducing(reduce, count, storage, dtype, g_dtype):
    """The function `(row, c, start, n, step, part)` that sums those terms over each tile of a run."""
    total, like = total_of(reduce, count), tuple(range(coefs_of(reduce)))
    tile, g_size = tile_reader(storage, dtype), np.dtype(g_dtype).itemsize

    @jitable
    def work(row, c, start, n, step, part):
        coef = take(c, like)
        for begin in range(start, start + n, TILE):
            size = min(TILE, start + n - begin)
            g = array_at(row[G] + begin * g_size, size, g_dtype)
            p, states = tile(row, begin, size)
            sums = total(p, g, states, coef, dtype)
            store_all(part + (begin - start) // TILE * 8 * count, np.float64, sums)

    return work


def tile_reader(storage, dtype):
    """The function `(row, begin, size)` that gives a tile of the weights of an array, and of each of its states."""
    states, p_size = tuple(range(len(storage.states.streams))), np.dtype(dtype).itemsize
    if storage.weights is None:
        read = state_at(storage.states, dtype)

        @jitable
        def tile(row, begin, size):
            p = array_at(row[P] + begin * p_size, size, dtype)
            return p, read(take(row[STATE:], states), row[SIZE], begin, size)

        return tile
    which = tuple(k for k, role in enumerate(storage.roles) if role in (OF_A_STATE, MASTER))
    part = storage.only(which)._replace(weights=storage.weights)
    read, begun = state_at(part.with_weights(np.dtype(dtype)), dtype), beginner(part.beside, part.weights)
    behind = 1 + len(states)

    @jitable
    def narrow_tile(row, begin, size):
        found = read((row[P],) + take(row[STATE:], which), row[SIZE], begin, size)
        p, beside = found[0], found[behind:]
        for i in range(size):
            p[i] = begun(p[i], gather(beside, i))
        return p, found[1:behind]

    return narrow_tile


def coefs_of(reduce):
    """How many coefficients stand in a row up to the last that `reduce` takes."""
    parameters = inspect.signature(reduce).parameters.values()
    return AROUND + sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)


def state_at(storage, dtype):
    """The function `(addresses, n, begin, size)` that gives a tile of each state of an array of `n` weights."""
    viewed, coded = viewer([codec.item for codec in storage.codecs]), chooser(storage.coded)
    if not storage.coded:
        return jitable(lambda addresses, n, begin, size: viewed(addresses, begin, size))
    states, decoded = tuple(range(len(storage.codecs))), decoder(storage.codecs)
    headers_of = header_loader(storage.only(storage.coded).codecs)

    @jitable
    def decoded_tile(addresses, n, begin, size):
        found, held = take(np.empty((len(states), size), dtype), states), viewed(addresses, begin, size)
        headers = headers_of(coded(addresses), head_at(n, begin // TILE))
        for i in range(size):
            scatter(found, i, cast(decoded(gather(held, i), headers), dtype))
        return found

    return decoded_tile


def total_of(reduce, count):
    """The function `(p, g, state, c, dtype)` that sums the terms over a tile."""
    terms, nothing = terms_of(reduce), (0.0,) * count

    def total(p, g, state, c, dtype):
        sums = nothing
        for i in range(p.size):
            found = terms(p[i], widen(g[i], dtype), gather(state, i), c)
            sums = added(sums, cast(found, np.float64))
        return sums

    return jitable(total, {"reassoc", "nsz"})  # the order is the same for every tile


@cache
def build_before():
    """The address of the phase `before`, of an optimizer's block."""
    return phase(before)


@cache
def build_after():
    """The address of the phase `after`."""
    return phase(after)


@cache
def build_gather():
    """The address of the phase `gather_after`, of a batch's block."""
    return phase(gather_after)


def gather_after(address):
    """Sum what an update left for each tile."""
    batch = at(address, BATCH)
    step = at(batch.step, STEP)
    sum_tiles(step, batch, step.sums_before, step.sums_before + step.sums_after)
    return 0


def before(address):
    """Sum what the rule needs first, and combine; 1 where a coefficient is beyond the range of the weights."""
    step, beyond = at(address, STEP), 0
    batches = batches_of(step)
    if not some_given(batches):
        return 0
    if step.sums_before:
        for k in range(batches.size):
            batch = at(batches[k], BATCH)
            for kind in range(KINDS):
                if choose_walk(batch, kind):
                    call(phases_of(batch)[REDUCE + kind], batches[k])
                    sum_tiles(step, batch, 0, step.sums_before)
        sum_arrays(step, 0, step.sums_before)
    for k in range(batches.size):
        beyond |= combine_rows(step, batches[k])
    if batches.size:
        combine_all(step, batches[0])
    return beyond


def after(address):
    """Take over the sums behind a step and the new scalars."""
    step = at(address, STEP)
    batches, sums = batches_of(step), step.sums_before + step.sums_after
    if not some_given(batches):
        return 0
    if step.sums_after:
        sum_arrays(step, step.sums_before, sums)
    for k in range(batches.size):
        batch = at(batches[k], BATCH)
        verdicts, kept = integers_at(batch.verdicts, batch.n), rows_of(step, batch)
        fresh = matrix_at(batch.fresh, batch.n, step.scalars, np.float64)
        for i in range(batch.n):
            for j in range(step.scalars if verdicts[i] >= 0 else 0):  # a slice would take seconds to compile
                kept[i, sums + j] = fresh[i, j]
    for j in range(step.scalars):
        reals_at(step.kept, width_of(step))[sums + j] = reals_at(step.fresh, step.scalars)[j]
    return 0


@kernel_part
def some_given(batches):
    """Whether an array has a gradient."""
    for k in range(batches.size):
        batch = at(batches[k], BATCH)
        verdicts = integers_at(batch.verdicts, batch.n)
        for i in range(batch.n):
            if verdicts[i] >= 0:
                return True
    return False


@kernel_part
def width_of(step):
    """Numbers in a row of sums and scalars."""
    return step.sums_before + step.sums_after + step.scalars


@kernel_part
def rows_of(step, batch):
    """The sums and scalars of a batch's arrays."""
    return matrix_at(batch.kept, batch.n, width_of(step), np.float64)


@kernel_part
def sum_tiles(step, batch, first, end):
    """Sum what a walk left for each tile into the arrays' rows, from column `first` on, tile by tile."""
    count, rows, firsts = walk_of(batch)
    kept, sums = rows_of(step, batch), end - first
    parts = reals_at(batch.parts, sums * firsts[count])
    for k in range(count):
        for j in range(sums):
            total = 0.0
            for tile in range(firsts[k], firsts[k + 1]):
                total += parts[sums * tile + j]
            kept[rows[k], first + j] = total


@kernel_part
def sum_arrays(step, first, end):
    """Sum what goes over all arrays, those that have a gradient, array by array, into the optimizer's row."""
    batches, kept = batches_of(step), reals_at(step.kept, width_of(step))
    for j in range(first, end):
        kept[j] = 0.0
    for k in range(batches.size):
        batch = at(batches[k], BATCH)
        verdicts, rows = integers_at(batch.verdicts, batch.n), rows_of(step, batch)
        for i in range(batch.n):
            if verdicts[i] >= 0:
                for j in range(first, end):
                    kept[j] += rows[i, j]


@kernel_part
def combine_rows(step, address):
    """Complete the coefficients of each array that has a gradient."""
    batch, beyond = at(address, BATCH), 0
    verdicts, cohorts = integers_at(batch.verdicts, batch.n), integers_at(batch.cohorts, 2 * batch.n)
    kept, over_all = rows_of(step, batch), integers_at(step.over_all, width_of(step))
    for i in range(batch.n):
        if verdicts[i] >= 0:
            for j in range(over_all.size):
                if over_all[j]:
                    kept[i, j] = reals_at(step.kept, over_all.size)[j]
            batch.t, batch.row = step.t + 1 - cohorts[2 * i + 1], load(step.rows + 8 * cohorts[2 * i], np.int64)
            batch.inputs = batch.kept + 8 * over_all.size * i
            batch.outputs = batch.fresh + 8 * step.scalars * i
            more = call(phases_of(batch)[COMBINE], address)
            beyond |= put_row(batch, i, batch.width - more, batch.width)
    return beyond


@kernel_part
def combine_all(step, address):
    """Compute the new scalars of all arrays, with the optimizer's own hyperparameters and step."""
    batch = at(address, BATCH)
    batch.t, batch.row, batch.inputs, batch.outputs = step.t + 1, load(step.rows, np.int64), step.kept, step.fresh
    call(phases_of(batch)[COMBINE], address)
