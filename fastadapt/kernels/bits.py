"""Bits: numbers as the words that hold them, and random words.

The first five functions stand twice, as in `intrinsics.py`: in Python, whose integers do not wrap, and as machine
code in which 32 bits stay 32. The others are written with them: an integer mixed with a literal becomes 64 bits wide in
Numba, and half as many fit a vector.
"""

import numpy as np
from llvmlite import ir
from numba import types

from .cache import kernel_part
from .intrinsics import compiled_as

INFINITE = np.int32(0x7F800000)
"""The bits of a float32 that is infinite: those of finite ones are less, those of NaN more."""


def word(x):
    """The low 32 bits of an integer, without sign."""
    return int(x) & 0xFFFFFFFF


def signed(x):
    """The low 32 bits of an integer, with sign."""
    return (int(x) + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def bits_of(x):
    """The bits of a float32, as a word."""
    return int(np.float32(x).view(np.uint32))


def bits_as_float(bits):
    """The float32 whose bits are those of the word `bits`."""
    return np.uint32(bits).view(np.float32)


def shifted(x, n):
    """`x >> n` for a word or a signed number of 32 bits; Numba's own shift takes 64, in twice the registers."""
    return x >> n


@compiled_as(word)
def _word(typing, x):
    return types.uint32(types.unliteral(x)), _cast


@compiled_as(signed)
def _signed(typing, x):
    return types.int32(types.unliteral(x)), _cast


def _cast(context, builder, signature, args):
    return context.cast(builder, args[0], signature.args[0], signature.return_type)


@compiled_as(bits_of)
def _bits_of(typing, x):
    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(32))

    return types.uint32(types.float32), codegen


@compiled_as(bits_as_float)
def _bits_as_float(typing, bits):
    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), codegen


@compiled_as(shifted)
def _shifted(typing, x, n):
    def codegen(context, builder, signature, args):
        value, places = args
        return builder.ashr(value, places) if x.signed else builder.lshr(value, places)

    return x(x, types.int32), codegen


@kernel_part
def half_as_float(bits):
    """The float32 equal to the float16 whose bits are those of the uint16 `bits`.

    Numba has no float16 arithmetic on the CPU. The exponent and the fraction, moved to their places in a float32,
    are that number times 2**-112; the product is exact, denormals included.
    """
    magnitude = word(bits & 0x7FFF) << 13
    sign = word(bits & 0x8000) << 16
    value = bits_as_float(word(magnitude | sign)) * np.float32(2.0**112)
    if magnitude >= 0x7C00 << 13:  # infinite, or NaN
        return bits_as_float(word(magnitude | sign | 0x7F800000))
    return value


@kernel_part
def mixed(h):
    """A word that depends on every bit of the word `h` (Wellons' lowbias32, a bijection)."""
    h = word((h ^ word(h >> 16)) * 0x7FEB352D)
    h = word((h ^ word(h >> 15)) * 0x846CA68B)
    return word(h ^ word(h >> 16))


@kernel_part
def ahead(key, i):
    """The key whose random words are those of `key` from number `i` on."""
    return word(key + word(i * 0x9E3779B9))


@kernel_part
def random_word(key, i):
    """The random word number `i` of those that belong to the word `key`."""
    return mixed(ahead(key, i))


def array_key(seed, i):
    """The key of the random words of array number `i` of an optimizer; not 0, which `mixed` leaves as it is."""
    return mixed(word(mixed(word(seed + 0x9E3779B9)) + i))


@kernel_part
def tile_key(key, step, tile):
    """The key of a tile at a step, for its first state."""
    return mixed(word(mixed(word(key + step)) + tile))


@kernel_part
def next_key(key):
    """The key of the next state of the tile."""
    return mixed(word(key + 1))
