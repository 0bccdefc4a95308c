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
    """The rate with the lowest mean value over the last steps, as `tune` judges, but by single steps, which compile no
    kernel for the function; None where every descent leaves the numbers."""
    ends = [_end(descend(problem, _with_rate(chosen, rate), start).values) for rate in RATES]
    return float(f"{RATES[np.argmin(ends)]:.3g}") if np.isfinite(ends).any() else None


def _with_rate(chosen, rate):
    return replace(chosen, hyper=chosen.hyper | {"lr": float(rate)})


def _end(values):
    with np.errstate(all="ignore"):  # of descents that leave the numbers
        mean = np.mean(values[-max(1, int(LAST * len(values))) :])
    return mean if np.isfinite(mean) else np.inf
