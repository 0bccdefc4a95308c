"""What small state makes of values at the edge of float32 and beyond, and of blocks at the edge of an array."""

import numpy as np
import pytest
from conftest import SIMULATED, SLOW, for_maintainers
from holders import BITS, Holds, HoldsSizes, assert_neighbours, every_kind, held, holder, spread, state_of

MOST = float(np.finfo(np.float32).max)
DENORMAL = 2.0**-149
TINY = 2.0**-126
"""The least number that is not denormal; smaller ones may become 0."""
LEAST_OF_FLOAT = 1.375 * 2.0**-32
"""The first code of a float at its longest steps: 253 * 2**20 float32 numbers below 1."""

RANDOM = np.random.default_rng(0)
EXTREMES = {
    "zeros": np.zeros(256),
    "one weight": np.ones(256) * (np.arange(256) == 9),
    "the least denormal": np.full(256, DENORMAL),
    "denormals": DENORMAL * np.arange(256) ** 2,
    "around the least scale of a root": 2.0 ** RANDOM.uniform(-106, -95, 256),
    "around the least scale of a float": 2.0 ** RANDOM.uniform(-123, -112, 256),
    "below all scales": 2.0 ** RANDOM.uniform(-149, -118, 256),
    "one huge among tiny": np.where(np.arange(256) == 100, 1e30, 1e-10 * RANDOM.random(256)),
    "one tiny among huge": np.where(np.arange(256) == 100, 1e-30, 1e30),
    "all of float32": 2.0 ** np.linspace(-149, 127.9, 256),
    "near the largest": MOST * np.linspace(0.5, 1, 256),
    "the largest": np.full(256, MOST),
    "inverse denormal": 2.0 ** RANDOM.uniform(126, 127.999, 256),
    "equal": np.full(256, 1 / 3),
    "nearly equal": 1 + 2.0**-23 * np.arange(256),
    "powers of 2": 2.0 ** -(np.arange(256.0) % 31),
}
every_extreme = pytest.mark.parametrize("name", EXTREMES)
every_rounding = pytest.mark.parametrize("rounding", ["stochastic"] if SIMULATED else ["stochastic", "nearest"])
LOST = {"nan": np.nan, "a GPU's nan": np.uint32(0x7FFFFFFF).view(np.float32), "inf": np.inf, "-inf": -np.inf}


@every_extreme
@every_kind
@every_rounding
def test_extremes_become_one_of_their_neighbours(device, rounding, kind, name):
    values = np.tile(EXTREMES[name], 1 if SLOW else 20).astype(np.float32)
    if kind != "float":
        values *= RANDOM.choice([-1, 1], values.size)
    found = held(device, values, kind, rounding=rounding)
    assert_neighbours(found, values, kind)
    assert (found[values == 0] == 0).all()
    assert (found * values >= 0).all()
    if kind == "float":
        assert (found[values >= 4 * TINY] > 0).all()
    if kind != "bfloat16":
        assert np.isfinite(found).all()


def test_a_float_rounds_up_what_is_far_below_its_largest(device):
    for largest in (1.0, 2.0**100, 2.0**-90):
        values = largest * np.array([1, 2.0**-40, 2.0**-32, 2.0**-50, 0], np.float32)
        for rounding in ("stochastic", "nearest"):
            found = held(device, values, "float", rounding=rounding)
            least = np.where(values[1:4] < TINY, [[0], [LEAST_OF_FLOAT]], LEAST_OF_FLOAT)
            assert (found[[0, 4]] == [largest, 0]).all()
            assert (found[1:4] == largest * least).any(0).all()


def test_a_bfloat16_of_what_is_finite_is_finite(device):
    """A mean of gradients that became infinite would make NaN of its weight."""
    largest, cell = (2 - 2.0**-7) * 2.0**127, 2.0**120
    values = np.array([largest, largest + 0.4 * cell, largest + 0.6 * cell, -MOST], np.float32)
    for rounding in ("nearest", "stochastic"):
        assert held(device, values, "bfloat16", rounding=rounding).tolist() == [*[largest] * 3, -largest]


