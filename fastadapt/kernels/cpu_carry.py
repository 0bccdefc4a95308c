"""Carry a rule over a run of one array's weights on the CPU: a sweep, or tile by tile where the state is small."""

import numpy as np

from .bits import INFINITE, next_key, signed, tile_key
from .cache import jitable
from .each import arrays_at, cast, gather, load_each, scatter, take
from .memory import array_at, store
from .storage import extended, head_at, opener, random_of
from .table import KEY, SIZE, STATE, G, P
from .tile import AROUND, TILE, sweep_of, weight_of, widen


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
