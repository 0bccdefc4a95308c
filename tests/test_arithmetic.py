"""Numbers at the edge of what the weights' type holds: no NaN of finite gradients, and what is refused by name."""

import copy
import math
from decimal import Decimal, localcontext

import numba
import numpy as np
import pytest
from catalogue import ADAM, OFF_DEFAULT, OPTIMIZERS
from conftest import INTERPRETED, SIMULATED, for_maintainers
from layouts import bits
from runs import every_update
from small import STOCHASTIC, updates_and
from untouched import refused

import fastadapt as fa
from fastadapt.reference import Reference

# Without Numba, and in the simulator, NumPy's scalars tell of what overflows.
pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero):RuntimeWarning")

N = 40 if SIMULATED or INTERPRETED else 600
FINITE = [3.3e38, -3.3e38, 2e19, -2e19, 1e30, 1.0, -1.0, 1e-10, 1e-25, -1e-38, 1e-45, 0.0]
"""Squares of float32 that overflow, vanish and are denormal, and gradients that nearly overflow."""


@updates_and(STOCHASTIC)
def test_finite_gradients_never_make_nan_of_a_finite_weight(cls, hyper, device):
    rng = np.random.default_rng(0)
    zeros = [{}, {name: 0.0 for name in ("eps", "beta1") if name in cls.defaults}]
    for other in (*zeros, {name: 0.0 for name in ("beta2", "rho") if name in cls.defaults}):
        p = device.array(np.zeros(N, np.float32))
        opt, was = cls(p, **hyper | other), np.zeros(N, np.float32)
        for _ in range(12):
            opt.step(device.array(rng.choice(FINITE, N).astype(np.float32)))
            now = device.numpy(p)
            assert not np.isnan(now[np.isfinite(was)]).any()
            was = now.copy()


@pytest.mark.parametrize("storage", [{}, *STOCHASTIC], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, *for_maintainers(np.float64)])
def test_a_weight_whose_square_is_too_large_stands_still_alone(storage, dtype, device):
    """As in PyTorch. It neither moves later, nor does it move its neighbours."""
    if storage and dtype == np.float64 and SIMULATED:
        pytest.skip("float32 is enough there")
    p, q = (device.array(np.zeros(7, dtype)) for _ in range(2))
    opt, other = fa.Adam(p, **ADAM | storage), fa.Adam(q, **ADAM | storage)
    for t in range(3):
        g = np.linspace(-1, 1, 7).astype(dtype)
        usual = g.copy()
        usual[3] = 0
        g[3] = (2e19 if dtype == np.float32 else 1e160) if t == 0 else 1.0
        opt.step(device.array(g))
        other.step(device.array(usual))
    moved, usual = device.numpy(p), device.numpy(q)
    assert moved[3] == 0
    if not storage:  # in 8 bits the largest mean of a block is what the others are measured by
        assert bits(np.delete(moved, 3)) == bits(np.delete(usual, 3))
    assert np.isfinite(moved).all()


@pytest.mark.maintainer
def test_a_positive_state_of_16_bits_is_never_zero_where_it_is_not():
    p = np.zeros(4)
    opt = fa.AdaGrad(p, lr=1.0, eps=0.0, state_bits=16, min_quantized_size=0)
    opt.step(np.array([1e-30, 1e-150, 0.0, 1.0]))
    assert (opt.state["r"] > 0).tolist() == [True, True, False, True]
    before = p.copy()
    opt.step(np.array([1e-30, 1e-150, 0.0, 1.0]))
    assert (abs(p - before) <= 1).all()


FORGETFUL = [
    ("RMSProp", {"lr": 0.01, "rho": 0.0, "eps": 1e-8}, "r"),
    ("RMSProp", {"lr": 0.01, "rho": 0.0, "eps": 1e-8, "momentum": 0.5}, "r"),
    ("RMSProp", {"lr": 0.01, "rho": 0.0, "eps": 1e-8, "centered": True}, "r"),
    ("Adam", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "v"),
    ("AdamW", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "v"),
    ("AMSGrad", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "v"),
    ("NAdam", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "v"),
    ("RAdam", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "v"),
    ("Adamax", ADAM | {"beta1": 0.0, "beta2": 0.0, "eps": 1e-8}, "u"),
    ("Adadelta", {"rho": 0.0, "eps": 1e-6}, "r"),
    ("Lion", {"lr": 1.0, "beta1": 0.0, "beta2": 0.0}, "m"),
]


