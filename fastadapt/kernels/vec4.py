"""Four neighbours at a time: how a thread of a GPU reads and writes the groups of four that it has of a tile."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import config

from .bits import signed, word
from .cache import jitable
from .intrinsics import load, load4, store, store4


def grouped(function, groups, stride):
    """The function `(i, count, each, *shared)` that calls another for each group of four that a thread has of a tile.

    Its groups start `stride` apart, the first at `i`; of `each` a group gets its own, and of what is shared all.
    """
    if not groups:
        return jitable(lambda i, count, each, *shared: ())
    # What lies behind the tile costs a GPU nothing, whose threads wait for each other; the simulator leaves it out.
    rest, skipping = grouped(function, groups - 1, stride), config.ENABLE_CUDASIM
    one = (lambda i, count, *given: function(i, count, *given) if i < count else None) if skipping else function

    @jitable
    def each_group(i, count, each, *shared):
        return (one(i, count, each[0], *shared),) + rest(signed(i + stride), count, each[1:], *shared)

    return each_group


class Vec4(NamedTuple):
    """How four neighbours of `item` are held in registers: functions that make one of these, and that use it."""

    item: np.dtype
    make: Callable
    """`(a, b, c, d)`"""
    part: Callable
    """`(held, k)`: number `k` of the four."""
    load: Callable
    """`(address)`: all four in one access."""
    store: Callable
    """`(address, held)`"""


def vec4_numbers(item):
    """Each in a register of its own."""
    number = item.type
    return Vec4(
        item,
        jitable(lambda a, b, c, d: (a, b, c, d)),
        jitable(lambda held, k: held[k]),
        jitable(lambda address: load4(address, number)),
        jitable(lambda address, held: store4(address, number, *held)),
    )


def vec4_codes(item):
    """In one register, or in two if they are of 16 bits; with one for each there would be too few."""
    if item.itemsize == 1:
        number, bits, mask = np.uint32, 8, 0xFF
        make = jitable(lambda a, b, c, d: word(word(a) | word(b) << 8 | word(c) << 16 | word(d) << 24))
    else:
        number, bits, mask = np.int64, 16, 0xFFFF
        make = jitable(lambda a, b, c, d: signed(word(c) | word(d) << 16) << 32 | word(word(a) | word(b) << 16))
    return Vec4(
        item,
        make,
        jitable(lambda held, k: word(word(held >> bits * k) & mask)),
        jitable(lambda address: load(address, number)),
        jitable(lambda address, held: store(address, number, held)),
    )


def vec4_of(codec):
    """Four of what is held by a codec."""
    return vec4_codes(codec.item) if codec.coded else vec4_numbers(codec.item)


def reader(vectors, full):
    """The function `(i, count, _, addresses)` that reads elements `i` to `i + 3` of some arrays.

    They are read at once where the tile is `full` and lies well; else the last of its `count` elements stands for
    those behind it.
    """
    if not vectors:
        return jitable(lambda i, count, _, addresses: ())
    number, size, made, at_once = vectors[0].item.type, vectors[0].item.itemsize, vectors[0].make, vectors[0].load
    rest = reader(vectors[1:], full)
    if full:

        @jitable
        def read(i, count, _, addresses):
            return (at_once(addresses[0] + i * size),) + rest(i, count, _, addresses[1:])

        return read

    @jitable
    def read_one_by_one(i, count, _, addresses):
        where, left = addresses[0] + i * size, signed(count - i - 1)
        a = load(where + min(signed(0), left) * size, number)
        b = load(where + min(signed(1), left) * size, number)
        c = load(where + min(signed(2), left) * size, number)
        d = load(where + min(signed(3), left) * size, number)
        return (made(a, b, c, d),) + rest(i, count, _, addresses[1:])

    return read_one_by_one


def writer(vectors, full):
    """The function `(i, count, values, addresses)` that writes where `reader`'s reads, and nothing behind the tile."""
    if not vectors:
        return jitable(lambda i, count, values, addresses: None)
    number, size, part, at_once = vectors[0].item.type, vectors[0].item.itemsize, vectors[0].part, vectors[0].store
    rest = writer(vectors[1:], full)
    if full:

        @jitable
        def write(i, count, values, addresses):
            at_once(addresses[0] + i * size, values[0])
            rest(i, count, values[1:], addresses[1:])

        return write

    @jitable
    def write_one_by_one(i, count, values, addresses):
        where, left = addresses[0] + i * size, signed(count - i)
        for k in range(4):
            if k < left:
                store(where + k * size, number, part(values[0], k))
        rest(i, count, values[1:], addresses[1:])

    return write_one_by_one
