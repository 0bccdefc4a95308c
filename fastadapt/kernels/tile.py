"""Carry a rule over the weights of a tile, with the scale and the decay that are the same for every rule."""

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from .bits import half_as_float
from .cache import jitable, private
from .each import gather, scatter

TILE = 256
"""Weights in a tile: the unit that is dealt out to threads and to blocks."""

AROUND = 4
"""How many coefficients stand before the rule's own: scale, decay, keep, bound."""

HEAD = 16
"""Bytes before the rows of coefficients on a GPU: two int64, the steps taken before, and 0 if this is to be skipped."""


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


@register_jitable
def clipped(g, bound):
    """The gradient `g`, no larger than `bound` in size; NaN stays what it is."""
    g = bound if g > bound else g
    return -bound if g < -bound else g


def weight_of(update):
    """The function that carries `update` over one weight: `(p, g, state, c) -> (p, *state)`.

    `c` holds `scale, decay, keep, bound` and the rule's own coefficients. The gradient is multiplied by `scale`
    (unscaling, clipping by norm, the sign of `maximize`) and clipped to `bound`; coupled decay adds `decay * p` to it;
    decoupled decay multiplies `p` by `keep`.
    """
    rule = private(update)

    @jitable
    def weight(p, g, state, c):
        return as_tuple(rule(c[2] * p, clipped(c[0] * g, c[3]) + c[1] * p, *(state + c[AROUND:])))

    return weight


def sweep_of(update):
    """The function that carries `update` over arrays of weights, gradients and state."""
    weight = weight_of(update)

    @jitable
    def sweep(p, g, state, c, dtype):
        for i in range(p.size):
            new = weight(p[i], widen(g[i], dtype), gather(state, i), c)
            p[i] = new[0]
            scatter(state, i, new[1:])

    return sweep