@pytest.mark.parametrize(("name", "hyper", "state"), FORGETFUL)
def test_a_decay_of_zero_forgets_all_but_the_last_gradient(name, hyper, state):
    p, q = np.zeros(5, np.float32), np.zeros(5)
    opt, reference = getattr(fa, name)(p, **hyper), Reference(name, q, **hyper)
    for size in (1e8, 1e3, 1e-3):
        g = np.float32(size) * np.array([1, -1, 0.5, 3, -2], np.float32)
        before, there = p.copy(), q.copy()
        opt.step(g)
        reference.step(g.astype(np.float64))
        # A step takes fewer than 14 roundings (see paths.py), and the difference of two weights two more.
        np.testing.assert_allclose(p - before, q - there, rtol=16 * 2.0**-24, atol=2.0**-23 * abs(q).max())
    np.testing.assert_allclose(opt.state[state], reference.state[state], rtol=2.0**-20)


@every_update
def test_with_an_eps_of_zero_a_gradient_of_zero_moves_nothing(cls, hyper, device):
    if "eps" not in cls.defaults:
        pytest.skip("no eps")
    start = {"initial_accumulator": 0.0} if cls is fa.AdaGrad else {}
    p = device.array(np.ones(9, np.float32))
    opt = cls(p, **hyper | {"eps": 0.0, "weight_decay": 0.0} | start)
    for _ in range(3):
        opt.step(device.array(np.zeros(9, np.float32)))
    assert device.numpy(p).tolist() == [1] * 9


@every_update
def test_an_eps_of_zero_is_none_for_gradients_of_usual_size(cls, hyper):
    if "eps" not in cls.defaults or cls is fa.Adadelta:  # which never moves without it
        pytest.skip("no eps")
    p, q = np.zeros(50, np.float32), np.zeros(50, np.float32)
    opt, other = cls(p, **hyper | {"eps": 0.0}), cls(q, **hyper | {"eps": 1e-30})
    for t in range(5):
        g = np.random.default_rng(t).standard_normal(50).astype(np.float32)
        opt.step(g)
        other.step(g)
    assert bits(p) == bits(q)
    assert abs(p).min() > 0


@pytest.mark.parametrize("cls", [fa.Adam, fa.AMSGrad, fa.NAdam, fa.RMSProp, fa.AdaGrad, fa.Adamax])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e-25), *for_maintainers((np.float64, 1e-180))])
def test_where_the_square_vanishes_the_step_is_no_larger_than_elsewhere(cls, dtype, size, device):
    for eps in (0.0, 2 * float(np.finfo(dtype).tiny)):
        p = device.array(np.zeros(3, dtype))
        opt = cls(p, lr=0.01, eps=eps)
        for _ in range(3):
            opt.step(device.array(np.full(3, size, dtype)))
        moved = np.abs(device.numpy(p))
        # 1 / (1 - beta) is the most by which the first steps of a rule without bias correction are larger
        assert (moved <= 3.01 * 0.01 / math.sqrt(1 - cls.defaults.get("rho", 0))).all()
        assert (moved > 0).all()


WEIGHTS = {np.float32: (1e-50, 1e39), np.float64: (5e-324, None)}
NUMBERS = [
    (cls, name)
    for cls in OPTIMIZERS
    for name in ("lr", "eps", "weight_decay", "max_value")
    if name in cls.defaults and name not in cls.in_common  # which a group cannot have for itself
]
NUMBERS += [(fa.AdaGrad, "initial_accumulator"), (fa.Adam, "beta1"), (fa.NAdam, "momentum_decay")]


@pytest.mark.parametrize("dtype", [np.float32, *for_maintainers(np.float64)])
@pytest.mark.parametrize(("cls", "name"), NUMBERS)
def test_what_the_weights_cannot_hold_is_refused_by_name(cls, name, dtype):
    p = np.ones(3, dtype)
    small, large = WEIGHTS[dtype]
    for value in (small, float(np.finfo(dtype).tiny) / 2, *([large] if large and name != "beta1" else [])):
        with pytest.raises(
            ValueError, match=rf"^{cls.__name__}: expected {name} to be at (least|most) .*{np.dtype(dtype)}"
        ):
            cls(p, **{name: value})
        with pytest.raises(ValueError, match=rf"^groups\['\*'\]: {cls.__name__}: expected {name} to be"):
            cls(p, groups={"*": {name: value}})
        opt = cls([p, np.ones(2, dtype)], groups={"1": {}})
        if name in {"lr", "weight_decay"} and value < 1:  # as at the end of a schedule: a step of nothing
            opt.lr = 1e-50
            setattr(opt, name, value)
            opt.step([p, np.ones(2, dtype)])
            assert p.tolist() == [1] * 3
            assert getattr(copy.deepcopy(opt), name) == value
        else:
            with refused(opt, [p], ValueError, f"{cls.__name__}: .*{name}"):
                setattr(opt, name, value)
    cls([np.ones(3), p], groups={"0": {name: 1e-50 if dtype == np.float32 else 1e-300}})  # which float64 holds


