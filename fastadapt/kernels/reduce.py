"""Norms of gradients, and what of them is not finite: a sum for each tile, and then for each array, tile by tile.

So the bits are the same for every number of threads and blocks.
"""

from functools import cache
from math import sqrt

import numpy as np
from numba.extending import register_jitable

from .cache import cache_key, jit, jitable, named
from .intrinsics import array_at, store
from .table import FIRST, STATE, G
from .weight import TILE, clipped, widen

INFINITY = np.inf


@register_jitable
def limited_square(x, bound):
    """The square of a gradient clipped to `bound`, in float64, and 0; of what is not finite 0, and infinity or NaN."""
    if abs(x) < INFINITY:
        y = np.float64(clipped(x, bound))
        return y * y, 0.0
    return 0.0, abs(np.float64(x))


def squares_of(dtype, g_dtype):
    """The function `(g, factor, bound)` that sums the squares of a tile's gradients, times the factor and clipped.

    It returns the sum over finite gradients, and a number that is 0, infinite or NaN as the others are.
    """

    # reassoc: to add in the order of the vector's lanes; the order is still the same for every tile.
    @register_jitable(fastmath={"reassoc", "nsz"})
    @named
    def fast(g, factor):
        total = 0.0
        for i in range(g.size):
            x = np.float64(factor * widen(g[i], dtype))
            total += x * x
        return total

    @jitable
    def careful(g, factor, bound):
        total, nonfinite = 0.0, 0.0
        for i in range(g.size):
            square, other = limited_square(factor * widen(g[i], dtype), bound)
            total += square
            nonfinite += other
        return total, nonfinite

    @jitable
    def squares(g, factor, bound):
        total, nonfinite = fast(g, factor), 0.0
        if not sqrt(total) < np.float64(bound):  # something may have to be clipped, or is not finite
            total, nonfinite = careful(g, factor, bound)
        return total, nonfinite

    return squares


def square_of(dtype, g_dtype):
    """The function `(row, c, start, n, step)` that sums the squares of an array's gradients, tile by tile.

    It writes, at the address in the column STATE of the row, the two float64 of `squares_of` for each tile. `c` holds
    the factor and the bound of the gradients.
    """
    size, squares = np.dtype(g_dtype).itemsize, squares_of(dtype, g_dtype)

    @jitable
    def tile(row, c, begin, n):
        total, nonfinite = squares(array_at(row[G] + begin * size, n, g_dtype), c[0], c[1])
        at = row[STATE] + begin // TILE * 16
        store(at, np.float64, total)
        store(at + 8, np.float64, nonfinite)

    @jitable
    def carry(row, c, start, n, step):
        half = n // (2 * TILE) * TILE
        for begin in range(start, start + half, TILE):  # at two places in turn: one core reads two streams faster
            tile(row, c, begin, TILE)
            tile(row, c, begin + half, TILE)
        for begin in range(start + 2 * half, start + n, TILE):
            tile(row, c, begin, min(TILE, start + n - begin))

    return carry


@cache
def folder():
    """The function `(table, parts, sums)` that sums the parts of each row's tiles."""
    key = cache_key()

    def fold(table, parts, sums):
        key  # noqa: B018 - see cache_key
        for row in range(len(sums)):
            total, nonfinite = 0.0, 0.0
            for tile in range(table[row, FIRST], table[row + 1, FIRST]):
                total += parts[tile, 0]
                nonfinite += parts[tile, 1]
            sums[row, 0], sums[row, 1] = total, nonfinite

    return jit(fold, "void(int64[:, ::1], float64[:, ::1], float64[:, ::1])")
