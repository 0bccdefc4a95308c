"""Masters: float32 weights behind those of 16 bits, which are what the masters are rounded to."""

from functools import cache

from .cache import jitable

MASTER = "master"
"""What their stream is for."""


@cache
def beginner(beside, weights):
    """The function `(p, streams)` that gives the weight from which a step begins, for a weight p of 16 bits.

    It is the master, unless that is not rounded to p: then it is p, for the user has changed it. `streams` are those
    beside the states, which are for what `beside` says.
    """
    if MASTER not in beside:
        return jitable(lambda p, streams: p)
    which, decode, encode = beside.index(MASTER), weights.decode, weights.encode

    @jitable
    def begun(p, streams):
        master = streams[which]
        return master if decode(encode(master, 0, 0), 0) == p else p

    return begun


def keeper(beside):
    """The function `(p)` that gives the new master of a new weight in a tuple; nothing without a stream."""
    return jitable((lambda p: (p,)) if MASTER in beside else (lambda p: ()))
