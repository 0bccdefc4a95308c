"""Whatever is done with an optimizer after whatever: hypothesis makes up its life, step by step against the reference.

What is no step has to leave exactly what it should: weights, state and counts are compared bit for bit. A step is taken
by the reference in float64, from the weights and the state that there are.
"""

import copy
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from clipping import clipped
from conftest import SLOW, for_maintainers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

import fastadapt as fa
from fastadapt.reference import Reference

EXAMPLES = settings(
    max_examples=10 if SLOW else 50, stateful_step_count=30, deadline=None, derandomize=True, database=None
)
START = {"a": np.arange(-2, 3, dtype=np.float32), "b": np.linspace(-1, 1, 6).reshape(3, 2)}
"""One array of float32, one of float64."""

ROUNDINGS = 40
"""Of a half of eps, in a step: 14 + 7.5 of weights and of what is taken off, as in paths.py; the gradient is cast,
scaled and clipped in five more, of which a step has at most three times the share (Adam's m once, its v, twice the
share, under a root). 37 in all, and state has fewer. All are of sums of terms of one sign, such as `without_signs`."""

INFINITY = float("inf")
seeds = st.integers(0, 2**16)
limits = st.sampled_from([None, None, INFINITY, 1.0, 0.05])
scales = st.sampled_from([1.0, 0.5, -3.0])
missing = st.sets(st.sampled_from("ab"), max_size=2)
ASSIGNED = {
    "lr": [0.0, 0.01, 0.3],
    "weight_decay": [0.0, 0.1],
    "decoupled": [False, True],
    "maximize": [False, True],
    "max_norm": [INFINITY, 0.5],
    "max_value": [INFINITY, 0.2],
}
OWN = {
    fa.Adam: {"beta1": [0.0, 0.5, 0.9], "beta2": [0.5, 0.999], "eps": [1e-8, 1e-2]},
    fa.SGD: {"momentum": [0.1, 0.9], "dampening": [0.0, 0.5]},
}


