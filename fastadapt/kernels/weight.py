"""Apply a rule to a weight, with the scale and the decay that are the same for every rule."""

import inspect

import numpy as np
from numba import types
from numba.extending import overload

from .average import averager
from .bits import bits_as_float, half_as_float, word
from .cache import jitable, kernel_part, private
from .intrinsics import by_type, compiled_as
from .masters import beginner, keeper
from .per_weight import limiter
from .tuples import added, cast, chooser, gather, scatter

TILE = 256
"""Weights in a tile: the unit that is dealt out to threads and to blocks."""

AROUND = 8
"""How many coefficients stand before the rule's own: scale, decay, keep, bound, again, lower, upper, and the weight of
the newest in the average."""

BOUND = 3
"""Which of them is the bound: one that is too large for the weights is infinite."""

AGAIN = 2.0**-120
"""Below this a scale is applied to float32 gradients as two factors, of which this is the second; the first is below 1,
so that it makes no finite gradient infinite."""

HEAD = 24
"""Bytes before the rows of coefficients on a GPU, int64: the steps taken before, 0 if this is to be skipped, and where
the sums of tiles go."""


def as_tuple(result):
    """What `update` returned, as a tuple: a rule without state may return the weight alone."""
    return result if isinstance(result, tuple) else (result,)


def widen(g, dtype):
    """The gradient `g` as a scalar of `dtype`; a uint16 is the bits of a float16, an int16 those of a bfloat16."""
    if isinstance(g, np.int16):
        return dtype(bits_as_float(word(word(g) << 16)))
    return dtype(g.view(np.float16) if isinstance(g, np.uint16) else g)


@compiled_as(as_tuple)
def _as_tuple(typing, result):
    def codegen(context, builder, signature, args):
        return args[0] if single is result else context.make_tuple(builder, single, args)

    single = result if isinstance(result, types.BaseTuple) else types.UniTuple(result, 1)
    return single(result), codegen


@overload(widen)
def _widen(g, dtype):
    if g == types.uint16:
        return lambda g, dtype: dtype(half_as_float(g))
    if g == types.int16:
        return lambda g, dtype: dtype(bits_as_float(word(word(g) << 16)))
    return lambda g, dtype: dtype(g)


@kernel_part
def clipped(g, bound):
    """The gradient `g`, no larger than `bound` in size; NaN stays what it is."""
    g = bound if g > bound else g
    return -bound if g < -bound else g


@kernel_part
def two_factors(scale, bound):
    """A scale and a bound as `(scale, bound, again)`, so that a float32 holds each: a scale of 1e-40 it does not."""
    if 0.0 < abs(scale) < AGAIN:
        return scale / AGAIN, bound / AGAIN, AGAIN
    return scale, bound, 1.0


LEAST = {"eps": (2.0**-63, 2.0**-511), "least": (2.0**-126, 2.0**-1022)}
"""What a coefficient of this name is at least, for weights of float32 and of float64.

`least` keeps a denominator from 0: it is the smallest normal number. `eps` is its root: added to the root of a mean of
squares, which is 0 where the squares are too small for the weights' type, it keeps the step from being far too large.
"""


ROOT = {4: 2.0**63, 8: 2.0**511}
"""A gradient whose square is finite, also rounded to 16 bits, by the bytes of a number that is to hold it."""


def weight_of(update, beside=(), weights=None):
    """The function that applies `update` to one weight: `(p, g, streams, c) -> (p, *written, *terms)`.

    `streams` are the states, and others that are for what `beside` says; those that are written are the first. `c`
    holds `scale, decay, keep, bound, again, lower, upper`, the weight of the newest in the average, and the rule's own
    coefficients. The gradient is multiplied by `scale` (unscaling, clipping by norm, the sign of `maximize`), clipped
    to `bound` and multiplied by `again`; coupled decay adds `decay * p` to it; decoupled decay multiplies `p` by
    `keep`. What the rule makes of the weight is no less than `lower` and no more than `upper` (see `limiter`). A
    coefficient named in LEAST is at least that. `weights` is how weights of 16 bits are held.
    """
    rule, own, limited, averaged = private(update), own_of(update), limiter(beside), averager(beside)
    begun, kept = beginner(beside, weights), keeper(beside)
    states = sum(each.kind is each.POSITIONAL_ONLY for each in inspect.signature(update).parameters.values()) - 2
    streams, behind = states + len(beside), 1 + states
    state_of, beside_of = chooser(range(states), streams), chooser(range(states, streams))

    @jitable
    def weight(p, g, streams, c):
        more = beside_of(streams)
        p = begun(p, more)
        new = as_tuple(rule(c[2] * p, c[4] * clipped(c[0] * g, c[3]) + c[1] * p, *(state_of(streams) + own(c, p))))
        p = limited(p, new[0], more, c)
        return (p,) + new[1:behind] + averaged(p, more, c) + kept(p) + new[behind:]

    return weight


def own_of(update):
    """The function `(c, p)` that gives the rule's own coefficients of `c`, those that have a least value no less."""
    parameters = inspect.signature(update).parameters.values()
    names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    found = jitable(lambda c, p: c[AROUND:])
    for at, name in enumerate(names):
        if name in LEAST:
            found = raised(found, at, *LEAST[name])
    return found


def raised(own, at, single, double):
    """The function `own` with number `at` of what it gives no less than one of two numbers, by the type of `p`."""
    after = at + 1

    @jitable
    def found(c, p):
        values = own(c, p)
        return values[:at] + (max(values[at], by_type(p, single, double)),) + values[after:]

    return found


def loop_of(update, storage):
    """The function that applies `update` to arrays of weights, gradients and streams."""
    weight, first = weight_of(update, storage.beside), chooser(range(len(storage.written)), len(storage.streams))

    @jitable
    def loop(p, g, streams, c, dtype):
        # Chosen here: LLVM does not see that arrays in two arguments are the same ones, and would vectorise nothing.
        written = first(streams)
        for i in range(p.size):
            new = weight(p[i], widen(g[i], dtype), gather(streams, i), c)
            p[i] = new[0]
            scatter(written, i, new[1:])

    return loop


def summing_loop(update, storage):
    """The same for a rule that returns terms behind its states: it gives their sums, in float64."""
    weight, first = weight_of(update, storage.beside), chooser(range(len(storage.written)), len(storage.streams))
    behind, nothing = storage.behind, (0.0,) * storage.terms

    # reassoc: to add in the order of the vector's lanes; the order is still the same for every tile.
    def loop(p, g, streams, c, dtype):
        written, sums = first(streams), nothing
        for i in range(p.size):
            new = weight(p[i], widen(g[i], dtype), gather(streams, i), c)
            p[i] = new[0]
            scatter(written, i, new[1:behind])
            sums = added(sums, cast(new[behind:], np.float64))
        return sums

    return jitable(loop, {"reassoc", "nsz"})
