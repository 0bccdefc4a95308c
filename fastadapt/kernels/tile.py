"""Carry a rule over the weights of a tile, with the scale and the decay that are the same for every rule."""

from types import FunctionType

import numpy as np
from numba import types
from numba.extending import overload

from .bits import half_as_float
from .cache import jitable
from .each import gather, scatter

TILE = 256
"""Weights in a tile: the unit that is dealt out to threads and to blocks."""


def as_tuple(result):
    """What `update` returned, as a tuple: a rule without state may return the weight alone."""
    return result if isinstance(result, tuple) else (result,)


def widen(g, dtype):
    """The gradient `g` as a scalar of `dtype`; a uint16 is the bits of a float16."""
    return dtype(g.view(np.float16) if isinstance(g, np.uint16) else g)


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
    rule = jitable(FunctionType(update.__code__, update.__globals__, update.__name__, None, update.__closure__))

    @jitable
    def weight(p, g, state, scale, decay, keep, coef):
        return as_tuple(rule(keep * p, scale * g + decay * p, *(state + coef)))

    return weight


def sweep_of(update):
    """The function that carries `update` over arrays of weights, gradients and state."""
    weight = weight_of(update)

    @jitable
    def sweep(p, g, state, scale, decay, keep, coef, dtype):
        for i in range(p.size):
            new = weight(p[i], widen(g[i], dtype), gather(state, i), scale, decay, keep, coef)
            p[i] = new[0]
            scatter(state, i, new[1:])

    return sweep
