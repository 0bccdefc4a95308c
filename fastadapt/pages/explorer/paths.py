"""A path beside its plane: where it falls on it, how far off it is, and the loss there beside the true one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .model import Model, Values
from .plane import Plane
from .training import Path


@dataclass(frozen=True, eq=False)
class Shadow:
    """A path on a plane: coordinates (k, 2), distances off it (k,), distances from the start (k,), values below it."""

    coordinates: np.ndarray
    off: np.ndarray
    away: np.ndarray
    below: dict[str, np.ndarray]


def true_values(model: Model, path: Path, tell: Callable = lambda share: None) -> dict[str, np.ndarray]:
    """The values at the weights that a path had."""
    return _values(model, path.weights, tell)


def shadow(model: Model, plane: Plane, path: Path, tell: Callable = lambda share: None) -> Shadow:
    """The path projected on the plane, with the values of the plane below it."""
    coordinates, off = plane.project(path.weights)
    below = _values(model, (plane.at(a, b) for a, b in coordinates), tell, len(coordinates))
    away = np.linalg.norm(path.weights.astype(np.float64) - model.start, axis=1)
    return Shadow(coordinates, off, away, below)


def _values(model, points, tell, count=None):
    count, rows = count or len(points), []
    with model.computing():
        for k, point in enumerate(points):
            rows.append(model.evaluate(point))
            tell((k + 1) / count)
    return dict(zip(Values._fields, np.array(rows).T, strict=True))
