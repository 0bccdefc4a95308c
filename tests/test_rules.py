"""The arithmetic of the rules: the same in Python as in the kernel, and right where the usual code goes wrong."""

import math

import numpy as np
import pytest
from catalogue import CASES
from combining import Combining
from conftest import SLOW, for_maintainers
from paths import assert_followed
from runs import every_update, normal

import fastadapt as fa
from fastadapt import Lion, RMSProp
from fastadapt.reference import Reference

USUAL = (fa.Adam, fa.AdaGrad, fa.Prodigy, fa.SGD)


@pytest.mark.parametrize(
    ("cls", "hyper"),
    [case for case in CASES if case[0] in USUAL] + for_maintainers(*(case for case in CASES if case[0] not in USUAL)),
)
def test_update_as_python_is_the_kernel(cls, hyper):
    p, grads = normal(0, 40).astype(np.float64), normal(1, 160).reshape(4, 40).astype(np.float64)
    mine, opt = p.copy(), cls(p, **hyper)
    given = cls.defaults | hyper
    rule = cls.rules[frozenset(name for name in cls.declaration.switches if given[name])]
    state = np.zeros((len(rule.states), p.size))
    for buffer, value in zip(
        state, cls.start(p, **{name: given[name] for name in cls.declaration.starts}), strict=False
    ):
        buffer[:] = value
    decay, sign = given["weight_decay"], -1.0 if given["maximize"] else 1.0
    keep, add = (1 - given["lr"] * decay, 0.0) if given.get("decoupled") else (1.0, decay)
    keep, add = (1.0, 0.0) if cls.declaration.decays_itself else (keep, add)
    coefficients, behind = Combining(cls, rule, hyper), 1 + len(rule.states)
    for t, g in enumerate(grads, 1):
        weights = [(keep * mine[i], sign * g[i] + add * mine[i], *state[:, i]) for i in range(p.size)]
        coef, terms = coefficients.at(t, weights), []
        for i, values in enumerate(weights):
            new = getattr(cls, rule.name)(*map(float, values), *coef)
            mine[i], *state[:, i] = new[:behind] if rule.states else [new]
            terms.append(new[behind:] if rule.terms else ())
        coefficients.left(terms)
        opt.step(g)
    # In float64 Python computes as the machine does, but for the order of sums.
    rtol = 1e-12 if rule.sums or rule.terms else 0
    np.testing.assert_allclose(p, mine, rtol=rtol, atol=rtol)
    for name, buffer in zip(rule.states, state, strict=True):
        np.testing.assert_allclose(opt.state[name], buffer, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("momentum", [0.9] if SLOW else [0.0, 0.9])
def test_centered_rmsprop_never_takes_the_root_of_a_negative_number(momentum, device):
    g = np.array([0.1, 0.3, -0.7, 1.1, 1e-3, 123.4, -1e4], np.float32)
    p, grads = device.array(np.zeros_like(g)), device.array(g)
    opt = RMSProp(p, centered=True, momentum=momentum)
    for t in range(1300 if SLOW else 3000):  # `r - mean**2` is negative in float32 after 1,212
        opt.step(grads)
        assert t < 1200 or (device.numpy(opt.state["r"]) >= 0).all()
    assert np.isfinite(device.numpy(p)).all()
    assert (np.sign(device.numpy(p)) == -np.sign(g)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lion_stands_still_where_the_sign_is_zero(dtype, device):
    p = device.array(np.array([1.0, 2.0, 3.0, 4.0, 5.0], dtype))
    Lion(p, lr=0.5).step(device.array(np.array([0.0, -0.0, 1e-30, -1e-30, np.nan], dtype)))
    assert np.array_equal(device.numpy(p), [1.0, 2.0, 2.5, 4.5, np.nan], equal_nan=True)


LONG = {"beta2": 1 - 1e-8, "lr_decay": 1e-7, "momentum_decay": 1e-7}
"""Hyperparameters with which a step still tells one t from the next after 2**24."""


@every_update
def test_t_counts_beyond_the_24_bits_of_a_float32(cls, hyper):
    hyper = hyper | {name: value for name, value in LONG.items() if name in hyper}
    p, q = normal(0, 20).astype(np.float64), normal(0, 20).astype(np.float64)
    opt, reference, weights, expected = cls(p, **hyper), Reference(cls.__name__, q, **hyper), [], [q.copy()]
    for k in range(6):
        if k == 3:
            opt._stepper.block["t"] = reference.steps[0] = 2**24 - 1
            if cls is fa.NAdam:
                opt._batches[0].kept.rows[...] = reference.states[0]["product"] = 0.0  # the product of so many mu
        for one in (opt, reference):
            one.step(normal(1 + k, 20).astype(np.float64))
        weights.append(p.copy())
        expected.append(q.copy())
    assert opt.counts == 2**24 + 2
    assert_followed(np.array(expected), np.array(weights), np.float64, sources=2)
    assert all(map(math.isfinite, cls.coefficients(2**53)))
