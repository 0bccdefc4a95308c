"""The table of a batch: a row for each array, so that one call of a kernel updates them all."""

import struct

import numpy as np

from .weight import AROUND, TILE

FIRST, SIZE, ROW, KEY, P, G, STATE = range(7)
"""Columns: first tile, weights, row of coefficients, key of the random words, and the addresses of the weights, of
the gradient and of each state."""


def make_table(sizes, states):
    """A table for arrays of these sizes with `states` buffers each; a last row holds the end of all tiles."""
    table = np.zeros((len(sizes) + 1, STATE + states), np.int64)
    table[:-1, SIZE] = sizes
    number_tiles(table)
    return table


def number_tiles(table):
    """Fill the column of first tiles from that of sizes."""
    table[0, FIRST] = 0
    np.cumsum(-(-table[:-1, SIZE] // TILE), out=table[1:, FIRST])


LINE = 64
"""Bytes of a cache line, on which each array's state starts, so that no two threads write to the same one."""


def packer(coef):
    """The function `(row, values)` that writes a row of coefficients; ValueError for one beyond their dtype's range."""
    row = struct.Struct(f"={coef.shape[1]}{coef.dtype.char}")  # "=" tests the range; NumPy would write infinity
    write, size = row.pack_into, row.size

    def pack(k, values):
        try:
            write(coef, k * size, *values)
        except (OverflowError, struct.error):
            count = coef.shape[1] - AROUND
            raise ValueError(f"expected {count} coefficients within {coef.dtype}, not {values[AROUND:]}") from None

    return pack


NO_CLOCK = np.zeros(1, np.int64)
"""The steps taken, for kernels that do not depend on them."""

HELD = {np.dtype(np.float16): np.dtype(np.uint16)}
"""How a kernel holds a gradient that Numba cannot compute with."""
