"""Rates and bounds by weight: streams beside the states, which the pass reads."""

from functools import cache

from .cache import jitable, kernel_part
from .intrinsics import by_type

RATE, LOWER, UPPER = "lr", "lower", "upper"
"""What their streams are for, as users name them."""

LOWEST, HIGHEST = 5, 6
"""Which of the coefficients around a rule are the bounds of all weights."""


@cache
def limiter(beside):
    """The function `(p, new, streams, c)` that gives the weight after p, of which the rule made `new`.

    It moves there by its rate, and is within the bounds of all weights, and then within its own; NaN stays what it is.
    `streams` are those beside the states, which are for what `beside` says.
    """
    rated, bounded = _part(RATE, beside, moved), jitable(lambda p, new, streams: new)
    for role, function in ((LOWER, at_least), (UPPER, at_most)):
        if role in beside:
            bounded = _after(bounded, _part(role, beside, function))

    @jitable
    def limited(p, new, streams, c):
        new = at_most(p, at_least(p, rated(p, new, streams), c[LOWEST]), c[HIGHEST])
        return bounded(p, new, streams)

    return limited


def _part(role, beside, function):
    """The function `(p, new, streams)` that gives what another makes of the stream for a role, if there is one."""
    if role not in beside:
        return jitable(lambda p, new, streams: new)
    which = beside.index(role)
    return jitable(lambda p, new, streams: function(p, new, streams[which]))


def _after(first, second):
    return jitable(lambda p, new, streams: second(p, first(p, new, streams), streams))


@kernel_part
def moved(p, new, rate):
    """So much of the way from `p` to `new`; exactly these at 0 and at 1."""
    between = p + rate * (new - p)
    return new if rate == by_type(rate, 1.0, 1.0) else p if rate == by_type(rate, 0.0, 0.0) else between


@kernel_part
def at_least(p, new, lower):
    return lower if new < lower else new


@kernel_part
def at_most(p, new, upper):
    return upper if new > upper else new