class Life(RuleBasedStateMachine):
    """An optimizer, and what it holds as far as is known: weights, states and counts by name, and `t`."""

    def __init__(self, cls, hyper, g_dtypes):
        super().__init__()
        self.g_dtypes, self.folder = g_dtypes, TemporaryDirectory()
        self.opt = cls({name: p.copy() for name, p in START.items()}, **hyper)
        self.file, self.kept = Path(self.folder.name, "kept.npz"), None
        self.known = self.found()

    def teardown(self):
        self.folder.cleanup()

    def found(self):
        """Copies of all that the optimizer holds."""
        state = {name: {k: a.copy() for k, a in arrays.items()} for name, arrays in self.opt.state.items()}
        weights = {name: p.copy() for name, p in self.opt.params.items()}
        return {"weights": weights, "state": state, "counts": dict(self.opt.counts), "t": self.opt.t}

    def hyper(self):
        return {name: getattr(self.opt, name) for name in (*ASSIGNED, *self.opt.declaration.names)}

    def check(self, **changed):
        """Check that only this has changed, to the bit."""
        self.known |= changed
        np.testing.assert_equal(self.found(), self.known)

    @rule(seed=seeds, none=missing, scale=scales, max_norm=limits, max_value=limits, dtype=st.integers(0, 2))
    def step(self, seed, none, scale, max_norm, max_value, dtype):
        rng = np.random.default_rng(seed)
        grads = {name: rng.standard_normal(p.shape).astype(self.g_dtypes(p)[dtype]) for name, p in START.items()}
        grads |= dict.fromkeys(none)
        self.opt.step(grads, scale, max_norm=max_norm, max_value=max_value)
        hyper = self.hyper()
        bounds = [hyper.pop(name) for name in ("max_norm", "max_value")]
        bounds = [own if given is None else given for own, given in zip(bounds, (max_norm, max_value), strict=True)]
        cast = [None if g is None else g.astype(START[name].dtype) for name, g in grads.items()]
        taken = dict(zip(grads, clipped(cast, *bounds, scale), strict=True))
        found = self.found()
        for name in grads.keys() - none:
            # The norm is of all gradients, those of float32 among them, which were scaled in float32.
            coarse = bounds[0] < INFINITY and "a" not in none
            self.check_array(name, taken[name], hyper, found, "f4" if coarse else START[name].dtype)
        counts = {name: count + (name not in none) for name, count in self.known["counts"].items()}
        assert (found["t"], found["counts"]) == (self.known["t"] + 1, counts)
        for name in none:
            np.testing.assert_equal(self.of(found, name), self.of(self.known, name))
        self.known = found

    @staticmethod
    def of(held, name):
        """The weights and the states of an array."""
        return held["weights"][name], {state: arrays[name] for state, arrays in held["state"].items()}

    def check_array(self, name, g, hyper, found, dtype):
        p, states = self.of(self.known, name)
        weights, after = self.of(found, name)
        count, unit = self.known["counts"][name], np.finfo(dtype).eps / 2
        expected, there = one_step(type(self.opt), p, g, states, count, hyper)
        start, (end, sizes) = -abs(p), without_signs(type(self.opt), p, g, states, count, hyper)
        assert (abs(weights - expected) <= ROUNDINGS * unit * (abs(start) + abs(end - start))).all()
        for state, array in after.items():
            assert (abs(array - there[state]) <= ROUNDINGS * unit * abs(sizes[state])).all(), state

    @rule(seed=seeds)
    def step_with_a_nan_that_is_skipped(self, seed):
        before, self.opt.nonfinite = self.opt.skipped.total, "skip"
        grads = {name: np.full(p.shape, np.nan if name == "ab"[seed % 2] else 1.0) for name, p in START.items()}
        self.opt.step({name: g.astype(START[name].dtype) for name, g in grads.items()})
        self.opt.nonfinite = "propagate"
        assert self.opt.skipped.total == before + 1
        self.check()

    @rule(data=st.data())
    def assign(self, data):
        values = ASSIGNED | OWN[type(self.opt)]
        name = data.draw(st.sampled_from(sorted(values)))
        setattr(self.opt, name, data.draw(st.sampled_from(values[name])))
        self.check()

    @rule()
    def zero_state(self):
        self.opt.zero_state()
        state = {name: {k: np.zeros_like(a) for k, a in of.items()} for name, of in self.known["state"].items()}
        self.check(state=state, counts=dict.fromkeys(START, 0), t=0)

    @rule()
    def save(self):
        self.opt.save(self.file)
        self.kept = self.known | {"weights": None}, self.hyper()
        self.check()

    @rule(anew=st.booleans())
    def load(self, anew):
        """Into the same optimizer, or into one that was made for the same arrays; their weights stay."""
        if self.kept is None:
            return
        held, hyper = self.kept
        if anew:
            switches = {name: value for name, value in hyper.items() if name in self.opt.declaration.switches}
            self.opt = type(self.opt)(self.opt.params, **switches)
        self.opt.load(self.file)
        assert self.hyper() == hyper
        self.check(**{name: value for name, value in held.items() if name != "weights"})

    @rule(way=st.sampled_from([copy.copy, copy.deepcopy, lambda opt: pickle.loads(pickle.dumps(opt))]))
    def go_on_with_a_copy(self, way):
        hyper, old = self.hyper(), self.opt
        self.opt = way(old)
        assert self.hyper() == hyper
        self.check()
        if self.opt.params is not old.params:
            old.step({name: np.ones_like(p) for name, p in START.items()})
            self.check()


def one_step(cls, p, g, states, count, hyper):
    """The weights and the states after a step of the reference in float64."""
    reference = Reference(cls.__name__, [p.astype(np.float64)], **hyper)
    reference.steps = [count]
    reference.states[0] |= {name: array.astype(np.float64) for name, array in states.items()}
    reference.step([g])
    return reference.params[0], reference.states[0]


def without_signs(cls, p, g, states, count, hyper):
    """The same step where all is negative, so that no sum is smaller than its terms."""
    negative = {name: -abs(array) if name in ("m", "b") else array for name, array in states.items()}
    return one_step(cls, -abs(p), -abs(g), negative, count, hyper | {"maximize": False})


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")  # where kernels run as Python
@pytest.mark.parametrize(
    ("cls", "hyper", "g_dtypes"),
    [
        (fa.Adam, {"lr": 0.05, "eps": 1e-3}, lambda p: (p.dtype, np.float16, np.float64)),
        *for_maintainers((fa.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}, lambda p: (p.dtype,) * 3)),
    ],
    ids=["Adam", "SGD"],
)
def test_whatever_comes_after_whatever(cls, hyper, g_dtypes):
    run_state_machine_as_test(lambda: Life(cls, hyper, g_dtypes), settings=EXAMPLES)
