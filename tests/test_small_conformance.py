"""Every rule with small state against the reference, step by step: each begins with the state that is held."""

from itertools import product

import numpy as np
import pytest
from catalogue import CASES, IDS, SIZES
from conftest import BOUNDED, SIMULATED, SLOW, Cuda
from layouts import place
from paths import SCALES, assert_followed, draw, flat
from small import SOME, STOCHASTIC, STORAGES, assert_held, id_of, run_of

import fastadapt as fa
from fastadapt.group_checks import CHOOSES
from fastadapt.reference import Reference

STEPS = 2 if SLOW else 6
RUNS = [
    (k, storage, dtype)
    for (k, (cls, _)), storage, dtype in product(enumerate(CASES), STORAGES, (np.float32, np.float64))
    if cls is fa.Adam or (storage in STOCHASTIC and (dtype, storage["state_bits"]) != (np.float64, 16))
]
"""Every case in 16 and in 8 bits, and Adam in all ways."""


def is_usual(k, storage, dtype):
    """Whether a run is not for maintainers alone: every kernel takes seconds to compile."""
    cls, hyper = CASES[k]
    kinds = [own for each, own in SOME if each is cls and own.items() <= hyper.items()]
    common = cls is fa.Adam or storage == STOCHASTIC[-1]
    return bool(kinds) and cls in (fa.Adam, fa.RMSProp) and k % 4 == 0 and common and dtype == np.float32


def run_of_case(k, storage, dtype):
    """The parameters of the test, with its name."""
    marks = () if is_usual(k, storage, dtype) else pytest.mark.maintainer
    return pytest.param(k, storage, dtype, id=f"{IDS[k]}-{id_of(storage)}-{dtype.__name__}", marks=marks)


if SIMULATED or BOUNDED:  # a tile takes 0.05 s there; a cache of its own
    RUNS = RUNS[5::7]

ONE = [lambda base: base[:20]]
FEW = [
    lambda base: base[:0],
    lambda base: base[:1],
    lambda base: base[3:264],
    lambda base: base[:70].reshape(7, 10).T,
    lambda base: base[:60].reshape(5, 12)[:, ::2],
]
MANY = [
    *(lambda base, n=n: base[:n] for n in SIZES),
    lambda base: base[:513].reshape(19, 27),
    lambda base: base[:513].reshape(19, 27).T,
    lambda base: base[:540].reshape(5, 9, 12).transpose(2, 0, 1),
    lambda base: base[:1054].reshape(17, 62)[:, ::2],
]


class Pair:
    """An optimizer, and the reference, which takes its weights and its state before each step."""

    def __init__(self, device, cls, hyper, dtype, layouts):
        self.device, self.dtype, self.layouts = device, dtype, layouts
        self.rng = np.random.default_rng(0)
        bases = [self.rng.standard_normal(1100).astype(dtype) for _ in layouts]
        placed = [place(device, base, of(base)) for base, of in zip(bases, layouts, strict=True)]
        self.wholes = [whole for whole, _ in placed]
        self.opt = cls([p for _, p in placed], **hyper)
        own = {name: value for name, value in hyper.items() if name not in CHOOSES}
        self.reference = Reference(cls.__name__, [p.astype(np.float64) for p in self.weights()], **own)
        if cls is fa.AdaGrad:  # which would begin with a sum that no code holds
            rule = self.reference.rule
            self.reference.rule = lambda t, p, g, r, **own: rule(t, p, g, r, **own | {"initial_accumulator": r})
        self.state = self.held()

    def weights(self):
        """The parameters, in NumPy."""
        wholes = [self.device.numpy(whole) for whole in self.wholes]
        return [of(whole) for of, whole in zip(self.layouts, wholes, strict=True)]

    def held(self):
        """The state by name, in float64."""
        return {name: [self.device.numpy(a).astype(np.float64) for a in of] for name, of in self.opt.state.items()}

    def step(self, scale):
        """Take a step; returns the reference's weights before and after it."""
        for i, p in enumerate(self.weights()):
            self.reference.params[i][...] = p
            self.reference.states[i] |= {name: of[i] for name, of in self.state.items()}
        before = flat(self.reference.params)
        grads = draw(self.reference, scale, self.rng)
        self.reference.step(grads, scale)
        self.opt.step([self.device.array(g) for g in grads], scale)
        return np.array([before, flat(self.reference.params)])

    def assert_state(self, bits, rounding):
        """Check that the state is what the codes make of the reference's, and keep it for the next step."""
        before, self.state = self.state, self.held()
        for name, held in self.state.items():
            exact = self.reference.state[name]
            if name in self.opt.full_precision:  # which is in no code
                assert all(np.array_equal(a, b) for a, b in zip(held, exact, strict=True))
                continue
            kind = "bfloat16" if bits == 16 else "float" if name in self.opt.nonnegative else "root"
            sizes = [np.maximum(np.abs(a), np.abs(b)) for a, b in zip(before[name], exact, strict=True)]
            for i, p in [(i, p) for i, p in enumerate(self.weights()) if p.size]:
                # Sums of few terms, each rounded a few times. Where they have signs, a term may be larger than the sum.
                terms = run_of(sizes[i], p) if kind == "float" else flat(sizes).max()
                error = 16 * np.finfo(self.dtype).eps * terms
                assert_held(run_of(held[i], p), run_of(exact[i], p), kind, rounding, error)


@pytest.mark.parametrize(("case", "storage", "dtype"), [run_of_case(*run) for run in RUNS])
def test_a_step_is_the_papers_and_leaves_the_codes_of_its_state(case, storage, dtype, device):
    cls, hyper = CASES[case]
    layouts = FEW if SLOW else MANY
    if SIMULATED and device is Cuda and cls is not fa.Adam:
        layouts = ONE
    pair = Pair(device, cls, hyper | storage, dtype, layouts)
    for k in range(STEPS):
        path = pair.step(SCALES[k % len(SCALES)])
        assert_followed(path, flat(pair.weights())[None], dtype, sources=1 + (dtype == np.float64))
        pair.assert_state(storage["state_bits"], storage["rounding"])
