"""The answers of page 1, as JSON."""

from typing import Any

import numpy as np

from ..packing import packed
from .contenders import Contender
from .descent import Descent
from .formula import described
from .judge import verdict
from .numbers import numbers_of
from .problem import Problem


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
        "near": surface.near,
        "data": problem.data.tolist() if line else None,
    }


def grid_of(problem: Problem, n: int) -> np.ndarray:
    """The values on n × n points, a row for each y; what is not finite is the largest that is."""
    xs, ys = np.linspace(*problem.surface.x, n), np.linspace(*problem.surface.y, n)
    z = np.array([[problem.at((x, y))[0] for x in xs] for y in ys])
    return np.where(np.isfinite(z), z, np.max(z, where=np.isfinite(z), initial=-1e300))


def unit_of(z: np.ndarray, low: float) -> float:
    """What a logarithmic scale counts in: heights are log10(1 + (value - low) / unit)."""
    return float(max(np.median(z) - low, 1e-12) / 300.0)


def rule_answer(
    problem: Problem, contender: Contender, hyper: dict[str, Any], descent: Descent, decay: float
) -> dict[str, Any]:
    """One rule's descent: what was recorded, its lines with their numbers, and the judge's columns."""
    numbers = numbers_of(contender, hyper, descent.rule, descent, decay)
    return {
        "points": packed(descent.points),
        "gradients": packed(descent.gradients),
        "values": packed(descent.values),
        "states": {name: packed(state) for name, state in descent.states.items()},
        "coefficients": packed(numbers.coefficients),
        "traced": packed(numbers.traced),
        "keys": numbers.keys,
        "lines": described(numbers.formula),
        **verdict(descent, problem.lowest),
    }
