"""The CUDA kernels: tiles to blocks where the state is held as it is; how they are compiled, and small ones."""

from functools import cache

import numpy as np
from numba import config, cuda

from .cache import kernel_part, load_or_compile
from .intrinsics import load, load4, store
from .table import FIRST, ROW, SIZE, STATE, G, P
from .tuples import chooser, gather, joined, load4_each, load_each, loads, moved, store4_each, store_each
from .weight import AROUND, HEAD, TILE, weight_of, widen

THREADS = 8 if config.ENABLE_CUDASIM else 256
"""Threads in a block; with four weights per thread, 256 work on four tiles at once. The simulator's are Python's."""


def integers(count):
    """The signature of a kernel that is told so many integers, addresses among them."""
    return f"void({', '.join(['int64'] * count)})"


def compiled(kernel, signature):
    """A kernel compiled for a signature, and kept in Numba's disk cache; the simulator asks for none."""
    made = cuda.jit(kernel)
    return made if config.ENABLE_CUDASIM else load_or_compile(made, signature, cuda.dispatcher.CUDACache)


@kernel_part
def row_of(table, columns, rows, tile):
    """The address of the last row whose first tile is not behind `tile`."""
    low, high = 0, rows
    while high - low > 1:
        middle = (low + high) // 2
        if load(table + middle * columns + 8 * FIRST, np.int64) <= tile:
            low = middle
        else:
            high = middle
    return table + low * columns


def plain_kernel(update, storage, coefs, dtype, g_dtype):
    """The kernel `(table, coef, rows, tiles)`, addresses and counts, where the state is held as it is."""
    weight, size, g_size = weight_of(update, storage.beside), dtype.itemsize, g_dtype.itemsize
    wide, streams = dtype == g_dtype == np.float32, len(storage.streams)
    written = chooser(range(1 + len(storage.written)))
    dtype, g_dtype = dtype.type, g_dtype.type
    like_streams, like_coef = (0,) * streams, (0,) * (AROUND + coefs)
    columns, width = 8 * (STATE + streams), size * (AROUND + coefs)

    def kernel(table, coef, rows, tiles):
        if load(coef + 8, np.int64) == 0:
            return
        tile, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        at = row_of(table, columns, rows, tile)
        while tile < end:
            first = load(at + 8 * FIRST, np.int64)
            start = (tile - first) * TILE
            n = min((end - first) * TILE, load(at + 8 * SIZE, np.int64)) - start
            g = load(at + 8 * G, np.int64) + start * g_size
            each = (load(at + 8 * P, np.int64),) + loads(at + 8 * STATE, np.int64, like_streams)
            c = loads(coef + HEAD + load(at + 8 * ROW, np.int64) * width, dtype, like_coef)
            begin = 0
            if wide:
                begin = n // 4 * 4 if (joined(each) | g) % 16 == 0 else 0
                i = 4 * cuda.threadIdx.x
                while i < begin:
                    here = moved(each, (start + i) * size)
                    old = load4_each(here, dtype)
                    new = load4(g + i * size, dtype)
                    store4_each(
                        written(here),
                        dtype,
                        weight(old[0][0], new[0], gather(old[1:], 0), c),
                        weight(old[0][1], new[1], gather(old[1:], 1), c),
                        weight(old[0][2], new[2], gather(old[1:], 2), c),
                        weight(old[0][3], new[3], gather(old[1:], 3), c),
                    )
                    i += 4 * cuda.blockDim.x
            i = begin + cuda.threadIdx.x
            while i < n:
                here = moved(each, (start + i) * size)
                old = load_each(here, dtype)
                gradient = widen(load(g + i * g_size, g_dtype), dtype)
                store_each(written(here), dtype, weight(old[0], gradient, old[1:], c))
                i += cuda.blockDim.x
            at += columns
            tile = load(at + 8 * FIRST, np.int64)

    return kernel


def widen_kernel(source, target):
    if cuda.grid(1) == 0:
        store(target, np.float64, load(source, np.float32))


@cache
def copier(dtype):
    """The kernel that copies numbers of `dtype` from one strided array to another."""
    word = np.dtype(f"u{dtype.itemsize}").type

    def kernel(target, source, target_strides, source_strides, shape, n):
        i = cuda.grid(1)
        while i < n:
            rest, to, of = i, 0, 0
            for axis in range(len(shape) - 1, -1, -1):
                k = rest % shape[axis]
                rest //= shape[axis]
                to += k * target_strides[axis]
                of += k * source_strides[axis]
            store(target + to, word, load(source + of, word))
            i += cuda.gridsize(1)

    return cuda.jit(kernel)
