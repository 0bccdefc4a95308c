"""Carry a rule over a run of one array's weights on the CPU: a sweep, or tile by tile where the state is small."""

import numpy as np
from numba.extending import register_jitable

from .bits import INFINITE, mixed, signed, word
from .each import arrays_at, cast, gather, load_each, scatter, take
from .memory import array_at, store
from .storage import extended, heads_at, opener, random_of
from .table import KEY, SIZE, STATE, G, P
from .tile import TILE, sweep_of, weight_of, widen


def carry_of(update, storage, coefs, dtype, g_dtype):
    """The function `(row, c, start, n, step)` that updates `n` weights of an array from `start` on.

    `row` is the array's row of the table; `c` holds scale, decay, keep and the rule's own coefficients.
    """
    make = small if storage.codes else plain
    return make(update, storage, (0,) * coefs, dtype.type, g_dtype.type)


def plain(update, storage, like_coef, dtype, g_dtype):
    """Where the state is held as it is: one sweep."""
    sweep, like_state = sweep_of(update), (0,) * storage.states
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @register_jitable
    def carry(row, c, start, n, step):
        sweep(
            array_at(row[P] + start * p_size, n, dtype),
            array_at(row[G] + start * g_size, n, g_dtype),
            arrays_at(row[STATE:], start, n, dtype, like_state),
            c[0],
            c[1],
            c[2],
            take(c[3:], like_coef),
            dtype,
        )

    return carry


def small(update, storage, like_coef, dtype, g_dtype):
    """Where it is held in codes: open a tile of it, run the rule into scratch, close it."""
    weight, like_state = weight_of(update), (0,) * storage.states
    opened, closed = opener(storage.codes), closer(storage.codes, storage.stochastic)
    item, blocks = storage.item.type, storage.codes[0].grid is not None
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @register_jitable
    def carry(row, c, start, n, step):
        addresses, coef = take(row[STATE:], like_state), take(c[3:], like_coef)
        scale, decay, keep = c[0], c[1], c[2]
        scratch = np.empty((len(like_state), TILE), dtype)
        array_key = mixed(word(row[KEY] + step))
        for begin in range(start, start + n, TILE):
            count = min(TILE, start + n - begin)
            p = array_at(row[P] + begin * p_size, count, dtype)
            g = array_at(row[G] + begin * g_size, count, g_dtype)
            codes = arrays_at(row[STATE:], begin, count, item, like_state)
            new_state = take(scratch, like_state)
            head = heads_at(row[SIZE]) + begin // TILE * 4
            headers = load_each(addresses, head, np.uint32) if blocks else cast(like_state, np.uint32)
            for i in range(count):
                state = cast(opened(gather(codes, i), headers), dtype)
                new = weight(p[i], widen(g[i], dtype), state, scale, decay, keep, coef)
                p[i] = new[0]
                scatter(new_state, i, new[1:])
            closed(new_state, codes, addresses, head, mixed(word(array_key + begin // TILE)))

    return carry


def closer(codes, stochastic):
    """The function `(values, arrays, addresses, head, key)` that closes a tile of each state."""
    if not codes:
        return register_jitable(lambda values, arrays, addresses, head, key: None)
    header_of, close, rest = measurer(codes[0].grid), codes[0].close, closer(codes[1:], stochastic)
    random = random_of(stochastic)

    @register_jitable
    def closed(values, arrays, addresses, head, key):
        x, code = values[0], arrays[0]
        header = header_of(x, code.size, addresses[0] + head)
        for i in range(code.size):
            code[i] = close(x[i], header, random(key, i))
        rest(values[1:], arrays[1:], addresses[1:], head, mixed(word(key + 1)))

    return closed


def measurer(grid):
    """The function `(x, n, at)` that makes the header of the block of the first `n` of `x`, and puts it at `at`."""
    if grid is None:
        return register_jitable(lambda x, n, at: word(0))

    @register_jitable
    def header_of(x, n, at):
        low, high = INFINITE, signed(0)
        for i in range(n):
            low, high = extended(low, high, x[i])
        header = grid(low, high)
        store(at, np.uint32, header)
        return header

    return header_of
