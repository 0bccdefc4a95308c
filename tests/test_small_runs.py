"""Whole runs of every rule with small state: near the reference in the mean, and never far off."""

import numpy as np
import pytest
from conftest import INTERPRETED, SIMULATED, Cuda
from runs import OWN
from small import every_stochastic, name_of

import fastadapt as fa
from fastadapt.reference import Reference

STEPS, COPIES, N = (40, 16, 300) if INTERPRETED else (120, 512, 2048)
MEANS = np.array([1, 0.5, -0.2, -0.1, 0.05, 1, -0.3, 0.02])
"""Of the gradients of eight weights."""

STATEFUL = [(cls, hyper) for cls, hyper in OWN if cls(np.zeros(1), **hyper).state]
LINEAR = {"m", "v", "mean"}
"""States that are sums of gradients or of their squares, so that the mean of what is held is exact."""


@pytest.fixture
def quick(device):
    """Each device on which a run of many steps takes no minutes."""
    if SIMULATED and device is Cuda:
        pytest.skip("a tile takes 0.05 s in the simulator")
    return device


def every_rule(*unfit):
    """Run a test with every `update` that has state; those of the classes `unfit` are known to fail."""
    known = pytest.mark.xfail(strict=True, reason="see the test")
    cases = [pytest.param(*case, marks=[known] if case[0] in unfit else [], id=name_of(*case)) for case in STATEFUL]
    return pytest.mark.parametrize(("cls", "hyper"), cases)


@every_stochastic
@every_rule()
def test_a_run_stays_near_the_reference_in_the_mean(cls, hyper, storage, quick):
    rng = np.random.default_rng(1)
    start = np.linspace(-1, 1, MEANS.size).astype(np.float32)
    p, reference = quick.array(np.tile(start, COPIES)), Reference(cls.__name__, start.astype(np.float64), **hyper)
    opt = cls(p, **hyper, **storage)
    for _ in range(STEPS):
        g = (MEANS * (1 + 0.5 * rng.standard_normal(MEANS.size))).astype(np.float32)
        opt.step(quick.array(np.tile(g, COPIES)))
        reference.step(g)

    def error(found, exact):
        """How far off the mean of the copies is, and how far it may be by chance: five standard errors."""
        rows = quick.numpy(found).astype(np.float64).reshape(COPIES, -1)
        return np.abs(rows.mean(axis=0) - exact), 5 * rows.std(axis=0) / COPIES**0.5

    # The mean of a quotient is another than the quotient of means: by the squares of their errors.
    share = 0.002 if storage["state_bits"] == 16 else 0.02
    off, chance = error(p, reference.params[0])
    assert (off <= share * np.abs(reference.params[0] - start) + chance).all()
    for name in LINEAR & opt.state.keys():
        off, chance = error(opt.state[name], reference.state[name])
        assert (off <= chance + 1e-6 * np.abs(reference.state[name])).all()


def largest_steps(device, cls, hyper, storage, sparse):
    """The largest step that any weight takes, of the reference and of the optimizer, and the farthest way of each.

    The gradients of a block are of sizes from 1e-8 to 1, and most of them zero if they are sparse.
    """
    rng = np.random.default_rng(3)
    sizes = 10 ** rng.uniform(-8, 0, N)
    p, reference = device.array(np.zeros(N, np.float32)), Reference(cls.__name__, np.zeros(N), **hyper)
    opt, before, steps = cls(p, **hyper, **storage), np.zeros((2, N)), [np.zeros(2)]
    for _ in range(STEPS):
        g = sizes * rng.standard_normal(N) * (rng.random(N) < (0.05 if sparse else 1))
        opt.step(device.array(g.astype(np.float32)))
        reference.step(g)
        now = np.array([reference.params[0], device.numpy(p)])
        steps.append(np.abs(now - before).max(axis=1))
        before = now
    return np.max(steps, axis=0), np.abs(before).max(axis=1)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@every_stochastic
@every_rule()
def test_gradients_of_all_sizes_in_a_block_make_no_step_much_larger(cls, hyper, storage, sparse, quick):
    steps, ways = largest_steps(quick, cls, hyper, storage, sparse)
    assert steps[1] <= 1.25 * steps[0]
    assert ways[1] <= 1.25 * ways[0]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@every_stochastic
@every_rule(fa.Adamax)
def test_nor_do_they_without_the_help_of_eps(cls, hyper, storage, sparse, quick):
    """With eps as small as it is by default, all that keeps small gradients' steps small is the codes of 8 bits.

    The least of `v` is 2**-31.6 of the largest, and a stray third code of `m` is 9 / 127**2 of its largest: 32 times a
    step. Of Adamax, `u` itself may be 2**-31.6 of its largest, and a stray code then a step of thousands.
    """
    hyper = {name: value for name, value in hyper.items() if name == "lr" or name in cls._switches}
    steps, _ = largest_steps(quick, cls, hyper, storage, sparse)
    assert steps[1] <= (1.25 if storage["state_bits"] == 16 else 9 / 127**2 * 2**15.8) * steps[0]
