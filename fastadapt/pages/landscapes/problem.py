"""A surface with all that a descent on it depends on: parameter, data, batches, noise and their seed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .catalogue import Surface
from .minima import minima_of

TRUE_LINE = 1.4, 0.5
SCATTER = 0.5


@dataclass(frozen=True)
class Settings:
    """What the reader can change of a surface.

    parameter : of the surface; None is its default
    points, batch : of the line fit; a batch of 0 is all points
    noise : standard deviation of what is added to each component of the gradient
    seed : of the data, the batches and the noise
    steps : how many
    """

    parameter: float | None = None
    points: int = 30
    batch: int = 0
    noise: float = 0.0
    seed: int = 0
    steps: int = 300


@dataclass(frozen=True)
class Problem:
    """A surface with settings, ready for descents.

    many : the objective for `fa.minimize_many`
    direct : the same, compiled for a call from Python
    """

    surface: Surface
    settings: Settings
    many: Callable
    direct: Callable
    known: np.ndarray | None = field(default=None)

    @cached_property
    def parameter(self) -> float:
        """The surface's parameter."""
        default = self.surface.parameter.default if self.surface.parameter else 1.0
        return default if self.settings.parameter is None else self.settings.parameter

    @cached_property
    def data(self) -> np.ndarray:
        """The points of the line fit, (points, 2), scattered about a line."""
        rng = np.random.default_rng((1, self.settings.seed))
        x = rng.uniform(0.0, 2.0, self.settings.points)
        slope, height = TRUE_LINE
        return np.column_stack([x, slope * x + height + SCATTER * rng.standard_normal(len(x))])

    @cached_property
    def minima(self) -> np.ndarray:
        """Where the minima are, the lowest first: (n, 2)."""
        return minima_of(self.surface, self.parameter, self.data) if self.known is None else self.known

    @cached_property
    def lowest(self) -> float:
        """The value at the lowest minimum; NaN where none is known."""
        return self.at(self.minima[0])[0] if len(self.minima) else np.nan

    @cached_property
    def shared(self) -> tuple:
        """What the objective is given beside the point and the step."""
        return self.surface.number, self.parameter, self._noises(), moments_of(self.data), self._batches()

    def _noises(self):
        rng = np.random.default_rng((2, self.settings.seed))
        return self.settings.noise * rng.standard_normal((self.settings.steps + 1, 2))

    def _batches(self):
        """The moments of each step's batch: epoch after epoch, each in an order of its own."""
        points, batch, calls = self.settings.points, self.settings.batch, self.settings.steps + 1
        if not 0 < batch < points:
            return np.tile(moments_of(self.data), (calls, 1))
        rng = np.random.default_rng((3, self.settings.seed))
        epochs = -(-calls * batch // points)
        rows = np.concatenate([rng.permutation(points) for _ in range(epochs)])
        return moments_of(self.data[rows[: calls * batch].reshape(calls, batch)])

    @cached_property
    def _quiet(self):
        """`shared` without noise and batches."""
        number, k, _, whole, _ = self.shared
        return number, k, np.zeros((1, 2)), whole, whole[np.newaxis]

    def at(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and the gradient at a point, without noise and of all data."""
        g = np.zeros(2)
        return float(self.direct(np.asarray(x, np.float64), g, 1, *self._quiet)), g


def moments_of(points: np.ndarray) -> np.ndarray:
    """Of points (..., n, 2), pairs (u, v), the means of u, v, u², u*v and v²: (..., 5)."""
    u, v = points[..., 0], points[..., 1]
    return np.stack([each.mean(axis=-1) for each in (u, v, u * u, u * v, v * v)], axis=-1)
