"""Tuples of arrays, addresses and numbers, one for each state of a rule: what kernels do with each of them.

Numba compiles a tuple by its length, so each function takes the first or the last and calls itself for the others.
"""

import numpy as np
from numba.core.errors import TypingError
from numba.extending import overload, register_jitable

from .intrinsics import array_at, load, load4, store, store4


def gather(arrays, i):
    """Element `i` of each array, as a tuple."""
    return tuple([array[i] for array in arrays])


def scatter(arrays, i, values):
    """Put `values`, in order, into element `i` of the arrays."""
    for array, value in zip(arrays, values, strict=True):
        array[i] = value


def take(array, like):
    """The first elements of `array`, as many as the tuple `like` has, as a tuple."""
    return tuple(array[: len(like)])


def arrays_at(addresses, start, n, dtype, like):
    """From each of the first `len(like)` addresses, `n` numbers of `dtype` from element `start` on, as a tuple."""
    size = np.dtype(dtype).itemsize
    return tuple([array_at(addresses[k] + start * size, n, dtype) for k in range(len(like))])


def parts(array, n, like):
    """The rows of an array by `n` at a time, as many times as the tuple `like` is long, as a tuple."""
    return tuple([array[k * n : (k + 1) * n] for k in range(len(like))])


def items_at(arrays, i, j):
    """Element `[i, j]` of each array, as a tuple; where an array has one row or one column, that counts for all."""
    return tuple([item_at(array, i, j) for array in arrays])


@register_jitable
def item_at(array, i, j):
    """Element `[i, j]` of an array, whose only row or column counts for all."""
    return array[i if array.shape[0] > 1 else 0, j if array.shape[1] > 1 else 0]


def cast(values, dtype):
    """The tuple `values`, each as a scalar of `dtype`."""
    return tuple([dtype(value) for value in values])


def loads(address, dtype, like):
    """The numbers of `dtype` that stand from `address` on, as many as `like` has, as a tuple."""
    size = np.dtype(dtype).itemsize
    return tuple([load(address + k * size, dtype) for k in range(len(like))])


def moved(addresses, offset):
    """The addresses that lie `offset` bytes behind the given ones."""
    return tuple([address + offset for address in addresses])


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


def store_all(address, dtype, values):
    """Put the values, one behind the other, from `address` on."""
    for k, value in enumerate(values):
        store(address + k * np.dtype(dtype).itemsize, dtype, value)


def load4_each(addresses, offset, dtype):
    """The four numbers at `offset` bytes from each address."""
    return tuple([load4(address + offset, dtype) for address in addresses])


def store4_each(addresses, offset, dtype, a, b, c, d):
    """Put the first of a, b, c, d at `offset` bytes from the first address, and so on."""
    for k, address in enumerate(addresses):
        store4(address + offset, dtype, (a[k], b[k], c[k], d[k]))


@overload(gather)
def _gather(arrays, i):
    if len(arrays) == 0:
        return lambda arrays, i: ()
    return lambda arrays, i: (arrays[0][i],) + gather(arrays[1:], i)


@overload(scatter)
def _scatter(arrays, i, values):
    if len(arrays) != len(values):
        raise TypingError("update: expected it to return the weight and each state, no more and no less")
    if len(arrays) == 0:
        return lambda arrays, i, values: None

    def rest(arrays, i, values):
        arrays[0][i] = values[0]
        scatter(arrays[1:], i, values[1:])

    return rest


@overload(take)
def _take(array, like):
    last = len(like) - 1
    if last < 0:
        return lambda array, like: ()
    return lambda array, like: take(array, like[1:]) + (array[last],)


@overload(arrays_at)
def _arrays_at(addresses, start, n, dtype, like):
    last, size = len(like) - 1, dtype.dtype.bitwidth // 8
    if last < 0:
        return lambda addresses, start, n, dtype, like: ()

    def rest(addresses, start, n, dtype, like):
        array = array_at(addresses[last] + start * size, n, dtype)
        return arrays_at(addresses, start, n, dtype, like[1:]) + (array,)

    return rest


@overload(parts)
def _parts(array, n, like):
    last = len(like) - 1
    if last < 0:
        return lambda array, n, like: ()
    return lambda array, n, like: parts(array, n, like[1:]) + (array[last * n : (last + 1) * n],)


@overload(items_at)
def _items_at(arrays, i, j):
    if len(arrays) == 0:
        return lambda arrays, i, j: ()
    return lambda arrays, i, j: (item_at(arrays[0], i, j),) + items_at(arrays[1:], i, j)


@overload(cast)
def _cast(values, dtype):
    if len(values) == 0:
        return lambda values, dtype: ()
    return lambda values, dtype: (dtype(values[0]),) + cast(values[1:], dtype)


@overload(loads)
def _loads(address, dtype, like):
    last, size = len(like) - 1, dtype.dtype.bitwidth // 8
    if last < 0:
        return lambda address, dtype, like: ()
    return lambda address, dtype, like: loads(address, dtype, like[1:]) + (load(address + last * size, dtype),)


@overload(moved)
def _moved(addresses, offset):
    if len(addresses) == 0:
        return lambda addresses, offset: ()
    return lambda addresses, offset: (addresses[0] + offset,) + moved(addresses[1:], offset)


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


@overload(store_all)
def _store_all(address, dtype, values):
    size = dtype.dtype.bitwidth // 8
    if len(values) == 0:
        return lambda address, dtype, values: None

    def rest(address, dtype, values):
        store(address, dtype, values[0])
        store_all(address + size, dtype, values[1:])

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
