"""A path beside its plane: where it falls on it, how far off it is, and the loss there beside the true one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .model import Model, values_at
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
    return values_at(model, path.weights, len(path.weights), tell)


def shadow(model: Model, plane: Plane, path: Path, tell: Callable = lambda share: None) -> Shadow:
    """The path projected on the plane, with the values of the plane below it."""
    coordinates, off = plane.project(path.weights)
    below = values_at(model, (plane.at(a, b) for a, b in coordinates), len(coordinates), tell)
    away = np.linalg.norm(path.weights.astype(np.float64) - model.start, axis=1)
    return Shadow(coordinates, off, away, below)
