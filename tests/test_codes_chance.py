"""Rounding by chance: the mean is the value, a slow decay is followed, and no two roundings share a random word.

The seeds are fixed, so that a test of chance fails for ever or never. Each says how small the chance was that it would
fail for codes and words that are right.
"""

from itertools import product
from math import log, sqrt

import numpy as np
import pytest
from codes import SLACK, neighbours
from conftest import INTERPRETED, SIMULATED, SLOW, for_maintainers
from holders import every_kind, held, holder, spread, state_of

import fastadapt as fa
from fastadapt.kernels import codecs as storage
from fastadapt.kernels.bits import INFINITE

CODECS = {"bfloat16": storage.BFLOAT16, "root": storage.ROOT, "float": storage.FLOAT}
WORDS = 2**32


@every_kind
@pytest.mark.parametrize("ratio", [1, 0.5, 1e-3, 1e-8])
def test_over_all_random_words_the_mean_is_the_value(kind, ratio):
    """What a codec makes of a value is counted over all 2**32 words, by the word at which one becomes the other.

    A chance is a multiple of 2**-24 at the coarsest, or without rest; the arithmetic is that of float32.
    """
    codec, values = CODECS[kind], spread(kind, ratio, 1)
    header, words = _header(codec, values), np.random.default_rng(0).integers(WORDS, size=8).tolist()
    tests = [*values[:12], values[200]]
    if kind == "root":
        tests += [values[7] / np.float32(127**2) * np.float32(part) for part in (0.9, 0.1, 0.003)]  # below a step
    for x in tests:
        codes = [codec.encode(x, header, r) for r in (0, WORDS - 1)]
        first, last = (float(codec.decode(found, header)) for found in codes)
        change = _first_word(lambda r, x=x, codes=codes: codec.encode(x, header, r) != codes[0])
        mean = (change * first + (WORDS - change) * last) / WORDS
        assert abs(mean - x) <= SLACK * abs(float(x)) + 2.0**-23 * abs(last - first)
        assert [codec.encode(x, header, r) for r in words] == [codes[r >= change] for r in words]


def _header(codec, values):
    """The header that a codec makes for a block."""
    low, high = INFINITE, 0
    for x in values:
        low, high = storage.extended(low, high, x)
    return codec.grid(low, high)


def _first_word(changed):
    """The first random word for which `changed`, and then stays so; how many words there are if there is none."""
    low, high = 0, WORDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if changed(middle) else (middle + 1, high)
    return low


@every_kind
def test_the_mean_of_many_roundings_is_the_value(device, kind):
    """By Bernstein's inequality for each of 256 values, by Hoeffding's for all together; a chance of 1e-9 in all.

    Of n roundings between neighbours a cell apart, of a value at a share c of it, the mean is off by more than
    sqrt(2 c (1-c) L / n) + L / (3 n) of the cell with a chance of at most 2 exp(-L).
    """
    values = spread(kind, 1e-3, 1, seed=2)
    if kind == "root":
        values[:3] = values[7] / 127**2 * np.array([0.9, 0.3, 0.05])  # below the least step
    copies, steps = (8, 2) if SIMULATED else (64, 2) if INTERPRETED else (1000, 8)
    found = held(device, np.tile(values, copies), kind, steps=steps).reshape(-1, 256)
    low, high, chance = neighbours(values, kind)
    cell = np.where(high == low, 1, high - low)
    off = ((found - values) / cell).mean(0)
    n, slack, limit = len(found), SLACK * np.maximum(abs(low), abs(high)) / cell, log(2 * 257 / 1e-9)
    assert (abs(off) <= np.sqrt(2 * chance * (1 - chance) * limit / n) + limit / (3 * n) + slack).all()
    assert abs(off.mean()) <= sqrt(limit / (2 * n * 256)) + slack.mean()


