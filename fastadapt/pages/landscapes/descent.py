"""The descent of one rule: real calls of `opt.step`, with all that there is to see at every step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...rule import Rule
from .chosen import Chosen
from .problem import Problem


@dataclass(frozen=True)
class Descent:
    """What a rule did from a start: row k is before step k + 1, and the last row after the last step.

    points : (steps + 1, 2)
    gradients : (steps + 1, 2), as the rule was given them
    values : (steps + 1,), of all data and without noise
    states : by name, (steps + 1, 2)
    rule : the `update` that ran
    """

    points: np.ndarray
    gradients: np.ndarray
    values: np.ndarray
    states: dict[str, np.ndarray]
    rule: Rule


def descend(problem: Problem, chosen: Chosen, start: Any) -> Descent:
    """Take `problem.settings.steps` steps of a rule from a start."""
    steps = problem.settings.steps
    x, g = np.array(start, np.float64), np.zeros(2)
    opt = chosen.rule(x, **chosen.hyper)
    states = dict(opt.state)
    points, gradients, values = np.zeros((steps + 1, 2)), np.zeros((steps + 1, 2)), np.zeros(steps + 1)
    kept = {name: np.zeros((steps + 1, 2)) for name in states}
    rates = chosen.rates(steps) if chosen.decay else None
    for k in range(steps + 1):
        values[k] = problem.direct(x, g, k + 1, *problem.shared)
        points[k], gradients[k] = x, g
        for name, state in states.items():
            kept[name][k] = state
        if k == steps:
            break
        if rates is not None:
            opt.lr = float(rates[k])
        opt.step(g)
    return Descent(points, gradients, values, kept, opt._groups[0].rule)
