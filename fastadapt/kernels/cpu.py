"""The CPU kernels: tiles to threads, a rule applied to runs of an array, tile by tile where its state is quantized."""

from functools import cache

import numpy as np
from numba import config, prange

from .bits import INFINITE, next_key, signed, tile_key
from .blocks import BATCH, STEP, phase, walk_of
from .cache import jitable, kernel_part
from .codecs import decoder, extended, head_at, header_loader, random_of
from .denormal import flush, restore
from .intrinsics import array_at, at, matrix_at, store
from .table import KEY, ROW, SIZE, STATE, G, P
from .tuples import added, arrays_at, cast, chooser, gather, moved, scatter, store_all, take, viewer
from .weight import AROUND, TILE, loop_of, summing_loop, weight_of, widen

PARTS = 8
"""Runs of tiles for each thread there may be, so that fewer of them (`numba.set_num_threads`) share the work evenly."""


@cache
def build(update, storage, coefs, dtype, g_dtype, parallel):
    """The address of the phase that applies `update` to the arrays of a batch's walk."""
    work = applier(update, storage, coefs, dtype, g_dtype)
    return phase(walker(work, dtype, parallel, storage.terms), parallel)


def walker(work, dtype, parallel, sums=0):
    """The phase that calls `work(row, c, start, n, step, part)` for runs of tiles of every array of a batch's walk.

    `row` is the array's row of the table, `c` its row of coefficients, `step` the steps taken before, and `part` where
    the sums of its first tile go, of which a tile has so many. The result does not depend on how tiles are split among
    threads.
    """
    parts, dtype, behind = PARTS * config.NUMBA_NUM_THREADS if parallel else 1, dtype.type, 8 * sums

    def kernel(address):
        batch = at(address, BATCH)
        n, step, sums = batch.n, at(batch.step, STEP).t, batch.parts
        table = matrix_at(batch.table, n + 1, batch.columns, np.int64)
        coef = matrix_at(batch.coef, batch.cohort_count, batch.width, dtype)
        count, rows, firsts = walk_of(batch)
        tiles = firsts[count]
        for part in prange(parts):
            control = flush()
            tile, end = part * tiles // parts, (part + 1) * tiles // parts
            k = last_before(firsts, count, tile)
            while tile < end:
                row, first = rows[k], firsts[k]
                start = (tile - first) * TILE
                size = min((end - first) * TILE, table[row, SIZE]) - start
                work(table[row], coef[table[row, ROW]], start, size, step, sums + behind * tile)
                k += 1
                tile = firsts[k]
            restore(control)
        return 0

    return kernel


