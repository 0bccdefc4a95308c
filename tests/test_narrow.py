"""Weights of 16 bits: with masters of float32 to the bit what float32 weights become, rounded; without, by chance."""

import copy
import pickle

import numpy as np
import pytest
from catalogue import ADAM, CASES, IDS
from conftest import for_maintainers
from layouts import LAYOUTS, SIZE, bits

import fastadapt as fa
from fastadapt.layout import BFLOAT16, narrowed, widened

F16 = np.float16


def numbers(shape, seed, dtype=F16):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


FIRST = next(name for name in IDS if name.startswith("SGD"))
EVERY = [
    pytest.param(*case, id=name, marks=() if name == FIRST else pytest.mark.maintainer)
    for case, name in zip(CASES, IDS, strict=True)
]


@pytest.mark.parametrize(("cls", "hyper"), EVERY)
def test_every_rule_steps_as_with_float32_weights_and_rounds_them(cls, hyper):
    p = numbers(300, 0)
    q = p.astype(np.float32)
    opt, other = cls([p], **hyper), cls([q], **hyper)
    for t in range(4):
        g = numbers(300, t + 1)
        opt.step([g])
        other.step([g])
        assert bits(p) == bits(q.astype(F16)) or cls.sums_after
    master, sums = opt.state["master"][0], cls.sums_after
    if sums:  # which a loop over float32 alone adds in another order
        np.testing.assert_allclose(master, q, rtol=1e-5)
        return
    assert bits(master) == bits(q)
    for name, state in other.state.items():
        assert bits(opt.state[name][0]) == bits(state[0])
    assert opt.scalars == other.scalars


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("hyper", [{}, *for_maintainers({"state_bits": 16}, {"state_bits": 8})], ids=["32", "16", "8"])
def test_any_layout_and_width_of_state(name, hyper):
    base = numbers(SIZE, 0)
    p = LAYOUTS[name](base)
    wanted, q = base.copy(), np.empty(p.shape, np.float32)
    if p.flags.f_contiguous and not p.flags.c_contiguous:
        q = np.empty(p.shape, np.float32, order="F")
    q[...] = p
    opt, other = (fa.Adam(each, **ADAM, **hyper, min_quantized_size=1) for each in (p, q))
    same = opt._batches[0].steps == other._batches[0].steps
    for t in range(2):
        g = numbers(p.shape, t + 1)
        opt.step(g, max_norm=0.5)
        other.step(g, max_norm=0.5)
    LAYOUTS[name](wanted)[...] = p
    assert bits(base) == bits(wanted)
    if not hyper:
        assert bits(p) == bits(q.astype(F16))
    elif same and hyper["state_bits"] == 8:
        np.testing.assert_allclose(p.astype(np.float32), q, atol=0.05)


def test_a_weight_that_the_user_changed_counts_and_others_keep_their_master():
    p = np.ones(3, F16)
    opt = fa.SGD(p, lr=1.0)
    small = np.full(3, 1e-4, np.float32)
    for _ in range(4):
        opt.step(small)
    assert bits(p) == bits(np.float32([1 - 4e-4] * 3).astype(F16))
    p[1] = 2
    opt.step(small)
    np.testing.assert_allclose(opt.state["master"], [1 - 5e-4, 2 - 1e-4, 1 - 5e-4], rtol=1e-6)
    opt.zero_state()
    opt.step(np.zeros(3))
    assert bits(opt.state["master"]) == bits(p.astype(np.float32))


def test_without_masters_a_step_moves_by_chance_and_right_on_the_average():
    p = np.ones(40_000, F16)
    opt = fa.SGD(p, lr=1e-5, masters=False)
    for _ in range(50):
        opt.step(np.ones(40_000, F16))
    assert abs(p.astype(np.float64).mean() - (1 - 5e-4)) < 2e-5
    assert 0 < (p == 1).mean() < 1
    assert opt.nbytes == 0
    assert "master" not in opt.state
    still = np.ones(1000, F16)
    fa.SGD(still, lr=1e-5, masters=False, rounding="nearest").step(np.ones(1000, F16))
    assert (still == 1).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_chance_is_that_of_the_seed(seed):
    runs = []
    for _ in range(2):
        p = np.ones(1000, F16)
        opt = fa.SGD(p, lr=1e-4, masters=False, seed=seed)
        opt.step(np.ones(1000, F16))
        runs.append(bits(p))
    p = np.ones(1000, F16)
    fa.SGD(p, lr=1e-4, masters=False, seed=5).step(np.ones(1000, F16))
    assert runs[0] == runs[1] != bits(p)


