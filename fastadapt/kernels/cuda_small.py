"""The CUDA kernel where the state is small: tiles to teams of threads, which open and close them together."""

import numpy as np
from numba import cuda
from numba.extending import register_jitable
from numba.np.numpy_support import from_dtype

from .bits import INFINITE, next_key, signed, tile_key, word
from .cache import cache_key
from .cuda_plain import row_of
from .each import cast, load_each, loads, scatter, take
from .memory import load, store
from .storage import extended, head_at, opener, random_of
from .table import FIRST, KEY, ROW, SIZE, STATE, G, P
from .tile import AROUND, HEAD, TILE, weight_of, widen

LANES = 64
"""Threads that share a tile."""

SHARED = 48 * 1024
"""Bytes of shared memory that every block can have."""


def small_kernel(update, storage, coefs, dtype, g_dtype, threads):
    """The kernel `(table, coef, rows, tiles)` for blocks of so many threads."""
    weight, opened, states = weight_of(update), opener(storage.codecs), storage.states
    lanes = min(LANES, threads)
    teams = threads // lanes
    if teams * states * (TILE * dtype.itemsize + 24) > SHARED:
        raise ValueError(f"{states} states of {dtype} take more shared memory than a block has: hold them in 32 bits")
    measured, closed = measurer(storage.codecs, lanes), closer(storage.codecs, storage.stochastic, lanes)
    headed, no_headers = storage.headed, (np.uint32(0),) * storage.states
    item, width = storage.item.type, storage.item.itemsize
    p_size, g_size, shared_type = dtype.itemsize, g_dtype.itemsize, from_dtype(dtype)
    dtype, g_dtype = dtype.type, g_dtype.type
    like_state, like_coef = (0,) * states, (0,) * (AROUND + coefs)
    columns, row_size = 8 * (STATE + states), p_size * (AROUND + coefs)
    shape, ends = (teams * states, TILE), (3, teams, states, 2)
    key = cache_key()

    def kernel(table, coef, rows, tiles):
        key  # noqa: B018 - see cache_key
        step = load(coef, np.int64)
        if load(coef + 8, np.int64) == 0:
            return
        scratch = cuda.shared.array(shape, shared_type)
        # The least and the largest of each state in each team's tile, in three sets. Set k serves tiles k, k + 3, ...:
        # it is widened before the barrier and read after it. While slow threads still read it, fast ones may widen
        # k + 1, so only k + 2, which all have read, is cleared; the next barrier shows that to all.
        ranges = cuda.shared.array(ends, np.int32)
        team, lane = cuda.threadIdx.x // lanes, cuda.threadIdx.x % lanes
        new_state = take(scratch[team * states :], like_state)
        if lane == 0:
            for turn in range(3):
                clear(ranges[turn, team])
        cuda.syncthreads()
        turn = 0
        first, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        at = row_of(table, columns, rows, first)
        while first < end:
            tile = first + team
            begin, count, head, key_of_tile = 0, 0, 0, word(0)
            addresses = like_state
            if tile < end:
                while load(at + columns + 8 * FIRST, np.int64) <= tile:
                    at += columns
                number = tile - load(at + 8 * FIRST, np.int64)
                begin = number * TILE
                size = load(at + 8 * SIZE, np.int64)
                count = min(TILE, size - begin)
                head = head_at(size, number)
                key_of_tile = tile_key(load(at + 8 * KEY, np.int64), step, number)
                addresses = loads(at + 8 * STATE, np.int64, like_state)
                headers = load_each(addresses, head, np.uint32) if headed else no_headers
                p = load(at + 8 * P, np.int64) + begin * p_size
                g = load(at + 8 * G, np.int64) + begin * g_size
                c = loads(coef + HEAD + load(at + 8 * ROW, np.int64) * row_size, dtype, like_coef)
                i = lane
                while i < count:
                    state = cast(opened(load_each(addresses, (begin + i) * width, item), headers), dtype)
                    gradient = widen(load(g + i * g_size, g_dtype), dtype)
                    new = weight(load(p + i * p_size, dtype), gradient, state, c)
                    store(p + i * p_size, dtype, new[0])
                    scatter(new_state, i, new[1:])
                    i += lanes
                measured(new_state, ranges[turn, team], lane, count)
            cuda.syncthreads()
            closed(new_state, ranges[turn, team], addresses, begin, head, key_of_tile, lane, count)
            if lane == 0:
                clear(ranges[(turn + 2) % 3, team])
            turn = (turn + 1) % 3
            first += teams

    return kernel


@register_jitable
def clear(ranges):
    """Make the ranges of a tile's states those of no values."""
    for k in range(len(ranges)):
        ranges[k, 0], ranges[k, 1] = INFINITE, signed(0)


def measurer(codecs, lanes):
    """The function `(values, ranges, lane, count)` that widens each state's range by this thread's values."""
    if not codecs or not codecs[0].headed:
        return register_jitable(lambda values, ranges, lane, count: None)
    rest = measurer(codecs[1:], lanes)

    @register_jitable
    def measured(values, ranges, lane, count):
        low, high = INFINITE, signed(0)
        i = lane
        while i < count:
            low, high = extended(low, high, values[0][i])
            i += lanes
        cuda.atomic.min(ranges, (0, 0), low)
        cuda.atomic.max(ranges, (0, 1), high)
        rest(values[1:], ranges[1:], lane, count)

    return measured


def closer(codecs, stochastic, lanes):
    """The function `(values, ranges, addresses, begin, head, key, lane, count)` that closes a tile of each state."""
    if not codecs:
        return register_jitable(lambda values, ranges, addresses, begin, head, key, lane, count: None)
    (number, headed, grid, _, close), rest = codecs[0], closer(codecs[1:], stochastic, lanes)
    random, item, width = random_of(stochastic), number.type, number.itemsize

    @register_jitable
    def closed(values, ranges, addresses, begin, head, key, lane, count):
        header = grid(ranges[0, 0], ranges[0, 1])
        if headed and lane == 0 and count > 0:
            store(addresses[0] + head, np.uint32, header)
        i = lane
        while i < count:
            store(addresses[0] + (begin + i) * width, item, close(values[0][i], header, random(key, i)))
            i += lanes
        rest(values[1:], ranges[1:], addresses[1:], begin, head, next_key(key), lane, count)

    return closed
