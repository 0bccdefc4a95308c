"""How a state is held, and how it is encoded and decoded: the same text on the CPU and on CUDA.

A codec is three pure functions of numbers. `grid(low, high)` makes the header of a block of up to 256 values from the
bits of its least non-zero and its largest finite magnitude; `decode(code, header)` is the value of a code; and
`encode(x, header, r)` is the code of a value, rounded with the random word `r`: up or down with the probability that
makes the expected value `x`. What depends on the header alone is moved out of the loop by the compiler.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np

from .bits import INFINITE, bits_as_float, bits_of, half_as_float, random_word, shifted, signed, word
from .cache import jitable, kernel_part
from .intrinsics import load
from .table import LINE
from .weight import TILE


class Codec(NamedTuple):
    """How one state is held: in codes that are of `item`, and if it is `headed` with a header for each block."""

    item: np.dtype
    headed: bool
    grid: Callable
    decode: Callable
    encode: Callable

    @property
    def coded(self) -> bool:
        """Whether it is held in codes, and not as numbers of the weights' type."""
        return self.decode is not decode_number

    def items(self, n: int) -> int:
        """How many items `n` values take, with the headers of their blocks behind them."""
        return head_at(n, -(-n // TILE)) if self.headed else n


HEADER = 4
"""Bytes of a header."""


@kernel_part
def head_at(n, tile):
    """Bytes from the first of `n` codes, of a byte each, to the header of block number `tile`."""
    return (n + LINE - 1) // LINE * LINE + HEADER * tile


@kernel_part
def no_grid(low, high):
    """The header of blocks that have none."""
    return word(0)


@kernel_part
def decode_number(x, header):
    """What is held as it is."""
    return x


@kernel_part
def encode_number(x, header, r):
    """The same."""
    return x


INFINITY = np.float32(np.inf)
LEAST_BFLOAT16 = np.uint32(0x0080)
"""The code of the smallest normal number."""


@kernel_part
def decode_bfloat16(code, header):
    """The upper half of a float32."""
    return bits_as_float(word(word(code) << 16))


@kernel_part
def encode_bfloat16(x, header, r):
    """The random word's upper half, added to the half that is cut off, carries over with the right probability.

    What is finite does not become infinite.
    """
    bits = bits_of(x)
    code = word(word(bits + word(r >> 16)) >> 16)
    if word(bits & 0x7FFFFFFF) > INFINITE:
        code = word(0x7FC0)
    return word(code - 1) if word(code & 0x7FFF) == 0x7F80 and abs(x) < INFINITY else code


@kernel_part
def encode_bfloat16_positive(x, header, r):
    """As of any sign, but what is not 0 does not become 0, and what is too large becomes infinite."""
    bits = bits_of(x)
    code = word(0x7FC0) if word(bits & 0x7FFFFFFF) > INFINITE else word(word(bits + word(r >> 16)) >> 16)
    return word(max(code, LEAST_BFLOAT16)) if x > 0 else code


@kernel_part
def round_to_bfloat16(x, header, r):
    """The nearest, of two as near the even one."""
    bits = bits_of(np.float32(x))
    code = word(word(bits + word(0x7FFF + word(word(bits >> 16) & 1))) >> 16)
    return word(0x7FC0) if word(bits & 0x7FFFFFFF) > INFINITE else code


@kernel_part
def decode_float16(code, header):
    """The number with these bits."""
    return half_as_float(code)


@kernel_part
def round_to_float16(x, header, r):
    """The nearest, of two as near the even one; what is too large becomes infinite."""
    return float16_of(np.float32(x), False, word(0))


@kernel_part
def encode_float16(x, header, r):
    """Up or down as the random word says; what is too large becomes infinite."""
    return float16_of(np.float32(x), True, r)


@kernel_part
def float16_of(x, chance, r):
    """The bits of the float16 for a float32: what its fraction has more is cut off, and decides with a word."""
    bits = bits_of(x)
    size, sign = signed(bits & 0x7FFFFFFF), word(word(bits >> 16) & 0x8000)
    # Of a denormal the fraction moves on by what its exponent is below the least.
    small = size < 0x38800000
    places = min(signed(126 - signed(size >> 23)), signed(31)) if small else signed(13)
    whole = signed(signed(size & 0x7FFFFF) | 0x800000) if small else signed(size - 0x38000000)
    kept = signed(shifted(whole, places))
    half = signed(signed(1 << signed(places - 1)) - 1 + signed(kept & 1))
    more = signed(word(r) & word(signed(signed(1 << places) - 1))) if chance else half
    code = min(signed(shifted(signed(whole + more), places)), signed(0x7C00))
    code = signed(0x7C00) if size >= 0x47800000 else code
    code = signed(0x7E00) if size > INFINITE else code
    return word(word(code) | sign)


NAN = np.float32(np.nan)
LARGEST = np.int32(0x7F7FFFF0)
"""The bits of the largest scale: nearly the largest number, and the last four bits are free."""

# A root of 127 steps, with its sign: x = k * abs(k) / 127**2 of the block's largest. Its steps become finer towards
# 0, as the largest do not, where a mean of gradients stands over the root of a small mean of squares.

STEPS = np.float32(127.0)
LEAST_ROOT = np.int32(0x0D800000)
"""The bits of the least scale: 127**2 over 2**-100 is finite."""


@kernel_part
def grid_root(low, high):
    return word(min(max(high, LEAST_ROOT), LARGEST))


@kernel_part
def decode_root(code, header):
    k = np.float32(signed(signed(word(code) ^ 128) - 128))
    x = k * abs(k) * (bits_as_float(header) / (STEPS * STEPS))
    return NAN if code == 128 else x


@kernel_part
def encode_root(x, header, r):
    finite = abs(x) < INFINITY  # a float64 may be so, and yet be beyond float32
    x = np.float32(x)
    y = min(abs(x) * (STEPS * STEPS / bits_as_float(header)), STEPS * STEPS)
    k = np.float32(signed(sqrt(y if finite else np.float32(0.0))))
    step = k + k + np.float32(1.0)  # from k**2 to (k + 1)**2
    if y - k * k > np.float32(signed(word(r >> 8))) * np.float32(2.0**-24) * step:
        k += np.float32(1.0)
    code = word(signed(-k if x < np.float32(0.0) else k) & 0xFF)
    return code if finite else word(128)


# A float without sign whose fraction has as many bits as the block's range leaves: the code c from 1 to 254 is the
# float32 with the bits of 1 less (254 - c) * 2**shift, times the scale. The shift, of 5 to 20, stands in the last four
# bits of the scale. At 20, 8 steps for each power of two, 254 codes reach down to 2**-31.6; what is smaller than that
# becomes code 1, never 0. Code 255 is infinite: a square too large for a float32 leaves its weight where it is. What is
# NaN or negative becomes so, too; a NaN has made its weight NaN already.

ONE = np.int32(0x3F800000)
FOUR, QUARTER = np.float32(4.0), np.float32(0.25)
LOWEST, TOP = np.int32(1), np.int32(254)
LEAST_FLOAT = np.int32(0x05000000)
"""The bits of the least scale: 2**-31.6 of 2**-117 is still a number."""


@kernel_part
def grid_float(low, high):
    scale = min(max(word(high + 15) & 0xFFFFFFF0, LEAST_FLOAT), LARGEST)
    reach = ONE - signed(bits_of(bits_as_float(word(low)) / bits_as_float(word(scale))))
    # The least shift from 5 on, up to 20, with reach <= 253 << shift: 253 has 8 bits, and reach, which its exponent
    # tells, 8 more than the shift, or one less than that.
    shift = min(max(signed(bits_of(np.float32(max(reach, 1))) >> 23) - (127 + 7), 5), 20)
    if shift < 20 and reach > signed((TOP - 1) * signed(1 << shift)):
        shift += 1
    return word(scale + (shift - 5))


@kernel_part
def parts_float(header):
    """Scale and shift."""
    return bits_as_float(word(header & 0xFFFFFFF0)), signed((header & 15) + 5)


@kernel_part
def decode_float(code, header):
    scale, shift = parts_float(header)
    x = bits_as_float(word(ONE - signed((TOP - signed(code)) * signed(1 << shift)))) * scale
    if code == 0:
        return np.float32(0.0)
    return INFINITY if code == 255 else x


@kernel_part
def encode_float(x, header, r):
    scale, shift = parts_float(header)
    bits = bits_of(np.float32(x) * (FOUR / scale) * QUARTER)  # 1 / scale could be denormal, which becomes 0
    above = signed(word(bits - word(ONE - TOP * signed(1 << shift))))
    above = signed(signed(max(above, 0)) + signed(shifted(r, signed(32 - shift))))
    code = word(min(max(shifted(above, shift), LOWEST), TOP))
    code = word(255) if bits >= INFINITE else code  # infinite, NaN or negative
    return word(0) if x == 0 else code


BFLOAT16 = Codec(np.dtype(np.uint16), False, no_grid, decode_bfloat16, encode_bfloat16)
POSITIVE = Codec(np.dtype(np.uint16), False, no_grid, decode_bfloat16, encode_bfloat16_positive)
WEIGHTS = {
    (1, False): Codec(np.dtype(np.uint16), False, no_grid, decode_float16, round_to_float16),
    (1, True): Codec(np.dtype(np.uint16), False, no_grid, decode_float16, encode_float16),
    (2, False): Codec(np.dtype(np.uint16), False, no_grid, decode_bfloat16, round_to_bfloat16),
    (2, True): BFLOAT16,
}
"""How weights of 16 bits are held: by which of NARROW_TYPES they are, from 1 on, and whether chance rounds them."""
ROOT = Codec(np.dtype(np.uint8), True, grid_root, decode_root, encode_root)
FLOAT = Codec(np.dtype(np.uint8), True, grid_float, decode_float, encode_float)


def as_numbers(dtype: np.dtype) -> Codec:
    """The codec of what is held as numbers of `dtype`: decoding is a load."""
    return Codec(dtype, False, no_grid, decode_number, encode_number)


def decoder(codecs):
    """The function `(codes, headers)` that decodes a tuple of codes, of which each that is coded has a header."""
    if not codecs:
        return jitable(lambda codes, headers: ())
    first, rest = codecs[0].decode, decoder(codecs[1:])
    if not codecs[0].coded:
        return jitable(lambda codes, headers: (codes[0],) + rest(codes[1:], headers))

    @jitable
    def decoded(codes, headers):
        return (first(codes[0], headers[0]),) + rest(codes[1:], headers[1:])

    return decoded


def header_loader(codecs):
    """The function `(addresses, head)` that gives the header of a block of each state, `head` bytes behind the first
    code; 0 where there are none."""
    if not codecs:
        return jitable(lambda addresses, head: ())
    rest = header_loader(codecs[1:])
    if not codecs[0].headed:
        return jitable(lambda addresses, head: (word(0),) + rest(addresses[1:], head))
    return jitable(lambda addresses, head: (load(addresses[0] + head, np.uint32),) + rest(addresses[1:], head))


@kernel_part
def extended(low, high, x):
    """The bits of the least non-zero and the largest finite magnitude of a block, with `x` taken in.

    A float64 below what float32 can hold has the bits of 0, and is not 0.
    """
    bits = signed(bits_of(x) & 0x7FFFFFFF)
    return min(low, INFINITE if x == 0 else bits), max(high, bits if bits < INFINITE else signed(0))


def random_of(stochastic):
    """The function `(key, i)` for the random words of a tile, or what takes their place to round to the nearest."""
    return random_word if stochastic else jitable(lambda key, i: word(0x80000000))
