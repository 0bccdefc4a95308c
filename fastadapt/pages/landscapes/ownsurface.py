"""A reader's function as a surface of the page: compiled, and its minima found, when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from .catalogue import Surface
from .lows import lows_of
from .own import Own
from .problem import Problem, Settings

GRID, SLOW_GRID = 161, 41
"""Points in each direction among which minima are looked for; the second for functions that Numba cannot compile."""


@dataclass(frozen=True)
class OwnSurface:
    """A reader's function, where it is shown, and its minima where they were given."""

    own: Own
    surface: Surface
    known: np.ndarray | None

    @cached_property
    def _lock(self):
        return Lock()

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
            "name": getattr(self.own.function, "__name__", "f"),
            "differences": not self.own.gives_gradient,
            "why": self.why if compiled else "",
        }
