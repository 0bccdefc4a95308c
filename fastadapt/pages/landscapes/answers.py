"""The answers of page 1, as JSON."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..packing import finite, packed
from .chosen import Chosen
from .descent import Descent, descend
from .formula import described
from .judge import verdict
from .many import basins, tune
from .numbers import numbers_of
from .problem import Problem
from .scene import Scene

JUDGED = 50
"""Starts in each direction for the columns of the table that tell of all starts."""


def field_answer(problem: Problem, n: int) -> dict[str, Any]:
    """The surface on n × n points, what is known of its minima, and the data of the line fit."""
    surface = problem.surface
    z = grid_of(problem, n)
    line = surface.name == "line"
    return {
        "n": n,
        "z": packed(z),
        "low": (low := float(np.nanmin([z.min(), problem.lowest]))),
        "unit": unit_of(z, low),
        "log": surface.log,
        "minima": [[*map(float, point), problem.at(point)[0]] for point in problem.minima],
        "data": problem.data.tolist() if line else None,
    }


def grid_of(problem: Problem, n: int) -> np.ndarray:
    """The values on n × n points, a row for each y; what is not finite is the largest that is."""
    xs, ys = np.linspace(*problem.surface.x, n), np.linspace(*problem.surface.y, n)
    z = np.array([[problem.at((x, y))[0] for x in xs] for y in ys])
    finite = np.isfinite(z)
    return np.where(finite, z, np.max(z, where=finite, initial=-np.inf) if finite.any() else 0.0)


def unit_of(z: np.ndarray, low: float) -> float:
    """What a logarithmic scale counts in: heights are log10(1 + (value - low) / unit)."""
    return float(max(np.median(z) - low, 1e-12) / 300.0)


def paths_answer(problem: Problem, scene: Scene) -> dict[str, Any]:
    """The descents of all chosen rules; of a rule that refuses its hyperparameters, why."""
    found: dict[str, Any] = {}
    for name, chosen in scene.rules.items():
        try:
            found[name] = path_answer(problem, chosen, descend(problem, chosen, scene.start))
        except (TypeError, ValueError) as error:
            found[name] = {"error": str(error)}
    return {"rules": found}


def path_answer(
    problem: Problem, chosen: Chosen, descent: Descent, pack: Callable[[np.ndarray], str] = packed
) -> dict[str, Any]:
    """One rule's descent: what was recorded, its lines with their numbers, and the judge's columns."""
    numbers = numbers_of(chosen, descent)
    return {
        "points": pack(descent.points),
        "gradients": pack(descent.gradients),
        "values": pack(descent.values),
        "states": {name: pack(state) for name, state in descent.states.items()},
        "coefficients": pack(numbers.coefficients),
        "traced": pack(numbers.traced),
        "keys": numbers.keys,
        "lines": described(numbers.formula),
        **verdict(descent, problem.lowest),
    }


def basins_answer(problem: Problem, chosen: Chosen, scene: Scene, tell: Callable[[float], None]) -> dict[str, Any]:
    """Where n × n starts end."""
    found = basins(problem, chosen, scene.n, tell)
    return {
        "n": scene.n,
        "ends": packed(found.ends, "<i2"),
        "since": packed(found.since, "<i4"),
        **_told(problem, found),
    }


def judge_answer(problem: Problem, chosen: Chosen, scene: Scene, tell: Callable[[float], None]) -> dict[str, Any]:
    """Of a grid of starts the share that arrives, and the median of their steps."""
    found = basins(problem, chosen, JUDGED, tell)
    return _told(problem, found)


def _told(problem, found):
    """The share that arrives and the median of the steps; None where no minimum is known, and where none arrives."""
    return {"share": found.share if len(problem.minima) else None, "median": finite(found.median)}


def tune_answer(problem: Problem, chosen: Chosen, scene: Scene, tell: Callable[[float], None]) -> dict[str, Any]:
    """The best of 40 learning rates at this surface and start: over too soon to tell of its progress."""
    found = tune(problem, chosen, scene.start)
    return {"values": [finite(value) for value in found.values], "best": found.best}


OVER_RULES = {"basins": basins_answer, "judge": judge_answer, "tune": tune_answer}
"""What is computed rule by rule, in a job; `tell` hears which share of a rule is done, and may raise to stop."""
