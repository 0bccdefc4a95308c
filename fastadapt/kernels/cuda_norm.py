"""The CUDA kernel that measures gradients: tiles to teams of threads, each of which sums one in an order of its own."""

import numpy as np
from numba import cuda, float64

from .cache import cache_key
from .cuda_plain import row_of
from .memory import load, store
from .norm import limited_square
from .table import FIRST, ROW, SIZE, STATE, G
from .tile import TILE, widen

LANES = 32
"""Threads that share a tile."""


def squares_kernel(dtype, g_dtype, threads):
    """The kernel `(table, coef, rows, tiles, sums)`, addresses and counts, for blocks of so many threads.

    The table has no columns of state. A row of `coef` holds the factor and the bound of its gradients. To `sums` go two
    float64 a tile: the sum of the squares of finite gradients, and one that is 0, infinite or NaN as the others are.
    """
    lanes = min(LANES, threads)
    teams, size, g_size, shape = threads // lanes, dtype.itemsize, g_dtype.itemsize, (2, threads)
    dtype, g_dtype, columns = dtype.type, g_dtype.type, 8 * STATE
    key = cache_key()

    def kernel(table, coef, rows, tiles, sums):
        key  # noqa: B018 - see cache_key
        scratch = cuda.shared.array(shape, float64)
        team, lane = cuda.threadIdx.x // lanes, cuda.threadIdx.x % lanes
        first, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        while first < end:
            tile = first + team
            total, spoilt = 0.0, 0.0
            if tile < end:
                at = row_of(table, columns, rows, tile)
                begin = (tile - load(at + 8 * FIRST, np.int64)) * TILE
                count = min(TILE, load(at + 8 * SIZE, np.int64) - begin)
                g = load(at + 8 * G, np.int64) + begin * g_size
                limits = coef + load(at + 8 * ROW, np.int64) * 2 * size
                factor, bound = load(limits, dtype), load(limits + size, dtype)
                i = lane
                while i < count:
                    square, other = limited_square(factor * widen(load(g + i * g_size, g_dtype), dtype), bound)
                    total += square
                    spoilt += other
                    i += lanes
            scratch[0, cuda.threadIdx.x], scratch[1, cuda.threadIdx.x] = total, spoilt
            half = lanes // 2
            while half > 0:
                cuda.syncthreads()
                if lane < half:
                    for k in range(2):
                        scratch[k, cuda.threadIdx.x] += scratch[k, cuda.threadIdx.x + half]
                half //= 2
            if lane == 0 and tile < end:
                store(sums + 16 * tile, np.float64, scratch[0, cuda.threadIdx.x])
                store(sums + 16 * tile + 8, np.float64, scratch[1, cuda.threadIdx.x])
            cuda.syncthreads()
            first += teams

    return kernel
