"""Limits of groups, of a step and of the optimizer: which counts for whom; and limits that are none."""

import math

import numpy as np
import pytest
from catalogue import ADAM
from clipping import INFINITY, assert_close, clipped, norm_of
from runs import N, normal
from untouched import leaves, refused

import fastadapt as fa

SHAPE = {"one": {"W": (20, 15), "b": (7,)}, "two": {"W": (3, 3), "b": (1,), "empty": (0,)}}


def network(make):
    """A tree of what `make` makes of a seed and a shape."""
    return {
        layer: {name: make(len(layer) * 100 + k, shape) for k, (name, shape) in enumerate(arrays.items())}
        for layer, arrays in SHAPE.items()
    }


def random(seed, shape):
    return 1.0 + normal(seed, math.prod(shape)).reshape(shape) ** 2  # larger than all limits below


GRADS = leaves(network(random))
W, B = [0, 2, 4], [1, 3]
"""Numbers of the arrays that are and are not matched by `*.b`; the last is empty."""


def made(device, **hyper):
    params = network(lambda seed, shape: device.array(np.zeros(shape, np.float32)))
    return params, fa.SGD(params, lr=1.0, **hyper)


def stepped(device, params, opt, **limits):
    """The gradients that a step takes, from 0."""
    for p in leaves(params):
        if p.size:
            p[:] = np.float32(0)
    opt.step(network(lambda seed, shape: device.array(random(seed, shape))), **limits)
    return [0.0 - device.numpy(p) for p in leaves(params)]


def expect(found, which, **limits):
    assert_close([found[k] for k in which], clipped([GRADS[k] for k in which], **limits), np.float32)


@pytest.mark.parametrize(("own", "given"), [({}, {"max_norm": 0.3}), ({"max_norm": 0.3}, {}),
                                            ({"max_norm": 9.0}, {"max_norm": 0.3})])  # fmt: skip
def test_a_group_with_its_own_max_norm_is_clipped_by_the_norm_of_its_own_arrays(own, given, device):
    params, opt = made(device, groups={"*.b": {"max_norm": 0.5}}, **own)
    found = stepped(device, params, opt, **given)
    expect(found, B, max_norm=0.5)
    expect(found, W, max_norm=0.3)
    assert opt.grad_norm == pytest.approx(norm_of(GRADS), rel=1e-12)


def test_a_group_without_its_own_max_norm_is_clipped_together_with_the_others(device):
    params, opt = made(device, groups={"*.b": {"maximize": True}, "two.W": {"max_norm": 0.2}})
    found = stepped(device, params, opt, max_norm=0.3)
    expect(found, [2], max_norm=0.2)
    together = clipped([GRADS[0], -GRADS[1], -GRADS[3], GRADS[4]], max_norm=0.3)
    assert_close([found[k] for k in (0, 1, 3, 4)], together, np.float32)


def test_a_group_with_an_infinite_max_norm_is_not_clipped_and_counts_for_no_other(device):
    params, opt = made(device, max_norm=0.3, groups={"*.b": {"max_norm": INFINITY}})
    found = stepped(device, params, opt)
    expect(found, B)
    expect(found, W, max_norm=0.3)


def test_only_a_group_may_have_a_max_norm(device):
    params, opt = made(device, groups={"*.b": {"max_norm": 0.5}})
    found = stepped(device, params, opt)
    expect(found, W)
    expect(found, B, max_norm=0.5)


@pytest.mark.parametrize(("own", "given"), [({}, {"max_value": 0.25}), ({"max_value": 0.25}, {}),
                                            ({"max_value": 9.0}, {"max_value": 0.25})])  # fmt: skip
def test_a_group_with_its_own_max_value_is_clipped_to_that(own, given, device):
    params, opt = made(device, groups={"*.b": {"max_value": 0.75}}, **own)
    found = stepped(device, params, opt, **given)
    expect(found, B, max_value=0.75)
    expect(found, W, max_value=0.25)
    assert np.isnan(opt.grad_norm)  # no norm was needed


def test_values_are_clipped_before_the_norm_of_each_group_is_taken(device):
    params, opt = made(device, max_value=0.25, max_norm=0.3, groups={"*.b": {"max_value": 0.75}})
    found = stepped(device, params, opt)
    cut = [np.minimum(g, 0.75 if k in B else 0.25) for k, g in enumerate(GRADS)]
    assert_close(found, clipped(cut, max_norm=0.3), np.float32)
    assert opt.grad_norm == pytest.approx(norm_of(cut), rel=1e-12)


