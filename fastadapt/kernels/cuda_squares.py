"""The CUDA kernel that sums the squares of gradients: spans to blocks, which sum each in an order of its own.

So the bits are the same for every grid.
"""

import numpy as np
from numba import cuda, float64

from .cuda import row_of
from .cuda_threads import sum_over_block
from .intrinsics import load, load4, store
from .squares import NOTHING, adder
from .table import FIRST, ROW, SIZE, STATE, G
from .weight import TILE, widen

SPAN = 64 * TILE
"""Weights that a block sums at once."""

PARTS = 5
"""What is known of a span, in float64: the sum of the squares of its finite gradients, what of them is infinite or NaN,
the sums of those squares that would overflow or vanish, times SHRINK**2 and GROW**2, and the place of its group."""

BOUND = 2
"""Where a group's row of float64 holds the size to which gradients are clipped."""


def squares_kernel(dtype, g_dtype, threads):
    """The kernel `(table, groups, scale, rows, spans, sums)`, addresses and counts, for blocks of so many threads.

    The table's tiles are spans, it has no columns of state, and in the column ROW the place of a group in `groups`.
    Each gradient is multiplied by the size of the float64 at `scale`. `sums` takes PARTS numbers for each span.
    """
    add, wide = adder(dtype), dtype == g_dtype == np.float32
    g_size, shape, columns = g_dtype.itemsize, (4, threads), 8 * STATE
    dtype, g_dtype = dtype.type, g_dtype.type

    def kernel(table, groups, scale, rows, spans, sums):
        scratch = cuda.shared.array(shape, float64)
        thread, factor = cuda.threadIdx.x, dtype(abs(load(scale, np.float64)))
        span = cuda.blockIdx.x
        while span < spans:
            at = row_of(table, columns, rows, span)
            begin = (span - load(at + 8 * FIRST, np.int64)) * SPAN
            n = min(SPAN, load(at + 8 * SIZE, np.int64) - begin)
            g, group = load(at + 8 * G, np.int64) + begin * g_size, load(at + 8 * ROW, np.int64)
            bound = dtype(load(groups + group + 8 * BOUND, np.float64))
            found, i, aligned = NOTHING, 4 * thread, wide and g % 16 == 0
            while i < n:
                if aligned and i + 4 <= n:
                    x = load4(g + i * g_size, g_dtype)
                    found = add(found, factor * widen(x[0], dtype), bound)
                    found = add(found, factor * widen(x[1], dtype), bound)
                    found = add(found, factor * widen(x[2], dtype), bound)
                    found = add(found, factor * widen(x[3], dtype), bound)
                else:
                    for k in range(i, min(i + 4, n)):
                        found = add(found, factor * widen(load(g + k * g_size, g_dtype), dtype), bound)
                i += 4 * threads
            sum_over_block(scratch, found, thread, threads)
            if thread == 0:
                for k in range(4):
                    store(sums + 8 * (PARTS * span + k), np.float64, scratch[k, 0])
                store(sums + 8 * (PARTS * span + 4), np.float64, group)
            cuda.syncthreads()
            span += cuda.gridDim.x

    return kernel