@every_kind
def test_a_slow_decay_is_followed_by_chance_and_missed_by_the_nearest(device, kind):
    """Within seven standard deviations of the mean of many weights' ways: 3e-12, by the normal law.

    s becomes b * s, rounded in a cell w: E s is b**t, and a step adds at most E w**2 / 4 to the variance. In a
    bfloat16 and a float, w is at most c s, c = 2**-7 or 2**-6 (WORST in test_codes.py, for 0.5 of the largest or a
    little less), so that E s**2 <= b**2 E s**2 (1 + c**2 / 4). In a root, whose largest is 1 here, w**2 is at most
    (2 sqrt(s) + 1 / 127)**2 / 127**2 <= (8 s + 2 / 127**2) / 127**2.
    """
    if SIMULATED and device.name == "cuda":
        pytest.skip("so many steps of so many weights take minutes there")
    blocks, steps = (4, 200) if INTERPRETED else (400, 300)
    start, b = np.float32(0.7), 1 - 2.0**-10
    values = np.full(blocks * 256, start)
    values[::256] = 1
    mean, square = float(start), float(start) ** 2
    for _ in range(steps):
        mean *= b
        c = 2.0**-7 if kind == "bfloat16" else 2.0**-6
        more = (8 * mean + 2 / 127**2) / 127**2 / 4 if kind == "root" else b**2 * square * c**2 / 4
        square = b**2 * square + more
    limit = 7 * sqrt((square - mean**2 + c**2 / 4) / (blocks * 255)) + steps * SLACK
    assert limit < (start - mean) / 3
    followed, stuck = (_decayed(device, values, b, kind, steps, each) for each in ("stochastic", "nearest"))
    assert abs(followed[values < 1].mean() - mean) <= limit
    assert (stuck == held(device, values, kind, rounding="nearest")).all()


def _decayed(device, values, b, kind, steps, rounding):
    """The state after it was made `values`, and then for so many steps b times what it was; the largest stay."""
    opt, b = holder(device, np.zeros_like(values), kind, rounding=rounding), np.where(values == 1, 1, b)
    opt.step(device.array(values))
    for _ in range(steps):
        opt.step(device.array((b * state_of(device, opt)).astype(np.float32)))
    return state_of(device, opt)


class HoldsThree(fa.Optimizer):
    """Its states are the gradient, the weight, which is never negative, and the gradient: in 8 bits both kinds."""

    nonnegative = ("u",)

    @staticmethod
    def coefficients(t):
        return ()

    @staticmethod
    def update(p, g, s, u, w, /):
        return p, g, p, g


SEEDS = [0, 1, 2**32 - 1]
LAGS = [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128]


@pytest.mark.parametrize("bits", [8] if SIMULATED else [8, *for_maintainers(16)])
def test_no_two_roundings_share_a_random_word(device, bits):
    """Of each tile, 255 values in the middle of a cell go up or down, for seeds, arrays, steps, tiles and states.

    By Hoeffding's inequality, the signs of two tiles agree or differ more often than they should by
    sqrt(2 * 255 * L) with a chance of at most 2 exp(-L), and those of weights so far apart in their tiles likewise;
    by chance 1e-9 in all.
    """
    count, tiles, seeds = (2, 2, SEEDS[: 1 if SIMULATED else 2]) if SLOW else (3, 3, SEEDS)
    root, size = (_middle("bfloat16" if bits == 16 else kind, tiles) for kind in ("root", "float"))
    signs = []
    for seed in seeds:
        params, grads = ([device.array(x.copy()) for _ in range(count)] for x in (size, root))
        opt = HoldsThree(params, state_bits=bits, min_quantized_size=0, seed=seed)
        for _ in range(count):
            opt.step(grads)
            for name, k in product("suw", range(count)):
                up = device.numpy(opt.state[name][k]) > (size if name == "u" else root)
                signs += [*np.where(up, 1, -1).reshape(-1, 256)[:, 1:]]
    signs = np.array(signs)
    assert len(signs) == len(seeds) * count**2 * 3 * tiles
    together = signs @ signs.T
    pairs = together[np.triu_indices(len(signs), 1)]
    limit = log(2 * (pairs.size + len(LAGS) + 255) / 1e-9)
    assert abs(pairs).max() <= sqrt(2 * 255 * limit)
    for lag in LAGS:
        product_of = signs[:, lag:] * signs[:, :-lag]
        assert abs(product_of.sum()) <= sqrt(2 * product_of.size * limit)
    assert abs(signs.sum(0)).max() <= sqrt(2 * len(signs) * limit)


def _middle(kind, tiles):
    """Blocks of values in the middle of a cell, and a 1 in each, which is held exactly."""
    block = np.full(256, 0.6)
    block[0] = 1
    low, high, _ = neighbours(block, kind)
    return np.tile((low + high) / 2, tiles).astype(np.float32)
