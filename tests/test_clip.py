"""Clipping: a step takes the gradients that NumPy would make of those given, by value and then by their norm."""

import numpy as np
import pytest
from catalogue import SIZES
from clipping import INFINITY, assert_close, clipped, held, limited, norm_of, slack, taken
from conftest import SIMULATED, for_maintainers
from layouts import LAYOUTS, SIZE, numbers, place
from runs import N, every_kernel, normal
from small import STOCHASTIC, kernels_and

import fastadapt as fa

every_storage = kernels_and(STOCHASTIC)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_g_dtype = pytest.mark.parametrize("g_dtype", [np.float32, np.float64, *for_maintainers(np.float16)])


MANY = 20 if SIMULATED else N


def gradients(seed, sizes=(7, 0, MANY), dtype=np.float32):
    return [normal(seed + k, n).astype(dtype) for k, n in enumerate(sizes)]


def end(device, cls, hyper, steps):
    """What a few steps leave behind; each is gradients and what else it is given."""
    params = [device.array(normal(k, g.size)) for k, g in enumerate(steps[0][0])]
    opt = cls(params, **hyper)
    for grads, more in steps:
        opt.step([device.array(g) for g in grads], **more)
    return held(device, opt, params)


# The gradients are clipped to a quarter of their norm: the factor, in float32, is that power of two, whose products
# are exact, so that the bits are those of a step that is given clipped gradients.


@every_storage
def test_a_step_with_max_norm_takes_the_gradients_times_one_factor(cls, hyper, device):
    all_grads = [gradients(seed) for seed in (10, 20)]
    found = end(device, cls, hyper, [(grads, {"max_norm": norm_of(grads) / 4}) for grads in all_grads])
    assert found == end(device, cls, hyper, [([g / 4 for g in grads], {}) for grads in all_grads])
    assert found != end(device, cls, hyper, [(grads, {}) for grads in all_grads])


@every_storage
def test_scale_comes_before_max_value_and_that_before_max_norm(cls, hyper, device):
    steps, expected = [], []
    for grads in (gradients(seed) for seed in (10, 20)):
        cut = limited(grads, max_value=0.4375, scale=-0.5)
        steps.append((grads, {"scale": -0.5, "max_value": 0.4375, "max_norm": norm_of(cut) / 4}))
        expected.append(([(g / 4).astype(np.float32) for g in cut], {}))
    assert end(device, cls, hyper, steps) == end(device, cls, hyper, expected)


@every_kernel
def test_the_optimizers_own_limits_are_those_of_each_step(cls, hyper, device):
    grads, limits = gradients(10), {"max_norm": 0.3, "max_value": 0.7}
    given = end(device, cls, hyper, [(grads, limits)])
    assert given == end(device, cls, hyper | limits, [(grads, {})])
    assert given == end(device, cls, hyper | {"max_norm": 7.0, "max_value": 0.01}, [(grads, limits)])
    assert given != end(device, cls, hyper, [(grads, {})])


@every_g_dtype
@every_dtype
@pytest.mark.parametrize("limits", [
    {"max_norm": 0.3},
    {"max_value": 0.7},
    {"max_norm": 0.3, "max_value": 0.7},
    {"max_norm": 0.3, "max_value": 0.7, "scale": 1 / 3},
    {"max_norm": 2.0, "scale": -0.7},
], ids=" ".join)  # fmt: skip
def test_gradients_of_any_type_are_clipped_as_numpy_does(limits, dtype, g_dtype, device):
    grads = gradients(10, SIZES, g_dtype)
    found, opt = taken(device, grads, dtype, limits)
    assert_close(found, clipped(grads, **limits), dtype)
    if "max_norm" in limits:
        expected = norm_of(limited(grads, limits.get("max_value", INFINITY), limits.get("scale", 1.0)))
        assert abs(opt.grad_norm - expected) <= slack(grads, dtype) * expected
        assert norm_of(found) == pytest.approx(limits["max_norm"], rel=slack(grads, dtype))


def test_the_factor_is_max_norm_over_the_norm_and_no_less(device):
    grads = [g * 1e-7 for g in gradients(10, dtype=np.float64)]  # beside which 1e-6 is not small
    found, _ = taken(device, grads, np.float64, {"max_norm": 1e-7})
    assert norm_of(found) == pytest.approx(1e-7, rel=slack(grads, np.float64))


@pytest.mark.parametrize("more", [1.0, 1 + 1e-9, 1e30, INFINITY])
@every_dtype
def test_gradients_within_their_limits_stay_as_they_are(dtype, more, device):
    grads = [np.array([3.0, -4.0], dtype), np.zeros(5, dtype)]  # of norm 5, exactly
    found, opt = taken(device, grads, dtype, {"max_norm": 5 * more, "max_value": 4 * more})
    assert [g.tobytes() for g in found] == [g.tobytes() for g in grads]
    assert opt.grad_norm == 5 or more == INFINITY


@every_dtype
def test_the_next_smaller_max_norm_does_clip(dtype, device):
    grads = [np.array([3.0, -4.0], dtype)]
    found, _ = taken(device, grads, dtype, {"max_norm": 5 * (1 - 2 * float(np.finfo(dtype).eps))})
    assert (np.abs(found[0]) < np.abs(grads[0])).all()


@pytest.mark.parametrize("name", ["max_norm", "max_value"])
@every_kernel
def test_a_limit_of_zero_makes_all_gradients_zero(cls, hyper, name, device):
    zero = [np.zeros(MANY, np.float32)]
    assert end(device, cls, hyper, [([normal(1, MANY)], {name: 0})]) == end(device, cls, hyper, [(zero, {})])


@pytest.mark.parametrize("max_norm", [0, 1e-30, 1.0])
@every_dtype
def test_zero_gradients_are_not_divided_by_their_norm(dtype, max_norm, device):
    found, opt = taken(device, [np.zeros(n, dtype) for n in SIZES], dtype, {"max_norm": max_norm})
    assert not np.concatenate(found).any()
    assert opt.grad_norm == 0


def test_gradients_are_only_read(device):
    before = gradients(10)
    opt, grads = fa.SGD([device.array(normal(k, g.size)) for k, g in enumerate(before)]), []
    for g in before:
        grads.append(device.array(g.copy()))
        if device.name == "cpu":
            grads[-1].flags.writeable = False
    opt.step(grads, max_norm=0.1, max_value=0.2)
    assert [device.numpy(g).tobytes() for g in grads] == [g.tobytes() for g in before]


@pytest.mark.parametrize("contiguous", [True, False])
@every_dtype
def test_arrays_of_any_layout_count_with_all_their_numbers_and_no_others(dtype, contiguous, device):
    params, wholes, grads, given = [], [], [], []
    for k, of in enumerate(LAYOUTS.values()):
        base = np.zeros(SIZE, dtype)
        whole, p = place(device, base, of(base))
        wholes.append(whole)
        params.append(p)
        base = numbers(SIZE, dtype, k)
        grads.append(of(base).copy())
        given.append(device.array(of(base).copy()) if contiguous else place(device, base, of(base))[1])
    opt = fa.SGD(params, lr=1.0, max_norm=0.5)
    opt.step([*given[:-1], None])
    found = [-of(device.numpy(whole)) for of, whole in zip(LAYOUTS.values(), wholes, strict=True)]
    assert_close(found[:-1], clipped(grads[:-1], 0.5), dtype)
    assert not found[-1].any()
    assert opt.grad_norm == pytest.approx(norm_of(grads[:-1]), rel=slack(grads, np.float64))