@pytest.mark.parametrize("masters", [True, False])
def test_bounds_hold_after_rounding(masters):
    p = np.zeros(1000, F16)
    opt = fa.SGD(p, lr=1.0, upper=0.1, lower=-1e-4, masters=masters)
    opt.step(np.full(1000, -1.0))
    assert float(p.max()) <= 0.1 < float(np.nextafter(p.max(), F16(1)))
    opt.step(np.full(1000, 1.0))
    assert float(p.min()) >= -1e-4 > float(np.nextafter(p.min(), F16(-1)))
    opt.lower = 3e-8  # between 0 and the least number
    opt.step(np.full(1000, 1.0))
    assert p.min() == F16(6e-8)


@pytest.mark.parametrize(
    "hyper", [{}, *for_maintainers({"masters": False}, {"state_bits": 8, "min_quantized_size": 1})]
)
def test_copies_and_checkpoints_go_on_to_the_bit(hyper, tmp_path):
    p, g = numbers(600, 0), numbers(600, 1)
    opt = fa.Adam({"p": p}, **hyper, average="ema")
    opt.step({"p": g})
    opt.save(tmp_path / "a.npz")
    loaded = fa.Adam({"p": p.copy()}, **hyper, average="ema")
    loaded.load(tmp_path / "a.npz")
    made = [opt, loaded, copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]
    for each in made:
        each.step({"p": g})
    assert len({bits(each.params["p"]) for each in made}) == 1


def test_averages_are_of_float32_and_take_the_weights_place_rounded():
    p = np.ones(3, F16)
    opt = fa.SGD(p, lr=1e-4, average="polyak")
    assert opt.averaged is p
    for _ in range(3):
        opt.step(np.ones(3))
    before = p.copy()
    np.testing.assert_allclose(opt.averaged, 1 - 2e-4, rtol=1e-6)
    with opt.averaged_weights():
        assert bits(p) == bits(np.float32([1 - 2e-4] * 3).astype(F16))
        np.testing.assert_allclose(opt.state_dict()["averaged"], 1 - 2e-4, rtol=1e-6)
    assert bits(p) == bits(before)
    np.testing.assert_allclose(opt.averaged, 1 - 2e-4, rtol=1e-6)


def test_rates_by_weight_are_of_float32_and_bounds_by_weight_are_refused():
    p = np.zeros(2, F16)
    fa.SGD(p, lr=1.0, per_weight={"lr": np.float32([0, 1])}).step(np.ones(2))
    assert p.tolist() == [0, -1]
    with pytest.raises(TypeError, match="float32, as a step computes for params, not float16"):
        fa.SGD(p, per_weight={"lr": np.ones(2, F16)})
    with pytest.raises(ValueError, match="expected none for params, of float16"):
        fa.SGD(p, per_weight={"upper": np.ones(2, np.float32)})


def test_masters_are_refused_where_they_have_no_meaning():
    with pytest.raises(ValueError, match="expected parameters of 16 bits with masters=False"):
        fa.Adam(np.zeros(3), masters=False)
    with pytest.raises(ValueError, match=r"groups\['b'\]: Adam: expected parameters of 16 bits"):
        fa.Adam({"a": np.zeros(3, F16), "b": np.zeros(3)}, groups={"b": {"masters": False}})
    opt = fa.Adam(np.zeros(3, F16))
    with pytest.raises(ValueError, match="masters to stay True"):
        opt.masters = False
    with pytest.raises(TypeError, match="masters to be True or False"):
        fa.Adam(np.zeros(3, F16), masters=1)


def test_what_is_too_large_becomes_infinite_and_nan_stays():
    p = np.float16([65504, -65504, np.nan, 1])
    fa.SGD(p, lr=1.0).step(np.float32([-100, 100, 0, 0]))
    assert p[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(p[2])
    assert p[3] == 1


def test_rounding_is_to_the_nearest_of_two_as_near_the_even_one():
    x = np.random.default_rng(0).integers(0, 2**32, 10_000, dtype=np.uint32).view(np.float32)
    x = np.append(
        x[np.isfinite(x)], np.float32([0.0, -0.0, 65519.9, 65520, 6e-8, 2.9e-8, 3e-8, 1 + 2**-11, 1 + 3 * 2**-11])
    )
    p = np.zeros(x.size, F16)
    fa.SGD(p, lr=1.0).step(-x)
    with np.errstate(over="ignore"):
        expected = x.astype(F16)
    np.testing.assert_array_equal(p, expected)
    codes = narrowed(x, BFLOAT16)
    near = widened(codes)
    assert (abs(near - x) <= abs(x) * 2**-8 + 1e-40)[np.isfinite(near)].all()
