"""The CUDA kernels around a step of a rule with sums and scalars: they sum tiles, arrays, and all, and combine.

Each sum has an order of its own, so that the bits are the same for every grid. A step that is skipped changes none.
"""

from typing import NamedTuple

import numpy as np
from numba import cuda, float64

from ..group_row import LOWER, VALUES
from .cache import jitable, private
from .codecs import decoder, head_at
from .cuda import row_of
from .cuda_decide import OWN, cohort_at
from .cuda_threads import added_lanes, sum_over_block, wait_for_lanes
from .decide import GO, T
from .intrinsics import load, store
from .reductions import coefs_of, terms_of
from .table import FIRST, ROW, SIZE, STATE, G, P
from .tuples import added, cast, chooser, load_each, loads, moved, shifter, store_all, store_sized, take
from .weight import HEAD, TILE, widen


class Combined(NamedTuple):
    """What the kernels are told of an optimizer's sums and scalars, int64: addresses of tables, and counts."""

    cohorts: int
    count: int
    """Arrays: each has a cohort of its own."""
    ends: int
    """For each array the address behind its row of coefficients."""
    present: int
    """For each array whether it has a gradient."""
    kept: int
    """A row for each array, and the optimizer's."""
    over_all: int
    groups: int
    counters: int


FIELDS = (0,) * len(Combined._fields)


def reduce_kernel(reduce, count, storage, coefs, dtype, g_dtype, threads, lanes):
    """The kernel `(table, coef, rows, tiles)` that leaves the sums of each tile's terms where the head of `coef` says.

    So many threads of a block share a tile.
    """
    columns, width, storage = 8 * (STATE + len(storage.streams)), dtype.itemsize * coefs, storage.states
    terms, decoded, teams = terms_of(reduce), decoder(storage.codecs), threads // lanes
    states, nothing, read = len(storage.codecs), (0.0,) * count, loader([codec.item for codec in storage.codecs])
    headed, no_headers, coded = storage.headed, (np.uint32(0),) * len(storage.coded), chooser(storage.coded)
    shifted = shifter([codec.item.itemsize for codec in storage.codecs])
    like_state, like_coef = (0,) * states, (0,) * coefs_of(reduce)
    p_size, g_size, dtype, g_dtype = dtype.itemsize, g_dtype.itemsize, dtype.type, g_dtype.type

    def kernel(table, coef, rows, tiles):
        if load(coef + 8, np.int64) == 0:
            return
        team, lane, to = cuda.threadIdx.x // lanes, cuda.threadIdx.x % lanes, load(coef + 16, np.int64)
        first, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        while first < end:
            tile = first + team
            if tile < end:
                at = row_of(table, columns, rows, tile)
                number = tile - load(at + 8 * FIRST, np.int64)
                begin, size = number * TILE, load(at + 8 * SIZE, np.int64)
                n, sums, i = min(TILE, size - begin), nothing, lane
                p = load(at + 8 * P, np.int64) + begin * p_size
                g = load(at + 8 * G, np.int64) + begin * g_size
                state = loads(at + 8 * STATE, np.int64, like_state)
                headers = load_each(moved(coded(state), head_at(size, number)), np.uint32) if headed else no_headers
                c = loads(coef + HEAD + load(at + 8 * ROW, np.int64) * width, dtype, like_coef)
                while i < n:
                    held = cast(decoded(read(shifted(state, begin + i)), headers), dtype)
                    x, y = load(p + i * p_size, dtype), widen(load(g + i * g_size, g_dtype), dtype)
                    sums = added(sums, cast(terms(x, y, held, c), np.float64))
                    i += lanes
                sums = added_lanes(sums, lanes)
                if lane == 0:
                    store_all(to + 8 * count * tile, np.float64, sums)
            else:
                wait_for_lanes(nothing)
            first += teams

    return kernel


def loader(dtypes):
    """The function `(addresses)` that loads the number of each dtype at each address."""
    if not dtypes:
        return jitable(lambda addresses: ())
    dtype, rest = dtypes[0].type, loader(dtypes[1:])
    return jitable(lambda addresses: (load(addresses[0], dtype),) + rest(addresses[1:]))


def fold_kernel(threads):
    """The kernel `(table, columns, rows, coef, width, first, count, kept)` that sums tiles to arrays, a block for each.

    The sums go to the columns from `first` on of the rows at `kept`, of `width` numbers, in the order of ROW.
    """
    shape = 1, threads

    def kernel(table, columns, rows, coef, width, first, count, kept):
        scratch = cuda.shared.array(shape, float64)
        thread, row, sums = cuda.threadIdx.x, cuda.blockIdx.x, load(coef + 16, np.int64)
        if load(coef + 8, np.int64) == 0:
            return
        while row < rows:
            at = table + row * columns
            begin, end = load(at + 8 * FIRST, np.int64), load(at + columns + 8 * FIRST, np.int64)
            for j in range(count):
                total, k = 0.0, begin + thread
                while k < end:
                    total += load(sums + 8 * (count * k + j), np.float64)
                    k += threads
                sum_over_block(scratch, (total,), thread, threads)
                if thread == 0:
                    to = kept + 8 * (width * load(at + 8 * ROW, np.int64) + first + j)
                    store(to, np.float64, scratch[0, 0])
                cuda.syncthreads()
            row += cuda.gridDim.x

    return kernel


def total_kernel(combined, width, first, end):
    """The kernel `(combined, width, first, end)` which sums columns over all arrays that have a gradient."""
    _, count, _, present, kept, _, _, counters = loads(combined, np.int64, FIELDS)
    j = first + cuda.grid(1)
    if j < end and load(counters + 8 * GO, np.int64) != 0:
        total = 0.0
        for i in range(count):
            if load(present + 8 * i, np.int64) != 0:
                total += load(kept + 8 * (width * i + j), np.float64)
        store(kept + 8 * (width * count + j), np.float64, total)


def combine_kernel(combine, values, inputs, scalars, picks):
    """The kernel `(combined, group_width)`, of one block, that completes the rows of coefficients and the scalars."""
    function, like, every, hypers = private(combine), (0,) * inputs, tuple(picks), (0,) * values
    first = inputs - scalars

    @jitable
    def called(t, row, place):
        hyper = loads(row + 8 * (OWN + VALUES - LOWER), np.float64, hypers)
        return function(t, *(loads(place, np.float64, like) + take(hyper, every)))

    def kernel(combined, group_width):
        cohorts, count, ends, present, kept, over_all, groups, counters = loads(combined, np.int64, FIELDS)
        t, i = load(counters + 8 * T, np.int64), cuda.threadIdx.x
        if load(counters + 8 * GO, np.int64) == 0:
            return
        while i < count:
            place = kept + 8 * inputs * i
            if load(present + 8 * i, np.int64) != 0:
                for j in range(inputs):
                    if load(over_all + 8 * j, np.int64) != 0:
                        store(place + 8 * j, np.float64, load(kept + 8 * (inputs * count + j), np.float64))
                _, _, missed, group, size, _ = cohort_at(cohorts, i)
                more, new = called(t - missed, groups + group, place)
                store_sized(load(ends + 8 * i, np.int64) - size * len(more), size, more)
                store_all(place + 8 * first, np.float64, new)
            i += cuda.blockDim.x
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            place = kept + 8 * inputs * count
            more, new = called(t, groups, place)
            store_all(place + 8 * first, np.float64, new)

    return kernel
