"""The descent of one rule: real calls of `opt.step`, with all that there is to see at every step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...optimizer import Optimizer
from ...rule import Rule
from .arrivals import arrivals
from .problem import Problem


@dataclass(frozen=True)
class Descent:
    """What a rule did from a start: row k is before step k + 1, and the last row after the last step.

    points : (steps + 1, 2)
    gradients : (steps + 1, 2), as the rule was given them
    values : (steps + 1,), of all data and without noise
    states : by name, (steps + 1, 2)
    stay : near which minimum it ended (-1: none), and since which step
    rule : the `update` that ran
    """

    points: np.ndarray
    gradients: np.ndarray
    values: np.ndarray
    states: dict[str, np.ndarray]
    stay: tuple[int, int]
    rule: Rule


def descend(problem: Problem, rule: type[Optimizer], hyper: dict[str, Any], start: Any, decay: float = 0.0) -> Descent:
    """Take `problem.settings.steps` steps of a rule from a start; its rate is `lr / (1 + decay * (t-1))` at step t."""
    steps = problem.settings.steps
    x, g = np.array(start, np.float64), np.zeros(2)
    opt = rule(x, **hyper)
    states = dict(opt.state)
    points, gradients, values = np.zeros((steps + 1, 2)), np.zeros((steps + 1, 2)), np.zeros(steps + 1)
    kept = {name: np.zeros((steps + 1, 2)) for name in states}
    rates = rates_of(opt.lr, decay, steps) if decay else None
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
    ends, since = arrivals(points[np.newaxis], problem.minima, problem.surface.near)
    return Descent(points, gradients, values, kept, (int(ends[0]), int(since[0])), opt._groups[0].rule)


def rates_of(lr: float, decay: float, steps: int) -> np.ndarray:
    """The learning rate of each step."""
    return lr / (1.0 + decay * np.arange(steps))
