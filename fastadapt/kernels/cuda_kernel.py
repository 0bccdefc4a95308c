"""The CUDA kernel: tiles to blocks."""

import numpy as np
from numba import cuda
from numba.core.errors import TypingError
from numba.extending import overload

from .cache import cache_key
from .memory import load, load4, store, store4
from .table import FIRST, ROW, SIZE, STATE, G, P
from .tile import TILE, gather, weight_of, widen


def loads(address, dtype, like):
    """The numbers of `dtype` that stand from `address` on, as many as `like` has, as a tuple."""
    size = np.dtype(dtype).itemsize
    return tuple([load(address + k * size, dtype) for k in range(len(like))])


def joined(addresses):
    """All addresses joined by `or`: a multiple of 16 if they all are."""
    found = 0
    for address in addresses:
        found |= address
    return found


def load_each(addresses, offset, dtype):
    """The number at `offset` bytes from each address."""
    return tuple([load(address + offset, dtype) for address in addresses])


def store_each(addresses, offset, dtype, values):
    """Put each value at `offset` bytes from its address."""
    for address, value in zip(addresses, values, strict=True):
        store(address + offset, dtype, value)


def load4_each(addresses, offset, dtype):
    """The four numbers at `offset` bytes from each address."""
    return tuple([load4(address + offset, dtype) for address in addresses])


def store4_each(addresses, offset, dtype, a, b, c, d):
    """Put the first of a, b, c, d at `offset` bytes from the first address, and so on."""
    for k, address in enumerate(addresses):
        store4(address + offset, dtype, (a[k], b[k], c[k], d[k]))


@overload(loads)
def _loads(address, dtype, like):
    last, size = len(like) - 1, dtype.dtype.bitwidth // 8
    if last < 0:
        return lambda address, dtype, like: ()
    return lambda address, dtype, like: loads(address, dtype, like[1:]) + (load(address + last * size, dtype),)


@overload(joined)
def _joined(addresses):
    if len(addresses) == 1:
        return lambda addresses: addresses[0]
    return lambda addresses: addresses[0] | joined(addresses[1:])


@overload(load_each)
def _load_each(addresses, offset, dtype):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype: ()
    return lambda addresses, offset, dtype: (
        (load(addresses[0] + offset, dtype),) + load_each(addresses[1:], offset, dtype)
    )


@overload(store_each)
def _store_each(addresses, offset, dtype, values):
    if len(addresses) != len(values):
        raise TypingError("update: expected it to return the weight and each state, no more and no less")
    if len(addresses) == 0:
        return lambda addresses, offset, dtype, values: None

    def rest(addresses, offset, dtype, values):
        store(addresses[0] + offset, dtype, values[0])
        store_each(addresses[1:], offset, dtype, values[1:])

    return rest


@overload(load4_each)
def _load4_each(addresses, offset, dtype):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype: ()
    return lambda addresses, offset, dtype: (
        (load4(addresses[0] + offset, dtype),) + load4_each(addresses[1:], offset, dtype)
    )


@overload(store4_each)
def _store4_each(addresses, offset, dtype, a, b, c, d):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype, a, b, c, d: None

    def rest(addresses, offset, dtype, a, b, c, d):
        store4(addresses[0] + offset, dtype, (a[0], b[0], c[0], d[0]))
        store4_each(addresses[1:], offset, dtype, a[1:], b[1:], c[1:], d[1:])

    return rest


def kernel_of(update, states, coefs, dtype, g_dtype):
    """The kernel `(table, coef, rows, tiles)`, addresses and two counts, that carries `update` over a table."""
    weight, size, g_size = weight_of(update), dtype.itemsize, g_dtype.itemsize
    wide = dtype == g_dtype == np.float32
    dtype, g_dtype = dtype.type, g_dtype.type
    like_state, like_coef = (0,) * states, (0,) * (3 + coefs)
    columns, width = 8 * (STATE + states), size * (3 + coefs)
    key = cache_key()

    def kernel(table, coef, rows, tiles):
        key  # noqa: B018 - see cache_key
        tile, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        low, high = 0, rows  # the last row whose first tile is not behind `tile`
        while high - low > 1:
            middle = (low + high) // 2
            if load(table + middle * columns + 8 * FIRST, np.int64) <= tile:
                low = middle
            else:
                high = middle
        at = table + low * columns
        while tile < end:
            first = load(at + 8 * FIRST, np.int64)
            start = (tile - first) * TILE
            n = min((end - first) * TILE, load(at + 8 * SIZE, np.int64)) - start
            g = load(at + 8 * G, np.int64) + start * g_size
            each = (load(at + 8 * P, np.int64),) + loads(at + 8 * STATE, np.int64, like_state)
            c = loads(coef + load(at + 8 * ROW, np.int64) * width, dtype, like_coef)
            begin = 0
            if wide:
                begin = n // 4 * 4 if (joined(each) | g) % 16 == 0 else 0
                i = 4 * cuda.threadIdx.x
                while i < begin:
                    old = load4_each(each, (start + i) * size, dtype)
                    new = load4(g + i * size, dtype)
                    store4_each(
                        each,
                        (start + i) * size,
                        dtype,
                        weight(old[0][0], new[0], gather(old[1:], 0), c[0], c[1], c[2], c[3:]),
                        weight(old[0][1], new[1], gather(old[1:], 1), c[0], c[1], c[2], c[3:]),
                        weight(old[0][2], new[2], gather(old[1:], 2), c[0], c[1], c[2], c[3:]),
                        weight(old[0][3], new[3], gather(old[1:], 3), c[0], c[1], c[2], c[3:]),
                    )
                    i += 4 * cuda.blockDim.x
            i = begin + cuda.threadIdx.x
            while i < n:
                old = load_each(each, (start + i) * size, dtype)
                gradient = widen(load(g + i * g_size, g_dtype), dtype)
                store_each(each, (start + i) * size, dtype, weight(old[0], gradient, old[1:], c[0], c[1], c[2], c[3:]))
                i += cuda.blockDim.x
            at += columns
            tile = load(at + 8 * FIRST, np.int64)

    return kernel
