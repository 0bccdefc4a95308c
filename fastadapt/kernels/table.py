"""The table of a nest: a row an array, so that one call of a kernel updates them all."""

import numpy as np

from .tile import TILE

FIRST, SIZE, ROW, P, G, STATE = range(6)
"""Columns: first tile, weights, row of coefficients, address of the weights, of the gradient, of each state."""


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
