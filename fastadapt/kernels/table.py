"""The table of a batch: a row for each array, so that one call of a kernel updates them all."""

import numpy as np

from ..layout import BFLOAT16, FLOAT16
from .weight import TILE

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


NO_CLOCK = np.zeros(1, np.int64)
"""The steps taken, for kernels that do not depend on them."""


def read_as(g_dtype):
    """The dtype in which a kernel reads gradients: of 16 bits their bits, for Numba cannot compute with these."""
    return {FLOAT16: np.dtype(np.uint16), BFLOAT16: np.dtype(np.int16)}.get(g_dtype, g_dtype)
