"""The CUDA kernel where the state is small: tiles to groups of threads, which open and close them together."""

import numpy as np
from numba import cuda
from numba.extending import register_jitable
from numba.np.numpy_support import from_dtype

from .bits import INFINITE, mixed, signed, word
from .cache import cache_key
from .cuda_kernel import row_of
from .each import cast, load_each, loads, scatter, take
from .memory import load, store
from .storage import extended, heads_at, opener, random_of
from .table import FIRST, KEY, ROW, SIZE, STATE, G, P
from .tile import TILE, weight_of, widen

LANES = 64
"""Threads that share a tile."""


def small_kernel(update, storage, coefs, dtype, g_dtype, threads):
    """The kernel `(table, coef, rows, tiles, step)` for blocks of so many threads."""
    weight, opened, states = weight_of(update), opener(storage.codes), storage.states
    lanes = min(LANES, threads)
    groups = threads // lanes
    measured, closed = measurer(storage.codes, lanes), closer(storage.codes, storage.stochastic, lanes)
    blocks, item, width = storage.codes[0].grid is not None, storage.item.type, storage.item.itemsize
    p_size, g_size, number = dtype.itemsize, g_dtype.itemsize, from_dtype(dtype)
    dtype, g_dtype = dtype.type, g_dtype.type
    like_state, like_coef = (0,) * states, (0,) * (3 + coefs)
    columns, row_size = 8 * (STATE + states), p_size * (3 + coefs)
    shape, ends = (groups * states, TILE), (3, groups, states, 2)
    key = cache_key()

    def kernel(table, coef, rows, tiles, step):
        key  # noqa: B018 - see cache_key
        scratch = cuda.shared.array(shape, number)
        # The least and the largest of each state in each group's tile. There are three of each, in turn: this one's
        # are read while a faster thread begins with the next's, so those of the one after that are made ready.
        ranges = cuda.shared.array(ends, np.int32)
        group, lane = cuda.threadIdx.x // lanes, cuda.threadIdx.x % lanes
        new_state = take(scratch[group * states :], like_state)
        if lane == 0:
            for turn in range(3):
                clear(ranges[turn, group])
        cuda.syncthreads()
        turn = 0
        first, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        at = row_of(table, columns, rows, first)
        while first < end:
            tile = first + group
            begin, count, head, tile_key = 0, 0, 0, word(0)
            addresses = like_state
            if tile < end:
                while load(at + columns + 8 * FIRST, np.int64) <= tile:
                    at += columns
                number_in_array = tile - load(at + 8 * FIRST, np.int64)
                begin = number_in_array * TILE
                size = load(at + 8 * SIZE, np.int64)
                count = min(TILE, size - begin)
                head = heads_at(size) + number_in_array * 4
                tile_key = mixed(word(mixed(word(load(at + 8 * KEY, np.int64) + step)) + number_in_array))
                addresses = loads(at + 8 * STATE, np.int64, like_state)
                headers = load_each(addresses, head, np.uint32) if blocks else cast(like_state, np.uint32)
                p = load(at + 8 * P, np.int64) + begin * p_size
                g = load(at + 8 * G, np.int64) + begin * g_size
                c = loads(coef + load(at + 8 * ROW, np.int64) * row_size, dtype, like_coef)
                i = lane
                while i < count:
                    state = cast(opened(load_each(addresses, (begin + i) * width, item), headers), dtype)
                    gradient = widen(load(g + i * g_size, g_dtype), dtype)
                    new = weight(load(p + i * p_size, dtype), gradient, state, c[0], c[1], c[2], c[3:])
                    store(p + i * p_size, dtype, new[0])
                    scatter(new_state, i, new[1:])
                    i += lanes
                measured(new_state, ranges[turn, group], lane, count)
            cuda.syncthreads()
            closed(new_state, ranges[turn, group], addresses, begin, head, tile_key, lane, count)
            if lane == 0:
                clear(ranges[(turn + 2) % 3, group])
            turn = (turn + 1) % 3
            first += groups

    return kernel


@register_jitable
def clear(ranges):
    """Make the ranges of a tile's states those of no values."""
    for k in range(len(ranges)):
        ranges[k, 0], ranges[k, 1] = INFINITE, signed(0)


def measurer(codes, lanes):
    """The function `(values, ranges, lane, count)` that takes this thread's values of each state into its range."""
    if not codes or codes[0].grid is None:
        return register_jitable(lambda values, ranges, lane, count: None)
    rest = measurer(codes[1:], lanes)

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


def closer(codes, stochastic, lanes):
    """The function `(values, ranges, addresses, begin, head, key, lane, count)` that closes a tile of each state."""
    if not codes:
        return register_jitable(lambda values, ranges, addresses, begin, head, key, lane, count: None)
    code, rest, random = codes[0], closer(codes[1:], stochastic, lanes), random_of(stochastic)
    header_of = code.grid or register_jitable(lambda low, high: word(0))
    blocks, close, item, width = code.grid is not None, code.close, code.item.type, code.item.itemsize

    @register_jitable
    def closed(values, ranges, addresses, begin, head, key, lane, count):
        header = header_of(ranges[0, 0], ranges[0, 1])
        if blocks and lane == 0 and count > 0:
            store(addresses[0] + head, np.uint32, header)
        i = lane
        while i < count:
            store(addresses[0] + (begin + i) * width, item, close(values[0][i], header, random(key, i)))
            i += lanes
        rest(values[1:], ranges[1:], addresses[1:], begin, head, mixed(word(key + 1)), lane, count)

    return closed
