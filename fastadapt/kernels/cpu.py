"""The CPU kernels: tiles to threads, a rule over a run of one array's weights, tile by tile where state is small."""

from functools import cache

import numpy as np
from numba import config, prange

from .bits import INFINITE, next_key, signed, tile_key
from .cache import cache_key, jit, jitable
from .codecs import extended, head_at, opener, random_of
from .denormal import flush, restore
from .intrinsics import array_at, store
from .reduce import square_of
from .table import FIRST, KEY, ROW, SIZE, STATE, G, P
from .tuples import arrays_at, cast, gather, load_each, scatter, take
from .weight import AROUND, TILE, sweep_of, weight_of, widen

PARTS = 8
"""Runs of tiles for each thread there may be, so that fewer of them (`numba.set_num_threads`) share the work evenly."""


@cache
def build(update, storage, coefs, dtype, g_dtype, parallel):
    """The kernel `(table, coef, clock) -> None` that carries `update` over every row of a table.

    `coef[row]` holds what a row's weights have in common; `clock[0]` counts the steps, for the random words.
    """
    return walker(carry_of(update, storage, coefs, dtype, g_dtype), dtype, parallel)


def walker(carry, dtype, parallel):
    """The kernel that calls `carry(row, c, start, n, step)` for runs of tiles of every row; how they are cut into runs
    shows in nothing."""
    parts = PARTS * config.NUMBA_NUM_THREADS if parallel else 1
    key = cache_key(parallel)

    def kernel(table, coef, clock):
        key  # noqa: B018 - see cache_key
        rows, step = table.shape[0] - 1, clock[0]
        tiles = table[rows, FIRST]
        for part in prange(parts):
            control = flush()
            tile, end = part * tiles // parts, (part + 1) * tiles // parts
            row = np.searchsorted(table[:rows, FIRST], tile, "right") - 1
            while tile < end:
                first = table[row, FIRST]
                start = (tile - first) * TILE
                n = min((end - first) * TILE, table[row, SIZE]) - start
                carry(table[row], coef[table[row, ROW]], start, n, step)
                row += 1
                tile = table[row, FIRST]
            restore(control)

    return jit(kernel, f"void(int64[:, ::1], {dtype}[:, ::1], int64[::1])", parallel)


@cache
def build_squares(dtype, g_dtype, parallel):
    return walker(square_of(dtype.type, g_dtype.type), dtype, parallel)


def carry_of(update, storage, coefs, dtype, g_dtype):
    """The function `(row, c, start, n, step)` that updates `n` weights of an array from `start` on.

    `row` is the array's row of the table; `c` holds what `weight_of` takes.
    """
    make = small if storage.codecs else plain
    return make(update, storage, (0,) * (AROUND + coefs), dtype.type, g_dtype.type)


def plain(update, storage, like_coef, dtype, g_dtype):
    """Where the state is held as it is: one sweep."""
    sweep, like_state = sweep_of(update), (0,) * storage.states
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @jitable
    def carry(row, c, start, n, step):
        sweep(
            array_at(row[P] + start * p_size, n, dtype),
            array_at(row[G] + start * g_size, n, g_dtype),
            arrays_at(row[STATE:], start, n, dtype, like_state),
            take(c, like_coef),
            dtype,
        )

    return carry


def small(update, storage, like_coef, dtype, g_dtype):
    """Where it is held in codes: open a tile of it, run the rule into scratch, close it."""
    weight, like_state = weight_of(update), (0,) * storage.states
    opened, closed = opener(storage.codecs), closer(storage.codecs, storage.stochastic)
    item, headed, no_headers = storage.item.type, storage.headed, (np.uint32(0),) * storage.states
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @jitable
    def carry(row, c, start, n, step):
        addresses, coef = take(row[STATE:], like_state), take(c, like_coef)
        new_state = take(np.empty((len(like_state), TILE), dtype), like_state)
        for begin in range(start, start + n, TILE):
            count = min(TILE, start + n - begin)
            p = array_at(row[P] + begin * p_size, count, dtype)
            g = array_at(row[G] + begin * g_size, count, g_dtype)
            codes = arrays_at(row[STATE:], begin, count, item, like_state)
            head = head_at(row[SIZE], begin // TILE)
            headers = load_each(addresses, head, np.uint32) if headed else no_headers
            for i in range(count):
                state = cast(opened(gather(codes, i), headers), dtype)
                new = weight(p[i], widen(g[i], dtype), state, coef)
                p[i] = new[0]
                scatter(new_state, i, new[1:])
            closed(new_state, codes, addresses, head, tile_key(row[KEY], step, begin // TILE))

    return carry


def closer(codecs, stochastic):
    """The function `(values, arrays, addresses, head, key)` that closes a tile of each state."""
    if not codecs:
        return jitable(lambda values, arrays, addresses, head, key: None)
    (_, headed, grid, _, close), rest = codecs[0], closer(codecs[1:], stochastic)
    random = random_of(stochastic)

    @jitable
    def closed(values, arrays, addresses, head, key):
        x, codes = values[0], arrays[0]
        low, high = INFINITE, signed(0)
        if headed:
            for i in range(codes.size):
                low, high = extended(low, high, x[i])
        header = grid(low, high)
        if headed:
            store(addresses[0] + head, np.uint32, header)
        for i in range(codes.size):
            codes[i] = close(x[i], header, random(key, i))
        rest(values[1:], arrays[1:], addresses[1:], head, next_key(key))

    return closed
