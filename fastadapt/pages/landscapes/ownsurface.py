"""A reader's function as a surface of the page: compiled, and its minima found, when it is first asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from .begin import begin
from .catalogue import Surface
from .lows import lows_of
from .own import Own
from .problem import Problem, Settings

FAR, NARROW = 1e6, 1e-4
"""Of a range: how far it reaches, and how narrow it is beside 1 and its numbers; differences need steps of 6e-6."""

GRID, SLOW_GRID = 161, 41
"""Points in each direction among which minima are looked for; the second for functions that Numba cannot compile."""


@dataclass(frozen=True)
class OwnSurface:
    """A reader's function, where it is shown, and its minima where they were given."""

    own: Own
    surface: Surface
    known: np.ndarray | None
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def prepared(self) -> bool:
        """Whether the function is compiled and its minima are found."""
        return "minima" in self.__dict__

    @property
    def why(self) -> str:
        """Why Numba cannot compile it; "" where it can."""
        return self.own.objectives[2]

    @cached_property
    def minima(self) -> np.ndarray:
        """The minima: those that were given, or those found on a grid."""
        if self.known is not None:
            return self.known
        problem = self._problem(Settings(steps=1), np.zeros((0, 2)))
        n = SLOW_GRID if self.why else GRID
        return lows_of(lambda x, y: problem.at((x, y))[0], self.surface.x, self.surface.y, n)

    def problem(self, settings: Settings) -> Problem:
        """A problem on it."""
        with self._lock:
            return self._problem(settings, self.minima)

    def _problem(self, settings, minima):
        many, direct, _ = self.own.objectives
        return Problem(self.surface, settings, many, direct, minima)

    def told(self) -> dict[str, Any]:
        """What the page says of it: whether the gradient is by differences, and why there are no basins."""
        compiled = "objectives" in self.own.__dict__
        return {
            "name": self.own.name,
            "differences": not self.own.gives_gradient,
            "why": self.why if compiled else "",
        }


def own_surface(function: Callable, x: Any, y: Any, start: Any = None, minima: Any = None) -> OwnSurface:
    """A reader's function as a surface; TypeError or ValueError names what does not fit."""
    (a, b), (c, d) = _range("x", x), _range("y", y)
    own, start = begin(function, (a, b), (c, d), None if start is None else pair("start", start))
    known = None if minima is None else _points(minima)
    # A quarter of the diagonal in 100 steps, and steps of a hundredth of the range.
    pace = max(b - a, d - c) / 100.0
    return OwnSurface(own, Surface("own", -1, (a, b), (c, d), (), start, pace, pace), known)


def pair(name: str, value: Any) -> tuple[float, float]:
    """Two finite numbers."""
    try:
        first, second = map(float, value)
    except (TypeError, ValueError):
        raise TypeError(f"landscape: expected {name} to be two numbers, not {value!r}") from None
    if not np.isfinite([first, second]).all():
        raise ValueError(f"landscape: expected {name} to be finite, not {value!r}")
    return first, second


def _range(name, value):
    low, high = pair(name, value)
    if not low < high:
        raise ValueError(f"landscape: expected {name} to go from low to high, not {value!r}")
    if max(-low, high) > FAR or high - low < NARROW * max(1.0, abs(low), abs(high)):
        raise ValueError(
            f"landscape: expected {name} to be within {FAR:g} of zero, and wider than {NARROW:g} times its numbers, "
            f"not {value!r}"
        )
    return low, high


def _points(minima):
    points = np.array(minima, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"landscape: expected minima to be pairs of finite numbers, not {minima!r}")
    return points