def test_a_first_coefficient_beyond_the_weights_is_refused_when_given():
    p = np.ones(3, np.float32)
    with pytest.raises(ValueError, match=r"Adam: expected coefficients .* float32.* lr=3e\+38"):
        fa.Adam(p, lr=3e38)
    opt = fa.Adam(p)
    with refused(opt, [p], ValueError, r"coefficients .* float32.* lr=3e\+38"):
        opt.lr = 3e38


@pytest.mark.parametrize("value", [1e39, -1e39, 1e-50, 1e-40])
def test_a_scale_that_the_weights_cannot_hold_is_refused_by_name(value):
    params = [np.ones(2), np.ones(2, np.float32)]
    opt = fa.SGD(params)
    with refused(opt, params, ValueError, r"step: expected scale to be at (least|most) .*float32"):
        opt.step(params, scale=value)
    fa.SGD(params[0]).step(params[0], scale=value)


def test_a_max_value_of_one_step_is_checked_as_the_hyperparameter():
    p = np.ones(2, np.float32)
    opt = fa.SGD(p)
    for value in (1e39, 1e-50):
        with refused(opt, [p], ValueError, "step: expected max_value to be at (least|most)"):
            opt.step(p, max_value=value)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
@pytest.mark.parametrize(
    ("cls", "name", "storage"),
    [(fa.Adam, "beta2", {}), (fa.Adam, "beta2", STOCHASTIC[0]), (fa.NAdam, "beta2", {}), (fa.RMSProp, "rho", {})],
)
def test_a_square_that_is_too_large_is_forgotten_where_the_decay_is_zero(cls, name, storage, dtype, size, device):
    p, q = (device.array(np.zeros(3, dtype)) for _ in range(2))
    opt, other = cls(p, lr=0.01, **{name: 0.0}, **storage), cls(q, lr=0.01, **{name: 0.0}, **storage)
    if cls is not fa.RMSProp:
        opt.beta1 = other.beta1 = 0.0
    for k, g in enumerate((size, 1.0, 1e-3)):
        opt.step(device.array(np.full(3, g, dtype)))
        other.step(device.array(np.full(3, g if k else 1.0, dtype)))
    np.testing.assert_allclose(device.numpy(p), device.numpy(q), rtol=1e-6)


def test_a_first_state_may_be_made_of_weights_of_any_size():
    class Slow(fa.SGD):
        @staticmethod
        def start(p, /):
            return (p.copy(),)

        @staticmethod
        def update(p, g, s, /, lr, momentum, a):
            return p - lr * g, s

    p = np.array([1.0, 1e-40, 3e38], np.float32)
    assert Slow(p).state["s"].tolist() == p.tolist()


def test_a_decay_that_is_beyond_the_weights_is_refused_when_given():
    with pytest.raises(ValueError, match=r"AdamW: expected coefficients .* float32"):
        fa.AdamW(np.ones(3, np.float32), lr=10.0, weight_decay=3e38)


def test_both_names_that_have_a_least_value_have_it_in_one_rule():
    functions = {
        "coefficients": lambda t, eps=0.0, least=0.0: (eps, least),
        "update": lambda p, g, /, eps, least: p + g / (eps + abs(g)) + g / max(abs(g), least),
    }
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    p = np.ones(3, np.float32)
    cls(p).step(np.zeros(3, np.float32))
    assert p.tolist() == [1] * 3


@pytest.mark.parametrize("value", [1e39, 1e-50])
def test_a_first_state_that_the_weights_cannot_hold_is_refused(value):
    class Starts(fa.Adam):
        @staticmethod
        def start(p, /):
            return np.zeros(p.shape), np.full(p.shape, value)

    with pytest.raises(ValueError, match=r'start: params\["w"\]: .*(1e\+39|1e-50)'):
        Starts({"w": np.ones(3, np.float32)})
    assert Starts(np.ones(3)).state["v"].tolist() == [value] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("max_norm", "max_value"), [(1e-3, np.inf), (1e-3, 1e38), (2.0**25, np.inf), (0.3, np.inf)])