@every_kind
def test_the_sign_of_zero_stays_in_a_bfloat16_alone(device, kind):
    found = held(device, np.array([-0.0, 0.0, 1.0], np.float32), kind)
    assert found.tolist() == [0, 0, 1]
    assert np.signbit(found).tolist() == [kind == "bfloat16", False, False]


@every_rounding
@every_kind
@pytest.mark.parametrize("lost", list(LOST)[1::2] if SIMULATED else LOST)
def test_what_is_not_finite_is_lost_alone_and_for_one_step(device, lost, kind, rounding):
    """The others of its block are, to the bit, what they are beside a zero, and so are all in the next step."""
    without, places = spread(kind, 0.01, 1), [0, 3, 64, 255]
    without[places] = 0
    spoilt, nothing = without.copy(), np.full(3, LOST[lost], np.float32)
    spoilt[places] = LOST[lost]
    first, second = held(device, without, kind, steps=2, rounding=rounding)
    first[places] = {"bfloat16": LOST[lost], "root": np.nan, "float": np.inf}[kind]
    opt = holder(device, np.zeros_like(without), kind, rounding=rounding)
    for values, expected in ((spoilt, first), (without, second)):
        opt.step(device.array(values))
        np.testing.assert_array_equal(state_of(device, opt), expected)
    np.testing.assert_array_equal(held(device, nothing, kind, rounding=rounding), first[places[:3]])


def test_a_negative_value_of_a_state_said_to_be_none_is_lost_and_seen(device):
    values = spread("float", 0.01, 2)
    values[[5, 250]], values[[6, 300]] = -values[[5, 250]], [-4 * TINY, -0.0]
    found = held(device, values, "float")
    assert np.flatnonzero(np.isinf(found)).tolist() == [5, 6, 250]
    assert found[300] == 0
    assert_neighbours(found, values, "float")


@every_rounding
@every_kind
def test_the_last_block_of_an_array_has_a_header_of_its_own(device, kind, rounding):
    """Arrays side by side, so that what is written beyond the end of one is seen in the next."""
    values = [spread(kind, 0.1, 3, seed=n)[:n] for n in (1, 255, 0, 256, 257, 513, 64, 65, 511)]
    cls = HoldsSizes if kind == "float" else Holds
    params = [device.array(np.zeros_like(x)) for x in values]
    opt = cls(params, state_bits=BITS[kind], min_quantized_size=0, rounding=rounding)
    opt.step([device.array(x) for x in values])
    for x, found in zip(values, opt.state["s"], strict=True):
        if x.size:
            assert_neighbours(device.numpy(found).astype(np.float64), x, kind)


@pytest.mark.parametrize("kind", ["float", *for_maintainers("bfloat16", "root")])
def test_of_a_float64_float32_is_held(device, kind):
    """What is below its least denormal is 0, but in a float, which has no 0 for what is not."""
    values = spread(kind, 0.01, 2).astype(np.float64) * (1 + 2.0**-30)
    assert_neighbours(held(device, values, kind), values, kind)
    values[[3, 300]] = 1e-60
    found = held(device, values, kind)
    assert_neighbours(found, values, kind)
    assert (found[[3, 300]] > 0).all() if kind == "float" else (found[[3, 300]] == 0).all()


def test_a_float64_far_below_the_others_is_not_held_as_one_of_them(device):
    found = held(device, np.array([1.0, 1e-60]), "float")
    assert found[1] < 2.0**-31


@pytest.mark.parametrize("kind", ["float", *for_maintainers("bfloat16", "root")])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # where kernels run as Python
def test_a_float64_beyond_float32_is_the_largest_or_infinite_alone(device, kind):
    """A square is infinite; what has a sign is the largest that its block holds, or else its weight would be NaN."""
    values = spread(kind, 0.01, 2).astype(np.float64)
    spoilt, without = values.copy(), values.copy()
    spoilt[[3, 300]], without[[3, 300]] = 1e300, 0
    found, expected = held(device, spoilt, kind), held(device, without, kind)
    scales = [abs(expected[k : k + 256]).max() for k in (0, 256)]
    expected[[3, 300]] = {"bfloat16": (2 - 2.0**-7) * 2.0**127, "root": scales, "float": np.inf}[kind]
    np.testing.assert_array_equal(found, expected)
