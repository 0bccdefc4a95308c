"""Ill-conditioned quadratics, and how many steps a rule needs on them at the best of many learning rates."""

from functools import lru_cache
from math import inf, nan, sqrt
from typing import NamedTuple

import numpy as np

import fastadapt as fa

from .rules import RULES, rates

DIMENSIONS = 6
RATES = (1e-3, 1e3)
"""The slowest and the fastest learning rate that a rule may choose."""

BEST_MOMENTUM = "momentum, best constants"
PLACES = ("along the axes", "rotated")
STARTS = ("equal shares", "equal distances")
"""Whether each axis has as much of the value at the start, or is as far from the minimum."""


class Steps(NamedTuple):
    """Steps to within 1% at the best rate, infinite where none arrived in time, and the rate.

    `at_edge`: whether it is the grid's first or last; where several rates are the best, False if one lies inside.
    """

    steps: float
    lr: float
    at_edge: bool


def quadratic(x, g, A, goal):
    value = 0.0
    for i in range(x.size):
        slope = 0.0
        for j in range(x.size):
            slope += A[i, j] * x[j]
        g[i] = slope
        value += 0.5 * slope * x[i]
    if value <= goal:
        # A gradient of 0 ends the problem, so that `nit` is the number of steps that it took.
        for i in range(x.size):
            g[i] = 0.0
    return value


def problem(condition: float, place: str, start: str = STARTS[0], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of a quadratic with curvatures from 1 / condition to 1, along the axes or turned, and the start."""
    curvatures = np.geomspace(1 / condition, 1, DIMENSIONS)
    normal = np.random.default_rng(seed).standard_normal((DIMENSIONS, DIMENSIONS))
    Q = np.linalg.qr(normal)[0] if place == "rotated" else np.eye(DIMENSIONS)
    along = 1 / np.sqrt(curvatures) if start == STARTS[0] else np.ones(DIMENSIONS)
    return Q * curvatures @ Q.T, Q @ along


def best_momentum(condition: float) -> dict[str, float]:
    """Polyak's learning rate and momentum for curvatures from 1 / condition to 1, which are the best there are."""
    root = sqrt(condition)
    return {"lr": (2 / (1 + 1 / root)) ** 2, "momentum": ((root - 1) / (root + 1)) ** 2}


@lru_cache
def steps_needed(
    name: str, condition: float, place: str, start: str = STARTS[0], count: int = 40, seed: int = 0
) -> Steps:
    """The fewest steps in which one of `count` learning rates brings the value within 1% of the start's.

    With `BEST_MOMENTUM` the constants are computed instead. At most 4 steps for each unit of the condition are tried,
    and 10,000 more; gradient descent needs about 1.
    """
    A, x0 = problem(condition, place, start, seed)
    rule, hyper = RULES.get(name, (fa.SGD, {}))
    tried = rates(*RATES, count)
    if name == BEST_MOMENTUM:
        hyper = best_momentum(condition)
        tried = np.array([hyper.pop("lr")])
    limit = int(10_000 + 4 * condition)
    steps = 500
    if condition >= 10:
        # Ten times the condition takes about ten times as many steps, or fewer.
        steps = 12 * steps_needed(name, condition / 10, place, start, count, seed).steps
    while True:
        steps = int(min(steps, limit))
        found = fa.minimize_many(
            quadratic,
            np.tile(x0, (tried.size, 1)),
            rule,
            steps=steps,
            shared=(A, 0.01 * 0.5 * float(x0 @ A @ x0)),
            gtol=1e-300,
            lr=tried[:, None],
            **hyper,
        )
        # The best rate is known as soon as one arrives: those that have not yet need more steps.
        if found.success.any():
            fewest = int(found.nit[found.success].min())
            best = np.flatnonzero(found.success & (found.nit == fewest))
            inside = best[(best > 0) & (best < tried.size - 1)]
            return Steps(fewest, float(tried[best[0]]), inside.size == 0)
        if steps == limit:
            return Steps(inf, nan, False)
        steps *= 3
