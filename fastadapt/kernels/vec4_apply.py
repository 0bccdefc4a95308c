"""What a thread of a GPU does with groups of four weights: apply a rule, sum its terms, and encode its state."""

import numpy as np

from .bits import INFINITE, ahead, next_key, signed
from .cache import jitable
from .codecs import decoder, extended, random_of
from .tuples import added, cast, gather
from .vec4 import vec4_of
from .weight import weight_of, widen


def applier(update, storage, dtype):
    """The function `(i, count, old, headers, c)` that applies a rule to four weights: `(p, *written)` of each.

    What is old are the four weights, their gradients, and the codes of each stream.
    """
    weight, decoded, number = weight_of(update, storage.beside), decoder(storage.codecs), dtype.type
    code = parts(storage.codecs)

    @jitable
    def one(old, k, headers, c):
        streams = cast(decoded(code(old[2:], k), headers), number)
        return cast(weight(old[0][k], widen(old[1][k], number), streams, c), number)

    @jitable
    def applied(i, count, old, headers, c):
        return one(old, 0, headers, c), one(old, 1, headers, c), one(old, 2, headers, c), one(old, 3, headers, c)

    return applied


def parts(codecs):
    """The function `(codes, k)` that gives number `k` of the four codes of each stream."""
    if not codecs:
        return jitable(lambda codes, k: ())
    part, rest = vec4_of(codecs[0]).part, parts(codecs[1:])
    return jitable(lambda codes, k: (part(codes[0], k),) + rest(codes[1:], k))


def ranger(states, groups, stride):
    """The function `(i, count, new)` that gives of these states the range of a thread's values: least and largest."""
    if not states:
        return jitable(lambda i, count, new: ())
    first, rest = state_ranger(1 + states[0], groups, stride), ranger(states[1:], groups, stride)

    @jitable
    def ranged(i, count, new):
        return (first(i, count, new),) + rest(i, count, new)

    return ranged


def state_ranger(which, groups, stride):
    """The function `(i, count, new)` that gives the range of one state."""
    if not groups:
        return jitable(lambda i, count, new: (INFINITE, signed(0)))
    rest = state_ranger(which, groups - 1, stride)

    @jitable
    def ranged(i, count, new):
        low, high = rest(signed(i + stride), count, new[1:])
        if i < count:
            x = gather(new[0], which)
            low, high = extended(low, high, x[0])
            low, high = extended(low, high, x[1])
            low, high = extended(low, high, x[2])
            low, high = extended(low, high, x[3])
        return low, high

    return ranged


def summer(storage, groups, stride):
    """The function `(i, count, new)` that sums the terms of a thread's weights, which stand behind the states."""
    nothing, behind = (0.0,) * storage.terms, storage.behind
    if not groups or not storage.terms:
        return jitable(lambda i, count, new: nothing)
    rest = summer(storage, groups - 1, stride)

    @jitable
    def term(one):
        return cast(one[behind:], np.float64)

    @jitable
    def summed(i, count, new):
        sums, four = rest(i + stride, count, new[1:]), new[0]
        sums = added(sums, term(four[0])) if i < count else sums
        sums = added(sums, term(four[1])) if i + 1 < count else sums
        sums = added(sums, term(four[2])) if i + 2 < count else sums
        return added(sums, term(four[3])) if i + 3 < count else sums

    return summed


def gridder(codecs):
    """The function `(ranges)` that makes each state's header; no ranges are of states that have none."""
    if not codecs:
        return jitable(lambda ranges: ())
    grid, rest = codecs[0].grid, gridder(codecs[1:])

    @jitable
    def gridded(ranges):
        return (grid(ranges[0][0], ranges[0][1]),) + rest(ranges[1:])

    return gridded


def encoder(storage):
    """The function `(i, count, new, headers, key)` that encodes what `applier`'s gives.

    Four weights and the codes of each stream that is written; `i` says which random words these take.
    """
    coded = coder(storage.written, storage.stochastic)

    @jitable
    def encoded(i, count, new, headers, key):
        return (gather(new, 0),) + coded(i, new, headers, key)

    return encoded


def coder(codecs, stochastic, first=1):
    """The function `(i, new, headers, key)` that gives the codes of each stream, the first of which is `new[first]`."""
    if not codecs:
        return jitable(lambda i, new, headers, key: ())
    encode, random, rest = codecs[0].encode, random_of(stochastic), coder(codecs[1:], stochastic, first + 1)
    made = vec4_of(codecs[0]).make
    if not codecs[0].coded:
        return jitable(lambda i, new, headers, key: (gather(new, first),) + rest(i, new, headers, key))

    @jitable
    def coded(i, new, headers, key):
        x, header, here = gather(new, first), headers[0], ahead(key, i)
        a = encode(x[0], header, random(here, 0))
        b = encode(x[1], header, random(here, 1))
        c = encode(x[2], header, random(here, 2))
        d = encode(x[3], header, random(here, 3))
        return (made(a, b, c, d),) + rest(i, new, headers[1:], next_key(key))

    return coded
