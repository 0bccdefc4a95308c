"""Rules that PyTorch itself lacks against the packages of their authors, or optax: 200 steps of float64."""

import numpy as np
import pytest
from runs import normal

import fastadapt as fa

STEPS = 200


def problem():
    """Weights and the gradients of a bowl whose slope is noisy, by weights and step."""
    start = [normal(0, 30).astype(np.float64).reshape(5, 6), normal(1, 7).astype(np.float64)]
    curved = [np.abs(normal(2, 30)).astype(np.float64).reshape(5, 6) + 0.1, np.ones(7)]

    def gradients(params, k):
        noise = [normal(3 + 2 * k + i, p.size).astype(np.float64).reshape(p.shape) for i, p in enumerate(params)]
        return [c * p + 0.3 * n for c, p, n in zip(curved, params, noise, strict=True)]

    return start, gradients


def ours(cls, **hyper):
    start, gradients = problem()
    params = [p.copy() for p in start]
    opt = cls(params, **hyper)
    for k in range(STEPS):
        opt.step(gradients(params, k))
    return params, opt


def assert_alike(found, expected):
    start, _ = problem()
    for p, q, first in zip(found, expected, start, strict=True):
        assert np.abs(q - first).max() > 0.1  # it went somewhere
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("more", [{}, {"beta3": 0.9, "d_coef": 0.7, "growth": 1.05, "weight_decay": 0.03}])
def test_prodigy_is_that_of_its_authors(more):
    torch, prodigyopt = pytest.importorskip("torch"), pytest.importorskip("prodigyopt")
    # The package adds the new d times eps: the same where eps is nothing.
    hyper = {"lr": 0.8, "beta1": 0.85, "beta2": 0.98, "d0": 1e-3, "eps": 1e-300}
    names = {"beta3": "beta3", "d_coef": "d_coef", "growth": "growth_rate", "weight_decay": "weight_decay"}
    start, gradients = problem()
    tensors = [torch.nn.Parameter(torch.from_numpy(p.copy())) for p in start]
    given = {"lr": 0.8, "betas": (0.85, 0.98), "d0": 1e-3, "eps": 1e-300}
    theirs = prodigyopt.Prodigy(tensors, **given, **{names[name]: value for name, value in more.items()})
    for k in range(STEPS):
        for tensor, g in zip(tensors, gradients([t.detach().numpy() for t in tensors], k), strict=True):
            tensor.grad = torch.from_numpy(g)
        theirs.step()
    found, opt = ours(fa.Prodigy, **hyper, **more)
    assert_alike(found, [t.detach().numpy() for t in tensors])
    assert opt.scalars["d"] > 2e-3


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_lamb_is_that_of_optax(weight_decay):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    hyper = {"beta1": 0.85, "beta2": 0.98, "eps": 1e-4, "weight_decay": weight_decay}
    start, gradients = problem()
    with jax.enable_x64(True):
        rule = optax.lamb(0.02, b1=0.85, b2=0.98, eps=1e-4, weight_decay=weight_decay)
        params = [jax.numpy.asarray(p) for p in start]
        state = rule.init(params)
        for k in range(STEPS):
            updates, state = rule.update(gradients([np.asarray(p) for p in params], k), state, params)
            params = optax.apply_updates(params, updates)
        expected = [np.asarray(p) for p in params]
    found, _ = ours(fa.LAMB, lr=0.02, **hyper)
    assert_alike(found, expected)
