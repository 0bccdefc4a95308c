"""Sums of squares that neither overflow nor vanish, and the norms that follow from them; on the CPU and on CUDA."""

from math import sqrt

import numpy as np

from .cache import jitable, kernel_part
from .weight import clipped

# A square of a float64 between these neither overflows nor vanishes, nor does the sum of as many as fit a memory.
LARGE, SMALL, SHRINK, GROW = 2.0**480, 2.0**-480, 2.0**-600, 2.0**600
SMALLEST = 1e-280
"""A sum of squares below this may lack some that vanished."""

INFINITY = float("inf")
SUMS, NOTHING = 4, (0.0, 0.0, 0.0, 0.0)
"""How many sums there are (see `adder`), and those of no gradient."""


def adder(dtype):
    """The function `(sums, x, bound)` that takes a gradient of `dtype`, clipped to `bound`, into four sums.

    These are, in float64: that of the squares of finite gradients; what is infinite or NaN; and those of the squares
    that would overflow or vanish, times SHRINK**2 and GROW**2.
    """

    @jitable
    def add(sums, x, bound):
        if abs(x) < INFINITY:
            y = np.float64(clipped(x, bound))
            return sums[0] + y * y, sums[1], sums[2], sums[3]
        return sums[0], sums[1] + abs(np.float64(x)), sums[2], sums[3]

    @jitable
    def add_double(sums, x, bound):
        y = abs(clipped(x, bound))
        if y > LARGE and abs(x) < INFINITY:
            return sums[0], sums[1], sums[2] + (y * SHRINK) * (y * SHRINK), sums[3]
        if y < SMALL and abs(x) < INFINITY:
            return sums[0], sums[1], sums[2], sums[3] + (y * GROW) * (y * GROW)
        return add(sums, x, bound)

    return add_double if dtype == np.float64 else add


@kernel_part
def sum_of(a, b):
    """Two times four sums, added."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


@kernel_part
def root_of(middle, large, small):
    """The root of a sum of squares times a multiplier, and that multiplier: the root itself could be beyond float64."""
    if large > 0.0:
        rest = sqrt(middle) * SHRINK
        return sqrt(large + rest * rest), SHRINK
    if middle == 0.0:
        return sqrt(small), GROW
    rest = sqrt(small) / GROW
    return sqrt(middle + rest * rest), 1.0
