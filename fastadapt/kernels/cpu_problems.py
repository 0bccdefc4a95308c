"""The kernel of many small problems on the CPU: blocks of them, to be dealt out to threads."""

from collections.abc import Callable

import numpy as np

from .denormal import flush, restore
from .problems import Kind, solver_of, values_of


def kernel_of(kind: Kind) -> Callable:
    """The kernel `(begin, end, width, args, shared, rates, starts, limits, numbers, out)`: blocks `begin` to `end`."""
    solve, rows, dtype, clips = solver_of(kind), 3 + kind.states, kind.dtype.type, kind.clips
    height = values_of(kind)

    def kernel(begin, end, width, args, shared, rates, starts, limits, numbers, out):
        control = flush()
        n, d = out[0].shape
        work, values = np.empty((rows * d + 1, width), dtype), np.empty((height, width))
        runs = np.empty((width, d if clips else 0), dtype)
        for block in range(begin, end):
            first = block * width
            solve(work, values, runs, first, min(width, n - first), args, shared, rates, starts, limits, numbers, out)
        restore(control)

    return kernel
