"""How a state is held, and how it is opened and closed: the same text on the CPU and on CUDA.

A code is three pure functions of numbers. `grid(low, high)` makes the header of a block of up to 256 values from the
bits of its least non-zero and its largest finite magnitude; `open(code, header)` is the value of a code; and
`close(x, header, r)` is the code of a value, rounded with the random word `r`: up or down with the probability that
makes the expected value `x`. What depends on the header alone is moved out of the loop by the compiler.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from .bits import INFINITE, bits_as_float, bits_of, random_word, signed, word
from .tile import TILE

NAN = np.float32(np.nan)
ONE = np.int32(0x3F800000)
"""The bits of 1."""
LEAST, LARGEST = np.int32(0x0D800000), np.int32(0x7F7FFFF0)
"""The bits that a scale stays between, so that its inverse is finite: 2**-100 and nearly the largest number."""


class Code(NamedTuple):
    """How one small state is held; without a `grid`, its blocks have no headers."""

    item: np.dtype
    grid: Callable | None
    open: Callable
    close: Callable


class Storage(NamedTuple):
    """How the states of a rule are held: as numbers of `item`, or each in a code of its own, which is of `item`."""

    item: np.dtype
    states: int
    codes: tuple[Code, ...] = ()
    stochastic: bool = False

    def items(self, n: int) -> int:
        """How many items `n` values take, with the headers of their blocks behind them."""
        if not (self.codes and self.codes[0].grid):
            return n
        return heads_at(n) + 4 * -(-n // TILE)


@register_jitable
def heads_at(n):
    """Bytes from the first of `n` codes of a byte to the header of the first block."""
    return (n + 63) // 64 * 64


@register_jitable
def open_bfloat16(code, header):
    """The upper half of a float32."""
    return bits_as_float(word(word(code) << 16))


@register_jitable
def close_bfloat16(x, header, r):
    """The random word's upper half, added to the half that is cut off, carries over with the right probability."""
    bits = bits_of(x)
    if word(bits & 0x7FFFFFFF) > INFINITE:
        return word(0x7FC0)
    return word(word(bits + word(r >> 16)) >> 16)


# A root of 127 steps, with its sign: x = k * abs(k) / 127**2 of the block's largest. Its steps become finer towards
# 0, as the largest do not, where a mean of gradients stands over the root of a small mean of squares.

STEPS = np.float32(127.0)


@register_jitable
def grid_root(low, high):
    return word(min(max(high, LEAST), LARGEST))


@register_jitable
def open_root(code, header):
    k = np.float32(signed(signed(word(code) ^ 128) - 128))
    x = k * abs(k) * (bits_as_float(header) / (STEPS * STEPS))
    return NAN if code == 128 else x


@register_jitable
def close_root(x, header, r):
    x = np.float32(x)
    y = abs(x) * (STEPS * STEPS / bits_as_float(header))
    if not y < np.float32(np.inf):
        return word(128)
    k = np.float32(signed(sqrt(y)))
    step = k + k + np.float32(1.0)  # from k**2 to (k + 1)**2
    if y - k * k > np.float32(signed(word(r >> 8))) * np.float32(2.0**-24) * step:
        k += np.float32(1.0)
    k = min(k, STEPS)
    return word(signed(-k if x < np.float32(0.0) else k) & 0xFF)


# A float without sign whose fraction has as many bits as the block's range leaves: codes 1 to 254 are the float32
# bits from 1 down, in cells of 2**shift. The shift, of 5 to 20, stands in the last four bits of the scale. At 20,
# 8 steps for each power of two, 254 codes reach down to 2**-31.6; what is smaller than that becomes code 1, never 0.

TOP = np.int32(254)


@register_jitable
def grid_float(low, high):
    scale = min(max(word(high + 15) & 0xFFFFFFF0, LEAST), LARGEST)
    reach = ONE - signed(bits_of(bits_as_float(word(low)) / bits_as_float(word(scale))))
    shift = 5
    while shift < 20 and reach > (TOP - 1) << shift:
        shift += 1
    return word(scale + (shift - 5))


@register_jitable
def open_float(code, header):
    cell = signed(32 << (header & 15))
    x = bits_as_float(word(ONE - signed((TOP - signed(code)) * cell))) * bits_as_float(word(header & 0xFFFFFFF0))
    if code == 0:
        return np.float32(0.0)
    return NAN if code == 255 else x


@register_jitable
def close_float(x, header, r):
    cell = signed(32 << (header & 15))
    bits = bits_of(np.float32(x) * (np.float32(1.0) / bits_as_float(word(header & 0xFFFFFFF0))))
    if x == 0:
        return word(0)
    if bits >= INFINITE:  # infinite, NaN or negative
        return word(255)
    above = signed(signed(bits) - (ONE - TOP * cell))
    shift = (header & 15) + 5
    above = signed(max(above, 0)) + signed(r >> (32 - shift & 31))
    return word(min(max(signed(above >> shift), 1), TOP))


BFLOAT16 = Code(np.dtype(np.uint16), None, open_bfloat16, close_bfloat16)
ROOT = Code(np.dtype(np.uint8), grid_root, open_root, close_root)
FLOAT = Code(np.dtype(np.uint8), grid_float, open_float, close_float)


def held(bits: int, rounding: str, dtype: np.dtype, nonnegative: tuple[bool, ...]) -> Storage:
    """How states, of which some are never negative, are held in so many bits; 32 are the type of the weights."""
    if bits == 32 or not nonnegative:
        return Storage(dtype, len(nonnegative))
    codes = tuple(BFLOAT16 if bits == 16 else FLOAT if positive else ROOT for positive in nonnegative)
    return Storage(codes[0].item, len(codes), codes, rounding == "stochastic")


def opener(codes):
    """The function `(codes, headers)` that opens each of a tuple of codes."""
    if not codes:
        return register_jitable(lambda codes, headers: ())
    first, rest = codes[0].open, opener(codes[1:])

    @register_jitable
    def opened(codes, headers):
        return (first(codes[0], headers[0]),) + rest(codes[1:], headers[1:])

    return opened


@register_jitable
def extended(low, high, x):
    """The bits of the least non-zero and the largest finite magnitude of a block, with `x` taken in."""
    bits = signed(bits_of(x) & 0x7FFFFFFF)
    return min(low, bits if bits > 0 else INFINITE), max(high, bits if bits < INFINITE else signed(0))


def random_of(stochastic):
    """The function `(key, i)` for the random words of a tile, or what takes their place to round to the nearest."""
    return random_word if stochastic else register_jitable(lambda key, i: word(0x80000000))
