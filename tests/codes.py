"""The codecs of small state, written a second time: NumPy, float64, values where the library has bits.

`neighbours(values, kind)` says what each value may become and with what chance, `reach(values, kind, rounding)` how
far from it that may be. A kind is "bfloat16", "root" or "float". Values stand in one dimension, as the weights of one
array do in memory, and are cut into blocks of 256; they are exact, as the rule made them. `SLACK` is what the float32
arithmetic of the library adds to all of it.
"""

from typing import NamedTuple

import numpy as np

BLOCK = 256
LEAST, LARGEST = {"root": 2.0**-100, "float": 2.0**-117}, (2.0**24 - 16) * 2.0**104
"""What the scale of a block stays between."""

SLACK = 2.0**-21
"""Of a value: putting it into a code and taking it out again takes the float32 product with the inverse of the scale
and the product with the scale, each with a rounding of its factor: four of at most 2**-24, but for the inverse of a
scale beyond 2**126, which is a denormal, of 2**-22. Together less than 2**-21."""


class Neighbours(NamedTuple):
    """The representable values below and above each value, equal where it is one, and the chance of the upper one."""

    low: np.ndarray
    high: np.ndarray
    chance: np.ndarray


def neighbours(values: np.ndarray, kind: str, nudge: float = 0.0) -> Neighbours:
    """What stochastic rounding may make of values; `nudge` multiplies them by 1 + nudge once blocks are measured.

    What is lost is NaN, or of a float infinite, in both and has chance 0. A value that no code stands below or above,
    or that is held exactly, has equal neighbours and chance 0.
    """
    parts = [_block(block, kind, nudge) for block in _blocks(values)]
    return Neighbours(*map(np.concatenate, zip(*parts, strict=True)))


def reach(values: np.ndarray, kind: str, rounding: str = "stochastic") -> np.ndarray:
    """The largest error that rounding a value may make: what the documentation promises, without `SLACK`."""
    found = np.concatenate([_width(block, kind) for block in _blocks(values)])
    return found if rounding == "stochastic" else found / 2


def float32(values: np.ndarray) -> np.ndarray:
    """The values as float32 holds them, beyond its range infinite, as float64."""
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(np.float32).astype(np.float64)


def scale_of(block: np.ndarray, kind: str) -> float:
    """The number in the header of a block, which a root and a float are multiplied by."""
    x = np.abs(float32(block))
    high = x[np.isfinite(x)].max(initial=0.0)
    if kind == "float" and high > 0:
        unit = 2.0 ** (np.frexp(high)[1] - 20)  # of 24 bits, those that the shift leaves
        high = np.ceil(high / unit) * unit
    return min(max(high, LEAST[kind]), LARGEST)


def shift_of(block: np.ndarray) -> int:
    """Of a float, how many of the last bits of a float32 a step takes: as few as reach down to the least value."""
    x = np.abs(float32(block[block != 0]))
    x = x[np.isfinite(x)]
    least = float32(x.min() / scale_of(block, "float")) if x.size else np.float64(1)
    return next((shift for shift in range(5, 20) if depth(least) <= 253 * 2.0**shift), 20)


def depth(x: np.ndarray) -> np.ndarray:
    """How many float32 numbers stand between 1 and x, with fractions, positive below 1; very many for 0."""
    fraction, exponent = np.frexp(x)
    return np.where(x == 0, 2.0**30, -(2.0**23) * (2 * fraction - 1 + exponent - 1))


def undepth(d: np.ndarray) -> np.ndarray:
    """The number that stands so many float32 numbers below 1."""
    exponent = np.floor(-d / 2.0**23)
    return (1 - d / 2.0**23 - exponent) * 2.0**exponent


def _blocks(values):
    return [values[k : k + BLOCK] for k in range(0, values.size, BLOCK)]


def _block(block, kind, nudge):
    x = float32(block) * (1 + nudge)
    size = np.abs(x)
    with np.errstate(invalid="ignore", over="ignore"):
        low, high, chance = {"bfloat16": _bfloat16, "root": _root, "float": _float}[kind](size, block)
    exact = low == high
    lost = {"bfloat16": np.isnan(x), "root": ~np.isfinite(block), "float": ~np.isfinite(x) | (block < 0)}[kind]
    what = np.inf if kind == "float" else np.nan
    down = np.where(lost, what, np.where(x < 0, -high, low))
    up = np.where(lost, what, np.where(x < 0, -low, high))
    return down, up, np.where(lost | exact, 0.0, np.where(x < 0, 1 - chance, chance))


def _bfloat16(size, block):
    unit = 2.0 ** (np.maximum(np.frexp(size)[1] - 1, -126) - 7)
    below = np.floor(size / unit)
    chance = size / unit - below
    high = np.where(chance > 0, below + 1, below) * unit
    most = (2 - 2.0**-7) * 2.0**127
    low, high = (np.where(np.isinf(block), np.inf, np.minimum(each, most)) for each in (below * unit, high))
    return low, high, np.where(low == high, 0, chance)


def _root(size, block):
    scale = scale_of(block, "root")
    y = size / scale * 127**2
    k = np.minimum(np.floor(np.sqrt(y)), 127)
    upper = np.minimum(np.where(y > k * k, k + 1, k), 127)
    return k * k / 127**2 * scale, upper * upper / 127**2 * scale, (y - k * k) / (2 * k + 1)


def _float(size, block):
    scale, cell = scale_of(block, "float"), 2.0 ** shift_of(block)
    code = np.clip(254 - depth(size / scale) / cell, 1, 254)
    below = np.floor(code)
    low, high = (undepth((254 - c) * cell) * scale for c in (below, np.ceil(code)))
    zero = block == 0
    return np.where(zero, 0, low), np.where(zero, 0, high), np.where(zero, 0, code - below)


def _width(block, kind):
    size = np.abs(float32(block))
    if kind == "bfloat16":
        return np.maximum(2.0**-7 * size, 2.0**-133 * (size > 0))
    scale = scale_of(block, kind)
    if kind == "root":
        return (2 * np.sqrt(size / scale) + 1 / 127) / 127 * scale * (size > 0)
    shift = shift_of(block)
    least = undepth(253 * 2.0**shift) * scale
    return np.where(block == 0, 0, np.maximum(2.0 ** (shift - 23) * size, least - size))
