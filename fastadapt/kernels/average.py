"""The average of the weights: a stream beside the states, which the pass moves towards each new weight."""

from functools import cache

from .cache import jitable, kernel_part
from .intrinsics import by_type

AVERAGE, WEIGHT = "average", 7
"""What its stream is for, and which of the coefficients around a rule is the weight of the newest in the average."""

OFF, EMA, POLYAK = range(3)
"""How it is weighted, in the order of the choices of the hyperparameter `average`."""


@kernel_part
def newest_weight(kind, decay, warmup, first, t):
    """The weight of the newest weights in the average at step `t` of an array, whose first `first` are not averaged."""
    n = t - 1 - first
    if kind == OFF or n <= 0:
        return 1.0
    if kind == POLYAK:
        return 1.0 / (n + 1.0)
    return 1.0 - (min(decay, (1.0 + n) / (10.0 + n)) if warmup != 0.0 else decay)


@cache
def averager(beside):
    """The function `(p, streams, c)` that gives the new average of a new weight in a tuple; nothing without a stream.

    `streams` are those beside the states, which are for what `beside` says.
    """
    if AVERAGE not in beside:
        return jitable(lambda p, streams, c: ())
    which = beside.index(AVERAGE)

    @jitable
    def averaged(p, streams, c):
        a, w = streams[which], c[WEIGHT]
        # Not (1 - w) * a + w * p, whose factors are each rounded: a weight that stays would have another average.
        return (p if w == by_type(w, 1.0, 1.0) else a + w * (p - a),)

    return averaged