@kernel_part
def last_before(firsts, count, tile):
    """The last of so many arrays whose first tile is not behind `tile`."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if firsts[middle] <= tile:
            low = middle
        else:
            high = middle
    return low


def applier(update, storage, coefs, dtype, g_dtype):
    """The function `(row, c, start, n, step, part)` that updates `n` weights of an array from `start` on.

    `row` is the array's row of the table; `c` holds what `weight_of` takes. Where the rule returns terms behind its
    states, their sums over each tile go to `part`.
    """
    make = quantized if storage.coded or storage.weights else summed if storage.terms else plain
    return make(update, storage, tuple(range(AROUND + coefs)), dtype.type, g_dtype.type)


def plain(update, storage, coefs, dtype, g_dtype):
    """Where the state is not quantized: one loop over all of a run."""
    loop, columns = loop_of(update, storage), tuple(range(len(storage.streams)))
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @jitable
    def work(row, c, start, n, step, part):
        p, g = array_at(row[P] + start * p_size, n, dtype), array_at(row[G] + start * g_size, n, g_dtype)
        streams = arrays_at(moved(take(row[STATE:], columns), start * p_size), n, dtype)
        loop(p, g, streams, take(c, coefs), dtype)

    return work


def summed(update, storage, coefs, dtype, g_dtype):
    """The same tile by tile, with the sums of the terms that the rule returns for each."""
    loop, columns, terms = summing_loop(update, storage), tuple(range(len(storage.streams))), storage.terms
    p_size, g_size = np.dtype(dtype).itemsize, np.dtype(g_dtype).itemsize

    @jitable
    def work(row, c, start, n, step, part):
        addresses, coef = take(row[STATE:], columns), take(c, coefs)
        for begin in range(start, start + n, TILE):
            count = min(TILE, start + n - begin)
            p = array_at(row[P] + begin * p_size, count, dtype)
            g = array_at(row[G] + begin * g_size, count, g_dtype)
            streams = arrays_at(moved(addresses, begin * p_size), count, dtype)
            sums = loop(p, g, streams, coef, dtype)
            store_all(part + (begin - start) // TILE * 8 * terms, np.float64, sums)

    return work


def quantized(update, storage, coefs, dtype, g_dtype):
    """Where some of it is quantized, or the weights are of 16 bits: decode a tile, apply the rule, put what is new into
    scratch, and encode that. The weights are the first stream."""
    weight, whole = weight_of(update, storage.beside, storage.weights), storage.with_weights(np.dtype(dtype))
    rows, columns = tuple(range(len(whole.coded))), tuple(range(len(storage.streams)))
    decoded, viewed = decoder(whole.codecs), viewer([codec.item for codec in whole.codecs])
    coded, encoded = chooser(whole.coded), encoder(whole.only(whole.coded).codecs, whole.stochastic)
    targets, headers_of = target_chooser(whole.written), header_loader(whole.only(whole.coded).codecs)
    g_size, behind, terms, nothing = np.dtype(g_dtype).itemsize, storage.behind, storage.terms, (0.0,) * storage.terms

    @jitable
    def work(row, c, start, n, step, part):
        addresses, coef = (row[P],) + take(row[STATE:], columns), take(c, coefs)
        scratch = take(np.empty((len(rows), TILE), dtype), rows)
        for begin in range(start, start + n, TILE):
            count = min(TILE, start + n - begin)
            g = array_at(row[G] + begin * g_size, count, g_dtype)
            held = viewed(addresses, begin, count)
            new_streams, head = targets(held, scratch), head_at(row[SIZE], begin // TILE)
            headers = headers_of(coded(addresses), head)
            sums = nothing
            for i in range(count):
                values = cast(decoded(gather(held, i), headers), dtype)
                new = weight(values[0], widen(g[i], dtype), values[1:], coef)
                scatter(new_streams, i, new[:behind])
                sums = added(sums, cast(new[behind:], np.float64))
            store_all(part + (begin - start) // TILE * 8 * terms, np.float64, sums)
            encoded(scratch, coded(held), coded(addresses), head, tile_key(row[KEY], step, begin // TILE))

    return work


def target_chooser(codecs):
    """The function `(held, scratch)` that gives where to write: to the next scratch for codes, else in place."""
    if not codecs:
        return jitable(lambda held, scratch: ())
    rest = target_chooser(codecs[1:])
    if codecs[0].coded:
        return jitable(lambda held, scratch: (scratch[0],) + rest(held[1:], scratch[1:]))
    return jitable(lambda held, scratch: (held[0],) + rest(held[1:], scratch))


def encoder(codecs, stochastic):
    """The function `(values, arrays, addresses, head, key)` that encodes a tile of each state."""
    if not codecs:
        return jitable(lambda values, arrays, addresses, head, key: None)
    (_, headed, grid, _, encode), rest = codecs[0], encoder(codecs[1:], stochastic)
    random = random_of(stochastic)

    @jitable
    def encoded(values, arrays, addresses, head, key):
        x, codes = values[0], arrays[0]
        low, high = INFINITE, signed(0)
        if headed:
            for i in range(codes.size):
                low, high = extended(low, high, x[i])
        header = grid(low, high)
        if headed:
            store(addresses[0] + head, np.uint32, header)
        for i in range(codes.size):
            codes[i] = encode(x[i], header, random(key, i))
        rest(values[1:], arrays[1:], addresses[1:], head, next_key(key))

    return encoded