def test_a_factor_that_float32_does_not_hold_is_applied_exactly(dtype, max_norm, max_value, device):
    g = np.random.default_rng(0).uniform(0.1, 3, N).astype(dtype) * dtype(1e38)
    p = device.array(np.zeros(N, dtype))
    opt = fa.SGD(p, lr=1.0, max_norm=max_norm)
    opt.step(device.array(g), max_value=max_value)
    clipped = np.minimum(g.astype(np.longdouble), max_value)
    want = -clipped * (np.longdouble(max_norm) / np.sqrt((clipped * clipped).sum()))
    # Three roundings in the weights' type, and the norm's sum in float64.
    rtol = 3 * np.finfo(dtype).eps + 8 * np.finfo(np.float64).eps
    np.testing.assert_allclose(device.numpy(p), want.astype(np.float64), rtol=rtol)
    assert opt.grad_norm > 1e38


@pytest.mark.parametrize("power", range(-125, -90, 3))
def test_no_scale_makes_a_finite_gradient_infinite(power):
    p = np.zeros(3, np.float32)
    fa.SGD(p, lr=1.0).step(np.full(3, 2.0**127, np.float32), scale=2.0**power)
    assert p.tolist() == [-(2.0 ** (127 + power))] * 3


def length(t, beta2):
    """RAdam's length of the average, to fifty digits."""
    with localcontext() as context:
        context.prec = 60
        b = Decimal(beta2)
        return 2 / (1 - b) - 1 - 2 * t * b**t / (1 - b**t)


@pytest.mark.parametrize("forgets", [1e-12, 1e-9, 1e-6, 1e-3, 0.02, 0.2])
def test_radams_length_of_the_average_loses_no_digits(forgets):
    beta2 = 1 - forgets
    for t in (1, 4, 6, 7, 8, 30, 99, 101, 1000, 10**5, 10**9):
        plain, adapted, *_ = fa.RAdam.coefficients(t, lr=1.0, beta1=0.0, beta2=beta2)
        n, last = length(t, beta2), 2 / (1 - Decimal(beta2)) - 1
        if n <= 5:
            assert (plain, adapted) == (1, 0)
            continue
        rect = ((n - 4) * (n - 2) * last / ((last - 4) * (last - 2) * n)).sqrt() * (1 - Decimal(beta2) ** t).sqrt()
        assert abs(Decimal(adapted) / rect - 1) < Decimal("1e-12")


@pytest.mark.parametrize("cls", OPTIMIZERS)
@pytest.mark.parametrize("t", [0, -1, float("nan")])
def test_the_coefficients_of_a_step_before_the_first_are_refused_in_words(cls, t):
    hyper = {k: v for k, v in OFF_DEFAULT[cls.__name__][0].items() if k != "initial_accumulator"}
    with pytest.raises(ValueError, match=r"\.coefficients: .*number of a step.* from 1"):
        cls.coefficients(t, **hyper)


@pytest.mark.skipif(INTERPRETED, reason="compiled code")
def test_compiled_code_takes_the_coefficients_as_they_are():
    coefficients = fa.RAdam.coefficients

    @numba.njit
    def compiled(t):
        return coefficients(t, lr=0.5, beta2=0.99)

    assert compiled(7) == pytest.approx(coefficients(7, lr=0.5, beta2=0.99), rel=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_hyperparameter_of_a_rule_of_ones_own(value):
    def rule(default):
        return type(
            "Mine",
            (fa.Optimizer,),
            {
                "coefficients": staticmethod(lambda t, lr=0.1, alpha=default: (lr, alpha)),
                "update": staticmethod(lambda p, g, /, lr, alpha: p - lr * alpha * g),
            },
        )

    with pytest.raises(ValueError, match=r"Mine.coefficients: .*default of alpha .*finite"):
        rule(value)
    opt = rule(0.5)(np.ones(3))
    with pytest.raises(ValueError, match=r"Mine: expected alpha .*finite"):
        rule(0.5)(np.ones(3), alpha=value)
    with pytest.raises(ValueError, match=r"Mine: expected alpha .*finite"):
        opt.alpha = value
    for wrong in ("x", None, (1,)):
        with pytest.raises(TypeError, match=r"Mine.coefficients: .*default of alpha .*number"):
            rule(wrong)


def test_lion_without_a_lean_takes_the_sign_of_the_gradient():
    p = np.zeros(3, np.float32)
    opt, seen = fa.Lion(p, lr=1.0, beta1=0.0), []
    for g in (1, 1e-9, -1e-10):
        opt.step(np.full(3, g, np.float32))
        seen.append(p[0])
    assert seen == [-1, -2, -1]
