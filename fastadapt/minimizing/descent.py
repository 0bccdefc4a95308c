"""Minimizing a function step by step until a test says that it is enough."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import count
from math import inf, isfinite
from numbers import Integral
from typing import Any

import numpy as np

from ..hyperparameters import real
from .callback import Callback
from .objective import Leaves, Objective, Separate

CONVERGED, LIMIT, NOT_FINITE, STOPPED = 0, 1, 2, 99
GTOL = "Optimization terminated successfully: the projected gradient is within gtol."
XTOL = "Optimization terminated successfully: the last step was within xtol."
FTOL = "Optimization terminated successfully: the value has not fallen by ftol for `patience` evaluations."
MAXITER = "Maximum number of iterations has been exceeded."
NOT_A_NUMBER = "The value of the function or its gradient is not finite."
BY_CALLBACK = "`callback` raised `StopIteration`."
"""Statuses and messages of results; the last one, and that of `maxiter`, are SciPy's."""


@dataclass(frozen=True)
class Stops:
    """When a descent ends, and what it gives back."""

    maxiter: int = 1000
    gtol: float = 1e-5
    ftol: float = 0.0
    xtol: float = 0.0
    patience: int = 10
    best: bool = True

    def checked(self, where: str) -> "Stops":
        """The same with Python's numbers; TypeError or ValueError, which begins with `where`, for what cannot be."""
        maxiter, patience = _whole(where, "maxiter", self.maxiter, 0), _whole(where, "patience", self.patience, 1)
        limits = {name: real(getattr(self, name), f"{where}: expected {name}") for name in ("gtol", "ftol", "xtol")}
        for name, value in limits.items():
            if not 0 <= value < inf:
                raise ValueError(f"{where}: expected {name} to be at least 0 and finite, not {value!r}")
        if not isinstance(self.best, bool | np.bool):
            raise TypeError(f"{where}: expected best to be True or False, not {self.best!r}")
        return Stops(maxiter, **limits, patience=patience, best=bool(self.best))


STOPS = tuple(each.name for each in fields(Stops))


def _whole(where, name, value, least):
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{where}: expected {name} to be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{where}: expected {name} to be at least {least}, not {value!r}")
    return int(value)


@dataclass(frozen=True)
class Point:
    """Where a descent is: copies of the leaves, the value there, if it is known, and the leaves of the gradient."""

    x: Leaves
    value: float | None
    gradient: Leaves


def descend(
    objective: Objective,
    step: Callable[[Leaves], None],
    x: Leaves,
    limits: tuple[Leaves, Leaves] | None,
    stops: Stops,
    callback: Callback | None,
) -> dict[str, Any]:
    """Call `step` with the leaves of the gradient, which changes the leaves `x` in place, until a test ends it.

    for k = 0, 1, ...:  value and gradient at x;  callback, if k > 0;  tests;  a step

    Returns a result's x and jac as leaves, fun, nit, nfev, njev, status, success and message.
    """
    valued = stops.best or stops.ftol > 0 or not isinstance(objective, Separate)
    valued = valued or (callback is not None and callback.takes_result)
    best = reached = before = None
    stale = 0
    for k in count():
        value, gradient = objective.at(x) if valued else (None, objective.gradient(x))
        finite = (value is None or isfinite(value)) and all(g is None or np.isfinite(g).all() for g in gradient)
        if finite and not (stops.best and best is not None and not value < best.value):
            best = Point([leaf.copy() for leaf in x], value, [g if g is None else g.copy() for g in gradient])
        status = message = None
        if callback is not None:  # which may call the function, whose gradient may be in one buffer each time
            gradient = [g if g is None else g.copy() for g in gradient]
        if k and callback is not None and callback(objective.point(x), value):
            status, message = STOPPED, BY_CALLBACK
        elif not finite:
            status, message = NOT_FINITE, NOT_A_NUMBER
        elif slope(x, gradient, limits) <= stops.gtol:
            status, message = CONVERGED, GTOL
        elif stops.xtol > 0 and k and _moved(x, before) <= stops.xtol * max(1.0, *map(_largest, x)):
            status, message = CONVERGED, XTOL
        elif stops.ftol > 0:
            fallen = reached is None or value < reached - stops.ftol * max(1.0, abs(reached))
            reached, stale = (value, 0) if fallen else (reached, stale + 1)
            if stale >= stops.patience:
                status, message = CONVERGED, FTOL
        if status is None and k == stops.maxiter:
            status, message = LIMIT, MAXITER
        if status is not None:
            break
        before = [leaf.copy() for leaf in x] if stops.xtol > 0 else None
        step(gradient)
    end = best or Point(x, value, gradient)
    found = objective.value(end.x) if end.value is None else end.value
    if status == CONVERGED and not isfinite(found):
        status, message = NOT_FINITE, NOT_A_NUMBER
    return {
        "x": end.x,
        "fun": found,
        "jac": end.gradient,
        "nit": k,
        "nfev": objective.nfev,
        "njev": objective.njev,
        "status": status,
        "success": status == CONVERGED,
        "message": message,
    }


def slope(x: Leaves, gradient: Leaves, limits: tuple[Leaves, Leaves] | None) -> float:
    """The largest component of a gradient, projected on the bounds: what a step along it would move within them."""
    if limits is None:
        return max([_largest(g) for g in gradient if g is not None], default=0.0)
    moves = [
        _largest(p - np.clip(p - g, lower, upper, dtype=np.float64))
        for p, g, lower, upper in zip(x, gradient, *limits, strict=True)
        if g is not None
    ]
    return max(moves, default=0.0)


def _moved(x, before):
    """The largest move of a number."""
    return max(_largest(now - was) for now, was in zip(x, before, strict=True))


def _largest(array):
    """The largest size of a number; 0 of none."""
    return float(np.abs(array).max(initial=0.0))
