"""Carry a rule over the weights of a tile, with the scale and the decay that are the same for every rule."""

from types import FunctionType

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload, register_jitable

from .memory import array_at, half_as_float

TILE = 256
"""Weights in a tile: the unit that is dealt out to threads and to blocks."""


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


def cast(values, dtype):
    """The tuple `values`, each as a scalar of `dtype`."""
    return tuple([dtype(value) for value in values])


def as_tuple(result):
    """What `update` returned, as a tuple: a rule without state may return the weight alone."""
    return result if isinstance(result, tuple) else (result,)


def widen(g, dtype):
    """The gradient `g` as a scalar of `dtype`; a uint16 is the bits of a float16."""
    return dtype(g.view(np.float16) if isinstance(g, np.uint16) else g)


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


@overload(cast)
def _cast(values, dtype):
    if len(values) == 0:
        return lambda values, dtype: ()
    return lambda values, dtype: (dtype(values[0]),) + cast(values[1:], dtype)


@overload(as_tuple)
def _as_tuple(result):
    if isinstance(result, types.BaseTuple):
        return lambda result: result
    return lambda result: (result,)


@overload(widen)
def _widen(g, dtype):
    if g == types.uint16:
        return lambda g, dtype: dtype(half_as_float(g))
    return lambda g, dtype: dtype(g)


def weight_of(update):
    """The function that carries `update` over one weight: `(p, g, state, scale, decay, keep, coef) -> (p, *state)`.

    The gradient is multiplied by `scale` (unscaling, clipping, the sign of `maximize`); coupled decay adds
    `decay * p` to it; decoupled decay multiplies `p` by `keep`.
    """
    # A private copy is pickled by value into the key of Numba's disk cache, so that the cache hits in another
    # process and misses after the rule was edited; the rule itself would be pickled as a name and go stale.
    rule = register_jitable(
        FunctionType(update.__code__, update.__globals__, update.__name__, None, update.__closure__)
    )

    @register_jitable
    def weight(p, g, state, scale, decay, keep, coef):
        return as_tuple(rule(keep * p, scale * g + decay * p, *(state + coef)))

    return weight


def sweep_of(update):
    """The function that carries `update` over arrays of weights, gradients and state."""
    weight = weight_of(update)

    @register_jitable
    def sweep(p, g, state, scale, decay, keep, coef, dtype):
        for i in range(p.size):
            new = weight(p[i], widen(g[i], dtype), gather(state, i), scale, decay, keep, coef)
            p[i] = new[0]
            scatter(state, i, new[1:])

    return sweep
