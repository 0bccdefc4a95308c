"""The CUDA kernel for quantized state, and for rules that return terms of sums: tiles to warps, held in registers."""

import numpy as np
from numba import cuda

from .bits import signed, tile_key
from .codecs import head_at
from .cuda import row_of
from .cuda_threads import LANES, added_lanes, joined_lanes, wait_for_lanes
from .intrinsics import aligned, load
from .table import FIRST, KEY, ROW, SIZE, STATE, G, P
from .tuples import chooser, joined, load_each, loads, moved, shifter, store_all, store_each
from .vec4 import grouped, reader, vec4_numbers, vec4_of, writer
from .vec4_apply import applier, encoder, gridder, ranger, summer
from .weight import AROUND, HEAD, TILE


def teams_of(threads):
    """How many tiles a block of so many threads works on at once."""
    return threads // min(LANES, threads)


def warp_kernel(update, storage, coefs, dtype, g_dtype, threads):
    """The kernel `(table, coef, rows, tiles)` for blocks of so many threads.

    A thread holds its weights of a tile and their state in registers; where a rule has more states than these have
    room for, they spill to memory, which is slow.
    """
    teams = teams_of(threads)
    lanes = threads // teams
    stride, groups = 4 * lanes, TILE // (4 * lanes)
    kept = (vec4_numbers(dtype), *map(vec4_of, storage.written))
    given = (kept[0], vec4_numbers(g_dtype), *map(vec4_of, storage.codecs))
    read_full, read_part = (grouped(reader(given, full), groups, stride) for full in (True, False))
    write_full, write_part = (grouped(writer(kept, full), groups, stride) for full in (True, False))
    applied = grouped(applier(update, storage, dtype), groups, stride)
    encoded = grouped(encoder(storage), groups, stride)
    ranged = ranger(storage.coded if storage.headed else (), groups, stride)
    gridded = gridder(storage.only(storage.coded).codecs if storage.headed else ())
    headed, no_headers, streams = storage.headed, (np.uint32(0),) * len(storage.coded), len(storage.streams)
    read_only = chooser(range(len(storage.written), len(storage.streams)))  # whose memory is the user's
    coded, shifted = chooser(storage.coded), shifter([codec.item.itemsize for codec in storage.codecs])
    p_size, g_size, p_wide, g_wide = dtype.itemsize, g_dtype.itemsize, aligned(dtype), aligned(g_dtype)
    like_streams, like_coef, each = (0,) * streams, (0,) * (AROUND + coefs), (0,) * groups
    columns, row_size = 8 * (STATE + streams), p_size * (AROUND + coefs)
    summed, terms, nothing = summer(storage, groups, stride), storage.terms, (0.0,) * storage.terms
    dtype = dtype.type

    def kernel(table, coef, rows, tiles):
        if load(coef + 8, np.int64) == 0:
            return
        # Counts stay in 32 bits: longer ones take two registers each.
        team, lane = signed(cuda.threadIdx.x // lanes), signed(cuda.threadIdx.x % lanes)
        first = signed(cuda.blockIdx.x * tiles // cuda.gridDim.x)
        end = signed((cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x)
        at, i = row_of(table, columns, rows, first), signed(4 * lane)
        while first < end:
            tile = signed(first + team)
            if tile < end:
                while load(at + columns + 8 * FIRST, np.int64) <= tile:
                    at += columns
                number = tile - load(at + 8 * FIRST, np.int64)
                begin, size = number * TILE, load(at + 8 * SIZE, np.int64)
                count, head = signed(min(TILE, size - begin)), head_at(size, number)
                p = load(at + 8 * P, np.int64) + begin * p_size
                g = load(at + 8 * G, np.int64) + begin * g_size
                begins = loads(at + 8 * STATE, np.int64, like_streams)
                held = shifted(begins, begin)
                full = count == TILE and joined((p,) + read_only(held)) % p_wide == 0 and g % g_wide == 0
                arrays = (p, g) + held
                old = read_full(i, count, each, arrays) if full else read_part(i, count, each, arrays)
                headers = load_each(moved(coded(begins), head), np.uint32) if headed else no_headers
                c = loads(coef + HEAD + load(at + 8 * ROW, np.int64) * row_size, dtype, like_coef)
                new = applied(i, count, old, headers, c)
                sums = added_lanes(summed(i, count, new), lanes)
                if terms and lane == 0:
                    store_all(load(coef + 16, np.int64) + 8 * terms * tile, np.float64, sums)
                ranges = joined_lanes(ranged(i, count, new), lanes)
                if headed:
                    headers = gridded(ranges)
                    if lane == 0:
                        store_each(moved(coded(begins), head), np.uint32, headers)
                new = encoded(
                    i, count, new, headers, tile_key(load(at + 8 * KEY, np.int64), load(coef, np.int64), number)
                )
                if full:
                    write_full(i, count, new, (p,) + held)
                else:
                    write_part(i, count, new, (p,) + held)
            else:
                wait_for_lanes(nothing)
                wait_for_lanes(headed)
            first = signed(first + teams)

    return kernel
