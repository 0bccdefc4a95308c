"""What a thread of a GPU does with groups of four weights whose state is small: carries, measures and closes them."""

from .bits import INFINITE, ahead, next_key, signed
from .cache import jitable
from .codecs import extended, opener, random_of
from .tuples import cast, gather
from .vec4 import four_codes
from .weight import weight_of, widen


def carrier(update, storage, dtype):
    """The function `(i, count, old, headers, c)` that carries a rule over four weights: `(p, *state)` of each.

    What is old are the four weights, their gradients, and the codes of each state.
    """
    weight, opened, number = weight_of(update), opener(storage.codecs), dtype.type
    code = parts(storage.states, four_codes(storage.item).part)

    @jitable
    def one(old, k, headers, c):
        state = cast(opened(code(old[2:], k), headers), number)
        return cast(weight(old[0][k], widen(old[1][k], number), state, c), number)

    @jitable
    def carried(i, count, old, headers, c):
        return one(old, 0, headers, c), one(old, 1, headers, c), one(old, 2, headers, c), one(old, 3, headers, c)

    return carried


def parts(states, part):
    """The function `(codes, k)` that gives number `k` of the four codes of each state."""
    if not states:
        return jitable(lambda codes, k: ())
    rest = parts(states - 1, part)
    return jitable(lambda codes, k: (part(codes[0], k),) + rest(codes[1:], k))


def measurer(storage, groups, stride, which=1):
    """The function `(i, count, new)` that gives of each state the range of a thread's values: least and largest."""
    if not storage.headed or which > storage.states:
        return jitable(lambda i, count, new: ())
    first, rest = ranger(which, groups, stride), measurer(storage, groups, stride, which + 1)

    @jitable
    def measured(i, count, new):
        return (first(i, count, new),) + rest(i, count, new)

    return measured


def ranger(which, groups, stride):
    """The function `(i, count, new)` that gives the range of one state."""
    if not groups:
        return jitable(lambda i, count, new: (INFINITE, signed(0)))
    rest = ranger(which, groups - 1, stride)

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


def gridder(codecs):
    """The function `(ranges)` that makes each state's header; no ranges are of states that have none."""
    if not codecs:
        return jitable(lambda ranges: ())
    grid, rest = codecs[0].grid, gridder(codecs[1:])

    @jitable
    def gridded(ranges):
        return (grid(ranges[0][0], ranges[0][1]),) + rest(ranges[1:])

    return gridded


def closer(storage):
    """The function `(i, count, new, headers, key)` that closes what `carrier`'s gives.

    Four weights and the codes of each state; `i` says which random words these take.
    """
    coded = coder(storage)

    @jitable
    def closed(i, count, new, headers, key):
        return (gather(new, 0),) + coded(i, new, headers, key)

    return closed


def coder(storage, first=0):
    """The function `(i, new, headers, key)` that gives the codes of each state from number `first` on."""
    if first == storage.states:
        return jitable(lambda i, new, headers, key: ())
    close, random, rest = storage.codecs[first].close, random_of(storage.stochastic), coder(storage, first + 1)
    made = four_codes(storage.item).make

    @jitable
    def coded(i, new, headers, key):
        x, header, here = gather(new, 1 + first), headers[first], ahead(key, i)
        a = close(x[0], header, random(here, 0))
        b = close(x[1], header, random(here, 1))
        c = close(x[2], header, random(here, 2))
        d = close(x[3], header, random(here, 3))
        return (made(a, b, c, d),) + rest(i, new, headers, next_key(key))

    return coded
