"""Bounds of the weights: `lower` and `upper`."""

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from layouts import bits

import fastadapt as fa
from fastadapt.reference import Reference


def data(dtype, n=300):
    """Weights within the bounds, and gradients that push them beyond."""
    rng = np.random.default_rng(0)
    return rng.uniform(-0.5, 0.5, n).astype(dtype), [rng.standard_normal(n).astype(dtype) for _ in range(6)]


CASES = [(cls, np.float32, {}) for cls in OPTIMIZERS]
CASES += [(fa.Adam, np.float64, {}), *((fa.Adam, np.float32, {"state_bits": bits}) for bits in (16, 8))]


@pytest.mark.parametrize(("cls", "dtype", "small"), CASES, ids=[f"{c.__name__}-{d.__name__}-{s}" for c, d, s in CASES])
def test_a_step_with_bounds_is_one_without_that_is_then_clipped(cls, dtype, small, device):
    """To the bit: the state knows nothing of the bounds."""
    p, grads = data(dtype)
    hyper = {"lr": 0.3, "weight_decay": 0.1, "min_quantized_size": 0, "seed": 3, **small}
    one, other = device.array(p.copy()), device.array(p.copy())
    bounded, free = cls(one, lower=-0.25, upper=0.4, **hyper), cls(other, **hyper)
    for g in grads:
        bounded.step(device.array(g), max_norm=3.0)
        free.step(device.array(g), max_norm=3.0)
        high = dtype(0.4) if float(dtype(0.4)) <= 0.4 else np.nextafter(dtype(0.4), dtype(0))
        clipped = np.clip(device.numpy(other), dtype(-0.25), high)
        assert bits(device.numpy(one)) == bits(clipped)
        other = device.array(clipped)
        kept = free.state_dict()
        free = cls(other, **hyper)
        free.load_state_dict(kept)
    assert {-0.25, float(high)} <= set(device.numpy(one).tolist())


@pytest.mark.parametrize(
    ("dtype", "bound"), [(np.float32, 0.1), (np.float32, 0.3), (np.float32, -0.1), (np.float64, 0.1)]
)
def test_bounds_are_rounded_inward_to_the_type_of_the_weights(dtype, bound, device):
    p = device.array(np.zeros(2, dtype))
    opt = fa.SGD(p, lr=1.0, lower=bound, upper=bound + 1e-3)
    opt.step(device.array(np.array([9.0, -9.0], dtype)))
    low, high = device.numpy(p).astype(float).tolist()
    assert bound <= low <= bound + 1e-7
    assert bound + 1e-3 - 1e-7 <= high <= bound + 1e-3


def test_bounds_are_assigned_between_steps_and_belong_to_groups(device):
    p = {"w": device.array(np.zeros(3, np.float32)), "b": device.array(np.zeros(3, np.float32))}
    g = {name: device.array(np.array([8.0, -8.0, np.nan], np.float32)) for name in p}
    opt = fa.SGD(p, lr=1.0, upper=2.0, groups={"b": {"lower": -1.0}})
    opt.step(g)
    assert [device.numpy(p[name]).tolist()[:2] for name in "wb"] == [[-8.0, 2.0], [-1.0, 2.0]]
    assert all(np.isnan(device.numpy(p[name])[2]) for name in "wb")
    opt.upper, opt.groups["b"].lower, opt.lower = 0.5, -np.inf, -4.0
    opt.step(g)
    assert [device.numpy(p[name]).tolist()[:2] for name in "wb"] == [[-4.0, 0.5], [-9.0, 0.5]]
    assert repr(fa.SGD(p["w"])).count("lower") == 0
    assert "lower=-4.0" in repr(opt)


@pytest.mark.parametrize("cls", [fa.Adam, fa.SGD], ids=lambda cls: cls.__name__)
def test_bounds_are_those_of_the_reference(cls):
    p, grads = data(np.float64)
    q = p.copy()
    opt = cls(p, lr=0.3, lower=-0.25, upper=0.4, weight_decay=0.1)
    reference = Reference(cls.__name__, q, lr=0.3, lower=-0.25, upper=0.4, weight_decay=0.1)
    for g in grads:
        opt.step(g)
        reference.step(g)
    np.testing.assert_allclose(p, q, rtol=1e-12)
    assert {-0.25, 0.4} <= set(p.tolist())


def test_bounds_that_cross_are_refused_before_anything_changes():
    p = np.zeros(3)
    with pytest.raises(ValueError, match=r"SGD: expected lower to be no more than upper, not 1.0 and 0.5"):
        fa.SGD(p, lower=1, upper=0.5)
    with pytest.raises(ValueError, match=r"groups\['\*'\]: SGD: expected lower"):
        fa.SGD([p], upper=1.0, groups={"*": {"lower": 2.0}})
    opt = fa.SGD(p, lower=0.0, upper=1.0)
    with pytest.raises(ValueError, match="expected lower to be no more than upper"):
        opt.upper = -1.0
    for name, wrong in (("lower", np.inf), ("upper", -np.inf), ("lower", np.nan)):
        with pytest.raises(ValueError, match=f"expected {name} to be"):
            setattr(opt, name, wrong)
    assert (opt.lower, opt.upper) == (0.0, 1.0)
    opt = fa.SGD([p], upper=3.0, groups={"*": {"lower": 2.0}})
    for owner in (opt, opt.groups["*"]):
        with pytest.raises(ValueError, match=r"^groups\['\*'\]: SGD: expected lower .* not 2\.0 and 1\.0"):
            owner.upper = 1.0
        assert (opt.upper, opt.groups["*"].upper) == (3.0, 3.0)
    with pytest.raises(ValueError, match=r"minimize_many: expected upper to be inf, not 1\.0: give the bounds"):
        fa.minimize_many(lambda x, g: None, np.ones((1, 1)), fa.SGD, upper=1.0, steps=1)


def test_a_checkpoint_keeps_the_bounds_and_one_from_before_has_none():
    opt = fa.Adam(np.zeros(3), lower=-1.0)
    kept = opt.state_dict()
    other = fa.Adam(np.zeros(3), upper=3.0)
    other.load_state_dict(kept)
    assert (other.lower, other.upper) == (-1.0, np.inf)
    old = fa.Adam(np.zeros(3)).state_dict() | {"version": 1}
    del old["hyper"]["lower"], old["hyper"]["upper"]
    other.load_state_dict(old)
    assert (other.lower, other.upper) == (-np.inf, np.inf)


def test_the_kernel_takes_bounds(device):
    p, g = device.array(np.zeros(2, np.float32)), device.array(np.array([9.0, -9.0], np.float32))
    fa.SGD.kernel(p, g, (), fa.SGD.coefficients(1, lr=1.0), lower=-1.0, upper=2.0)
    assert device.numpy(p).tolist() == [-1.0, 2.0]
