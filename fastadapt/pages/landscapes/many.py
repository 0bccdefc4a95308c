"""Thousands of descents at once by `fa.minimize_many`: basins, and the best of many learning rates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrivals import arrivals
from .chosen import Chosen
from .problem import Problem

RATES = np.geomspace(1e-4, 100.0, 40)
"""The learning rates that every rule is tuned over."""

LAST = 0.1
"""Share of the steps, the last ones, over whose mean value rates are compared: one lucky step does not count."""

FRAMES = 60
"""Points of a descent that are kept for a fine grid of basins: their path takes memory."""

EVERY_STEP = 64
"""Grids up to this size keep every step."""


@dataclass(frozen=True)
class Basins:
    """Where the descents from a grid of starts end, a row for each y: the number of the minimum (-1: none), and the
    step since which the descent is there; of a fine grid only every few steps are looked at."""

    ends: np.ndarray
    since: np.ndarray

    @property
    def share(self) -> float:
        """Of all starts, those that arrive."""
        return float((self.ends >= 0).mean())

    @property
    def median(self) -> float:
        """Steps, the median of the starts that arrive; NaN where none does."""
        arrived = self.since[self.ends >= 0]
        return float(np.median(arrived)) if len(arrived) else np.nan


def basins(problem: Problem, chosen: Chosen, n: int, tell: Callable[[float], None] = lambda share: None) -> Basins:
    """The basins of a rule over n × n starts; `tell` hears the share that is done, and may raise to stop."""
    xs, ys = np.linspace(*problem.surface.x, n), np.linspace(*problem.surface.y, n)
    starts = np.column_stack([axis.ravel() for axis in np.meshgrid(xs, ys)])
    steps = problem.settings.steps
    every = max(1, steps // FRAMES) if n > EVERY_STEP else 1
    hyper = {**chosen.hyper, "lr": chosen.rates(steps)[np.newaxis]} if chosen.decay else chosen.hyper
    ends, since = np.empty(n * n, np.int64), np.empty(n * n, np.int64)
    count = slab_of(steps)
    for first in range(0, n * n, count):
        slab = slice(first, first + count)
        found = _descents(problem, chosen, starts[slab], every, hyper)
        ends[slab], since[slab] = arrivals(found.path, problem.minima, problem.surface.near)
        tell(min(1.0, (first + count) / (n * n)))
    return Basins(ends.reshape(n, n), (since * every).reshape(n, n))


def slab_of(steps: int) -> int:
    """How many descents there are between two reports.

    2**24 steps of single descents take 0.1 to 0.5 s of one core. Fewer than 2**14 descents would be slower, because for
    each slab the coefficients of all steps are computed anew.
    """
    return max(2**14, 2**24 // steps)


@dataclass(frozen=True)
class Tuning:
    """The value that each of RATES ends with, infinite where the descent left the numbers, and the best rate."""

    values: np.ndarray
    best: float


def tune(problem: Problem, chosen: Chosen, start: Any) -> Tuning:
    """Descend with every one of RATES from one start; ValueError where each of them leaves the numbers."""
    n, steps = len(RATES), problem.settings.steps
    every = max(1, steps // 100)
    rates = RATES[:, np.newaxis]
    if chosen.decay:
        rates = rates / (1.0 + chosen.decay * np.arange(steps))
    starts = np.tile(np.asarray(start, np.float64), (n, 1))
    found = _descents(problem, chosen, starts, every, {**chosen.hyper, "lr": rates})
    last = found.path[:, -max(1, int(LAST * found.path.shape[1])) :]
    with np.errstate(over="ignore", invalid="ignore"):  # of descents that are about to leave the numbers
        values = np.array([np.mean([problem.at(point)[0] for point in points]) for points in last])
    values = np.where(found.success & np.isfinite(values), values, np.inf)
    if not np.isfinite(values).any():
        raise ValueError(f"{chosen.contender.name}: the descent leaves the numbers with every learning rate")
    return Tuning(values, float(RATES[np.argmin(values)]))


def _descents(problem, chosen, starts, every, hyper):
    """What `fa.minimize_many` returns of the descents from these starts."""
    from ...minimizing.many import minimize_many

    steps, shared = problem.settings.steps, problem.shared
    return minimize_many(problem.many, starts, chosen.rule, steps=steps, shared=shared, record=every, **hyper)
