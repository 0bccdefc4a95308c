"""What the lecture claims, each by a route of its own; the whole command's figures are in test_claims_figures.py."""

from math import sqrt

import numpy as np
import pytest
from conftest import SLOW

import fastadapt as fa

for package in ("matplotlib", "rich", "sklearn", "threadpoolctl", "PIL"):
    pytest.importorskip(package)

pytestmark = pytest.mark.skipif(SLOW, reason="claims take thousands of steps")

STEPS = 9_999


def reddi_gradient(t):
    return 3.0 if t % 3 == 1 else -1.0


def by_arithmetic(amsgrad):
    """Where Adam or AMSGrad ends on Reddi's sequence, as the papers write them; beta1 is 0, so that m is g."""
    x = v = most = 0.0
    for t in range(1, STEPS + 1):
        g = reddi_gradient(t)
        v = 0.1 * v + 0.9 * g * g
        most = max(v, most) if amsgrad else v
        x -= 0.1 / sqrt(t) * g / (sqrt(most / (1 - 0.1**t)) + 1e-8)
        x = min(1.0, max(-1.0, x))
    return x


@pytest.mark.parametrize(("rule", "optimum"), [(fa.Adam, False), (fa.AMSGrad, True)])
def test_on_reddis_sequence_adam_ends_at_the_worst_point_and_amsgrad_at_the_optimum(rule, optimum):
    w, g = np.zeros(1), np.zeros(1)
    opt = rule(w, beta1=0.0, beta2=0.1)
    for t in range(1, STEPS + 1):
        opt.lr = 0.1 / sqrt(t)
        g[0] = reddi_gradient(t)
        opt.step(g)
        np.clip(w, -1, 1, out=w)
    # The clipping forgets rounding at each end; of 10^4 float64 steps no more than 1e-12 can be left.
    assert w[0] == pytest.approx(by_arithmetic(optimum), abs=1e-9)
    # The last three steps are of at most 3 × 0.1 / sqrt(9,999) = 0.003.
    assert w[0] == pytest.approx(-1 if optimum else 1, abs=0.01)


def test_memory_is_counted_state_by_state():
    from fastadapt.commands.claims.memory import BITS, CONTENDERS, bytes_per_weight

    states = {"SGD": 0, "SGD+momentum": 1, "AdaGrad": 1, "RMSProp": 1, "Adam": 2, "AMSGrad": 3}
    assert states.keys() == CONTENDERS.keys()
    # Of 8 bits, each block of 256 codes has a scale of 4 bytes.
    each = {32: 4.0, 16: 2.0, 8: 1 + 4 / 256}
    for name, count in states.items():
        for bits in BITS if name == "Adam" else (32,):
            assert bytes_per_weight(*CONTENDERS[name], bits, 2**16) == pytest.approx(count * each[bits], abs=1e-3)


def test_on_wilsons_data_sgd_is_right_and_adaptive_rules_call_everything_positive():
    from fastadapt.commands.claims.generalization import wilson

    rng = np.random.default_rng(0)
    X, y = wilson(100, rng)
    # Gradient descent from 0 ends at the least norm, the adaptive rules at equal sizes of every weight (lemma 3.1).
    least, equal = np.linalg.pinv(X) @ y, np.sign(X.T @ y)
    _, fresh = wilson(1000, rng)
    seen = np.column_stack([fresh, np.ones_like(fresh), np.ones_like(fresh)])
    assert (np.sign(X @ equal) == y).all()
    assert (np.sign(seen @ least[:3]) == fresh).all()
    assert (np.sign(seen @ equal[:3]) == 1).all()

    for rule, direction, tolerance in ((fa.SGD, least, 1e-3), (fa.AdaGrad, equal, 0.05)):
        w = np.zeros(X.shape[1])
        opt = rule(w, lr=0.9 if rule is fa.SGD else 0.05)
        for _ in range(500):
            opt.step((X @ w - y) @ X / len(y))
        size = np.abs(w[equal != 0]).mean() if rule is fa.AdaGrad else 1.0
        assert np.abs(w / size - direction).max() < tolerance * np.abs(direction).max()


def test_adagrads_steps_shrink_as_the_root_of_the_steps_and_rmsprops_do_not():
    from fastadapt.commands.claims.shrinking_steps import change, effective_steps, quadratic

    marks = np.arange(1, 2001)
    sizes = {rule: effective_steps(rule, 0.1, lambda steps: quadratic(steps, 1.0), marks) for rule in NOISY}
    # A sum of t squares of unit variance is t (1 ± sqrt(2 / t)): at t = 100, 14% before the median of ten weights,
    # and its root half of that. RMSProp's mean of 100 squares is as uncertain; halfway is 10^-1/4 = 0.56.
    assert change(sizes[fa.AdaGrad], marks) == pytest.approx(1 / sqrt(10), rel=0.14)
    assert change(sizes[fa.RMSProp], marks) > 0.75


NOISY = (fa.AdaGrad, fa.RMSProp)


def test_networks_in_stacks_have_the_gradients_of_each_alone():
    from fastadapt.commands import digits
    from fastadapt.commands.claims.networks import Networks

    rng = np.random.default_rng(0)
    start = digits.initial([64, 5, 10], rng)
    X, y = rng.random((7, 64), dtype=np.float32), rng.integers(10, size=7)
    networks = Networks(start, 3)
    for params in networks.params.values():
        for p in params:
            p += rng.normal(0, 0.1, p.shape).astype(np.float32)
    for name, found in networks.gradients(X, y).items():
        alone = digits.gradients(networks.params[name], X, y)
        for g, expected in zip(found, alone, strict=True):
            # Sums of up to 64 products in another order.
            np.testing.assert_allclose(g, expected, rtol=64 * 2**-23, atol=64 * 2**-23 * np.abs(expected).max())


def test_ctrl_c_ends_the_command_with_one_line(monkeypatch, capsys):
    from fastadapt.__main__ import main
    from fastadapt.commands.claims import memory

    def interrupted(tell):
        raise KeyboardInterrupt

    monkeypatch.setattr(memory, "check", interrupted)
    assert main(["claims", "--only", "memory"]) == 130
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "python -m fastadapt claims: stopped after 0 of 1 claims"
    assert "Traceback" not in printed.err
    assert printed.out == ""
