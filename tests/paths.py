"""Runs of the float64 reference, and how far from them rounding may take the library."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache

import numpy as np
from catalogue import CASES, SIZES
from conftest import SLOW

from fastadapt.reference import Reference

STEPS = 20 if SLOW else 100
SHAPES = [(n,) for n in SIZES] + [(13, 7)]
SCALES = (1.0, 0.37, 4.0)
"""What multiplies the gradients, in turn."""

MARGIN = 0.01
"""How far the gradients stay from where a rule jumps; gradients are of size one."""


@dataclass
class Path:
    """A case of the catalogue, its start and gradients (exact in float32), and the reference's way through them."""

    cls: type
    hyper: dict
    start: list
    grads: list
    scales: list
    weights: np.ndarray
    state: dict


def rounding(weights: np.ndarray, dtype: type) -> np.ndarray:
    """How far rounding to `dtype` may have taken a weight after each step of a path.

    With u = eps / 2, a step rounds a weight three times (keep, its product with p, the difference): 3u of the
    weight. It computes what it takes off in at most 14 roundings, from state that is a sum of as many terms as
    there were steps, each rounded three times, and the root of one halves that: (14 + 4.5 t)u of that step.
    What is taken off is measured by the largest of all the weights, because a mean of gradients is off by
    roundings of the gradients, however small it is itself. In all (14 + 7.5 t)u of the larger of the weight and
    the way that it went. To first order, that is all: a weight's error comes back through coupled decay alone,
    which makes it smaller.
    """
    steps = np.arange(1, len(weights))
    ways = np.cumsum(np.abs(np.diff(weights, axis=0)).max(axis=1))
    reach = np.maximum(np.maximum.accumulate(np.abs(weights).max(axis=1))[1:], ways)
    return (14 + 7.5 * steps) * np.finfo(dtype).eps / 2 * reach


def assert_followed(path: np.ndarray, weights: np.ndarray, dtype: type, sources: int = 1) -> None:
    """Check the weights after each step of a path; `sources` is how many of the two were rounded to `dtype`."""
    shares = np.abs(weights - path[1:]).max(axis=1) / (sources * rounding(path, dtype))
    worst = int(shares.argmax())
    assert shares[worst] <= 1, f"step {worst + 1} is off by {shares[worst]:.2f} of what rounding explains"


@cache
def path(case: int) -> Path:
    """The reference's path through a case of the catalogue."""
    cls, hyper = CASES[case]
    rng = np.random.default_rng(case)
    start = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    reference = Reference(cls.__name__, [p.astype(np.float64) for p in start], **hyper)
    grads, scales, weights = [], [], [flat(reference.params)]
    for step in range(STEPS):
        scales.append(SCALES[step % len(SCALES)])
        grads.append(draw(reference, scales[-1], rng))
        reference.step(grads[-1], scales[-1])
        weights.append(flat(reference.params))
    return Path(cls, hyper, start, grads, scales, np.array(weights), reference.state)


def draw(reference: Reference, scale: float, rng: np.random.Generator) -> list:
    """Random gradients, none zero, at which the rule does not jump.

    Lion's sign does where its argument passes zero; there the least rounding makes another path.
    """
    grads = [rng.standard_normal(p.shape).astype(np.float32) for p in reference.params]
    while True:
        ahead, behind = (ahead_of(reference, grads, scale, shift) for shift in (MARGIN, -MARGIN))
        largest = max(np.abs(move).max(initial=0) for move in ahead)
        jumps = [np.abs(a - b) > largest / 2 for a, b in zip(ahead, behind, strict=True)]
        if not any(jump.any() for jump in jumps):
            return grads
        for g, jump in zip(grads, jumps, strict=True):
            g[jump] = rng.standard_normal(jump.sum())


def ahead_of(reference: Reference, grads: list, scale: float, shift: float) -> list:
    """How far the next step would move each weight, were the gradients shifted."""
    twin = deepcopy(reference)
    twin.step([g + np.float64(shift) for g in grads], scale)
    return [new - old for new, old in zip(twin.params, reference.params, strict=True)]


def flat(arrays: list) -> np.ndarray:
    """The numbers of all arrays in one, float64."""
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
