"""Learning rates with which the rules begin on a reader's function: the best of those that all are tuned over."""

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from .chosen import Chosen
from .descent import descend
from .many import LAST, RATES
from .problem import Problem

SLOW = 2e-4
"""Seconds per value from which a function is too slow: 40 descents of 300 steps would take longer than 2.4 s a rule."""


def is_slow(problem: Problem) -> bool:
    """Whether to find rates takes too long."""
    seconds = []
    for _ in range(3):
        begin = perf_counter()
        problem.at(problem.surface.start)
        seconds.append(perf_counter() - begin)
    return min(seconds) > SLOW


def best_rate(problem: Problem, chosen: Chosen, start: Any) -> float | None:
    """The rate with the lowest mean value over the last steps, as `tune` judges; None where no rate is of use.

    A rate whose descent leaves the view does not count: if it comes back, that is luck of this start. By single steps,
    which compile no kernel for the function.
    """
    ends = {}
    for rate in RATES:
        tried = float(f"{rate:.3g}")  # as the page shows it
        with np.errstate(all="ignore"):  # of descents that leave the numbers
            descent = descend(problem, replace(chosen, hyper=chosen.hyper | {"lr": tried}), start)
            if _stays_in_view(problem.surface, descent.points):
                ends[tried] = float(np.mean(descent.values[-max(1, int(LAST * len(descent.values))) :]))
    known = [rate for rate, end in ends.items() if np.isfinite(end)]
    return min(known, key=ends.get, default=None)


def _stays_in_view(surface, points):
    """Whether all points lie within what is shown and half as much around it; what is no number does not."""
    sides = zip((surface.x, surface.y), points.T, strict=True)
    return all(np.all(np.abs(along - (low + high) / 2) <= high - low) for (low, high), along in sides)