def test_limits_can_be_assigned_between_steps(device):
    params, opt = made(device, groups={"*.b": {}})
    expect(stepped(device, params, opt), W + B)
    opt.max_norm = 0.3
    expect(stepped(device, params, opt), W + B, max_norm=0.3)
    opt.groups["*.b"].max_norm = 0.5
    found = stepped(device, params, opt)
    expect(found, W, max_norm=0.3)
    expect(found, B, max_norm=0.5)
    expect(stepped(device, params, opt, max_norm=INFINITY), W)


def test_the_norm_of_gradients_is_that_of_the_last_step_that_needed_it(device):
    params, opt = made(device)
    assert np.isnan(opt.grad_norm)
    stepped(device, params, opt)
    assert np.isnan(opt.grad_norm)
    stepped(device, params, opt, max_norm=0.3, scale=-2.0)
    assert opt.grad_norm == pytest.approx(2 * norm_of(GRADS), rel=1e-12)
    stepped(device, params, opt)
    assert opt.grad_norm == pytest.approx(2 * norm_of(GRADS), rel=1e-12)
    opt.zero_state()
    assert np.isnan(opt.grad_norm)


def test_arrays_without_gradients_count_for_nothing(device):
    params, opt = made(device, max_norm=0.3)
    opt.step({"one": {"W": None, "b": device.array(GRADS[1])}, "two": None})
    found = [-device.numpy(p) for p in leaves(params)]
    expect(found, [1], max_norm=0.3)
    assert not any(found[k].any() for k in (0, 2, 3))
    assert opt.grad_norm == pytest.approx(norm_of([GRADS[1]]), rel=1e-12)
    opt.step(None)
    assert (opt.grad_norm, opt.t, opt.counts["one"]["b"]) == (0, 2, 1)


@pytest.mark.parametrize("name", ["max_norm", "max_value"])
@pytest.mark.parametrize(("value", "error"), [
    (float("nan"), ValueError), (-1.0, ValueError), (-INFINITY, ValueError), (np.float32("nan"), ValueError),
    ("1", TypeError), (True, TypeError), (1j, TypeError), ([1.0], TypeError), (np.ones(2), TypeError),
], ids=repr)  # fmt: skip
def test_what_is_no_limit_is_refused_by_a_step(name, value, error):
    p = normal(0)
    opt = fa.Adam(p, **ADAM)
    opt.step(normal(1), max_norm=0.5)
    before = opt.grad_norm
    with refused(opt, [p], error, f"Adam: expected {name} to be .*, not "):
        opt.step(normal(2), **{name: value})
    assert opt.grad_norm == before


@pytest.mark.parametrize("name", ["max_norm", "max_value"])
def test_none_is_no_limit_but_a_step_without_one_of_its_own(name):
    with pytest.raises(TypeError, match=f"SGD: expected {name} to be a number, not None"):
        fa.SGD(np.ones(3), **{name: None})
    with pytest.raises(TypeError, match=f"SGD: expected {name} to be a number, not None"):
        fa.SGD(np.ones(3), groups={"*": {name: None}})
    p, q = normal(0, N), normal(0, N)
    fa.SGD(p, lr=1.0, **{name: 0.5}).step(normal(1), **{name: None})
    fa.SGD(q, lr=1.0, **{name: 0.5}).step(normal(1))
    assert p.tobytes() == q.tobytes()


@pytest.mark.parametrize("cls", [fa.SGD, fa.Adam])
def test_a_norm_leaves_later_steps_of_large_arrays_and_groups_alone(cls, device):
    sizes = (600, 300)
    ends = []
    for limits in ({"max_norm": 1e9}, {}):
        params = [device.array(np.ones(n, np.float32)) for n in sizes]
        opt = cls(params, lr=0.5, groups={"1": {"lr": 0.25}})
        for t in range(3):
            opt.step([device.array(np.full(n, 1.0 + t, np.float32)) for n in sizes], **(limits if t < 2 else {}))
        ends.append([device.numpy(p).tolist() for p in params])
    assert ends[0] == ends[1]
    assert all(end[0] == end[-1] != 1 for end in ends[0])
