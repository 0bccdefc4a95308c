"""Sums of squares of gradients, and what of them is not finite: for each tile, and then for each norm, tile by tile.

So the bits are the same for every number of threads.
"""

from functools import cache
from math import sqrt

import numpy as np

from .blocks import phase
from .cache import jitable
from .cpu import walker
from .intrinsics import array_at, store
from .squares import NOTHING, SMALLEST, SUMS, adder
from .table import G
from .weight import TILE, widen


@cache
def build_squares(dtype, g_dtype, parallel):
    """The address of the phase that sums squares, of a batch of weights of `dtype`."""
    return phase(walker(squares_of_run(dtype, g_dtype), dtype, parallel, SUMS), parallel)


def squares_of(dtype, g_dtype):
    """The function `(g, factor, bound)` that sums the squares of a tile's gradients, times the factor and clipped.

    It returns four sums, as `squares.adder` makes them.
    """
    add, double, kind = adder(dtype), dtype == np.float64, dtype.type

    def added(g, factor):
        total = 0.0
        for i in range(g.size):
            x = np.float64(factor * widen(g[i], kind))
            total += x * x
        return total

    # reassoc: to add in the order of the vector's lanes; the order is still the same for every tile.
    fast = jitable(added, {"reassoc", "nsz"})

    @jitable
    def careful(g, factor, bound):
        found = NOTHING
        for i in range(g.size):
            found = add(found, factor * widen(g[i], kind), bound)
        return found

    @jitable
    def squares(g, factor, bound):
        total = fast(g, factor)
        # Something may have to be clipped, or is not finite, or its square is beyond float64.
        if not sqrt(total) < np.float64(bound) or (double and total < SMALLEST):
            return careful(g, factor, bound)
        return total, 0.0, 0.0, 0.0

    return squares


def squares_of_run(dtype, g_dtype):
    """The function `(row, c, start, n, step, part)` that sums the squares of an array's gradients, tile by tile.

    It writes SUMS numbers for each tile from the address `part` on; `c` begins with the factor and the bound.
    """
    size, squares, kind = g_dtype.itemsize, squares_of(dtype, g_dtype), g_dtype.type

    @jitable
    def tile(row, c, begin, n, part):
        found = squares(array_at(row[G] + begin * size, n, kind), c[0], c[1])
        for k in range(SUMS):
            store(part + 8 * k, np.float64, found[k])

    @jitable
    def work(row, c, start, n, step, part):
        half, behind = n // (2 * TILE), 8 * SUMS
        for k in range(half):  # at two places in turn: one core reads two streams faster
            tile(row, c, start + k * TILE, TILE, part + k * behind)
            tile(row, c, start + (half + k) * TILE, TILE, part + (half + k) * behind)
        for begin in range(2 * half * TILE, n, TILE):
            tile(row, c, start + begin, min(TILE, n - begin), part + begin // TILE * behind)

    return work
