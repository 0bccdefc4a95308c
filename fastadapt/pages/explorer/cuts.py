"""Cuts of one dimension through the loss: from the start to an end, and along the top curvature of an end."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .curvature import Curvature, top_curvature
from .model import Model, values_at

POINTS = 41
BEYOND = 0.25
"""How far a cut goes on beyond the start and the end, in shares of the distance between them."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Values at the distances `along` (k,) on a line; of a cut through both, the start is at 0 and the end at 1."""

    along: np.ndarray
    values: dict[str, np.ndarray]
    unit: float


def cut_to_end(model: Model, start: np.ndarray, end: np.ndarray, tell: Callable = lambda share: None) -> Cut:
    """The straight line from the start to an end, which no rule took; `unit` is the distance between both."""
    start, end = (np.asarray(point, np.float64) for point in (start, end))
    along = np.linspace(-BEYOND, 1 + BEYOND, POINTS)
    return Cut(along, _values(model, start, end - start, along, tell), float(np.linalg.norm(end - start)))


def cut_along(
    model: Model, centre: np.ndarray, direction: np.ndarray, reach: float, tell: Callable = lambda share: None
) -> Cut:
    """The line through the centre along a unit direction, as far as `reach` to both sides."""
    along = np.linspace(-reach, reach, POINTS)
    return Cut(along, _values(model, np.asarray(centre, np.float64), direction, along, tell), 1.0)


def steepest_cut(model: Model, centre: np.ndarray, tell: Callable = lambda share: None) -> tuple[Curvature, Cut]:
    """The top curvature at the centre, and the cut along its direction, where a parabola of it rises by 2."""
    with model.computing():
        found = top_curvature(model.gradient, centre, tell=lambda share: tell(0.8 * share))
        reach = np.sqrt(4 / max(abs(found.value), 1e-3))
        cut = cut_along(model, centre, found.direction, reach, tell=lambda share: tell(0.8 + 0.2 * share))
    return found, cut


def _values(model, origin, direction, along, tell):
    return values_at(model, (origin + a * direction for a in along), len(along), tell)
