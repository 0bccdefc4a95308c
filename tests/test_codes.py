"""What small state makes of a value: one of its neighbours, and which of them decides the nearness or a fair chance."""

from functools import cache

import numpy as np
import pytest
from codes import SLACK, neighbours, reach
from conftest import INTERPRETED, SIMULATED, SLOW
from holders import BITS, assert_neighbours, every_kind, held, holder, spread

WORST = {1: 2.0**-18, 0.9: 2.0**-10, 0.5: 2.0**-7, 0.1: 2.0**-6, 1e-3: 2.0**-4, 1e-6: 1 / 8, 1e-8: 1 / 8, 1e-9: 1 / 8}
"""The largest relative error of a float by what the least value of a block is of its largest: of the 254 codes, 253
steps of 2**k float32 numbers have to reach from one to the other, and a step is at most 2**(k - 23) of what it is
added to. A doubling is 2**23 numbers: from 1 to 0.9 are a fifth of that, 253 steps of 2**13 / 1.24, hence k = 13."""

BLOCKS = 2 if SIMULATED else 4 if INTERPRETED else 100

every_rounding = pytest.mark.parametrize("rounding", ["stochastic", "nearest"])
every_ratio = pytest.mark.parametrize("ratio", list(WORST)[::3] if SIMULATED else list(WORST))


@cache
def values_and_found(device, rounding, kind, ratio):
    """Values that span a ratio in each block, and what the state makes of them."""
    values = spread(kind, ratio, BLOCKS)
    return values, held(device, values, kind, rounding=rounding)


@every_ratio
@every_kind
@every_rounding
def test_a_value_becomes_one_of_its_neighbours(device, rounding, kind, ratio):
    values, found = values_and_found(device, rounding, kind, ratio)
    assert_neighbours(found, values, kind)
    if rounding == "nearest":
        low, high, _ = neighbours(values, kind)
        nearer = np.minimum(values - low, high - values)
        assert (abs(found - values) <= nearer + SLACK * np.maximum(abs(found), abs(values))).all()


@every_ratio
@every_kind
@every_rounding
def test_the_error_stays_within_what_is_promised(device, rounding, kind, ratio):
    values, found = values_and_found(device, rounding, kind, ratio)
    size, share = np.abs(values.astype(np.float64)), 1 if rounding == "stochastic" else 0.5
    error = abs(found - values)
    largest = np.repeat(size.reshape(-1, 256).max(1), 256)
    promised = {
        "bfloat16": 2.0**-7 * size,
        "root": (2 * np.sqrt(size / largest) + 1 / 127) / 127 * largest,
        "float": WORST[ratio] * size,
    }[kind]
    assert (error <= share * promised + SLACK * size).all()
    assert (reach(values, kind) <= promised * (1 + SLACK)).all()
    if ratio < 1 and not SLOW:
        assert (error > share * promised / 2).any()  # it promises no more than it has to


@every_kind
def test_rounding_to_the_nearest_is_the_same_whenever_and_with_every_seed(device, kind):
    values = spread(kind, 1e-3, 1 if SLOW else 3, seed=3)
    every = [held(device, values, kind, 2, rounding="nearest", seed=seed) for seed in (0, 1)]
    assert (np.concatenate(every) == every[0][0]).all()
    by_chance = [held(device, values, kind, 2, seed=seed) for seed in (0, 1)]
    assert not (np.concatenate(by_chance) == by_chance[0][0]).all(1)[1:].any()


@every_kind
@every_ratio
def test_rounding_to_the_nearest_keeps_the_order(device, kind, ratio):
    values = np.sort(spread(kind, ratio, 1 if SLOW else 40, seed=4).reshape(-1, 256))
    found = held(device, values.ravel(), kind, rounding="nearest").reshape(-1, 256)
    assert (np.diff(found) >= 0).all()


@every_kind
@every_ratio
def test_what_rounding_to_the_nearest_made_it_keeps(device, kind, ratio):
    """A float keeps it from the second time on.

    The largest value of a block may become less than it was, where all are within a thousandth, and the scale with it;
    and the least, where it has come to stand on the first code, may seem a hair below it and take steps twice as long.
    """
    values = spread(kind, ratio, BLOCKS, seed=5)
    once = held(device, values, kind, rounding="nearest").astype(np.float32)
    twice = held(device, once, kind, rounding="nearest").astype(np.float32)
    if kind == "float":
        assert (abs(twice - once) <= reach(once, kind) / 2 + SLACK * once).all()
        once, twice = twice, held(device, twice, kind, rounding="nearest")
    assert (once == twice).all()


def test_small_state_is_as_small_as_it_says(device):
    """What the tests of this file are about, and no float32."""
    values = spread("float", 0.5, 10)
    sizes = {kind: holder(device, values, kind).nbytes for kind in BITS}
    assert sizes == {"bfloat16": 2 * values.size, "root": values.size + 64, "float": values.size + 64}
