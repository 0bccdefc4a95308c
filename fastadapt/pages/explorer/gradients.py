"""A user's gradient beside differences of their loss."""

from collections.abc import Callable
from math import isfinite

import numpy as np

from ...minimizing.gradient_check import check_gradient
from .trees import Structure

WRONG = 0.1
"""Relative difference from which it is not the gradient of the loss: far above what kinks and rounding do."""


def refuse_wrong_gradient(
    structure: Structure, loss: Callable[[np.ndarray], float], start: np.ndarray, gradient: np.ndarray
) -> None:
    """ValueError where the gradient at the start is not that of the loss, array by array.

    Each array is moved along its own gradient, where differences have the least noise, with two calls of the loss.
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in structure.shapes])
    for path, end, shape in zip(structure.containers.paths, ends, structure.shapes, strict=True):
        part = slice(end - int(np.prod(shape)), end)
        direction, length = _direction(gradient[part])
        worst = _difference(loss, start, part, direction, length)
        if worst is not None:
            raise ValueError(
                f"grad{path}: expected the gradient of the loss, but at start its length is {length:.6g}, and "
                f"differences of the loss along it give {worst:.6g}"
            )


def _direction(gradient):
    """The unit vector of a gradient and its length; of zeros, a direction at random."""
    gradient = gradient.astype(np.float64)
    length = float(np.linalg.norm(gradient))
    found = gradient if length else np.random.default_rng(0).standard_normal(gradient.size)
    return found / max(float(np.linalg.norm(found)), 1e-300), length


def _difference(loss, start, part, direction, length):
    """What differences along a direction give where that is not its length, by short steps and by long ones: losses
    computed in float32 need long ones, and small weights short ones."""
    for kind in (start.dtype.type, np.float32):

        def moved(t, kind=kind):
            weights = start.astype(np.float64)
            weights[part] += t[0] * direction
            return kind(loss(weights.astype(start.dtype))), np.array([length])

        worst = check_gradient(moved, np.zeros(1))[""]
        if worst.relative <= WRONG or not isfinite(worst.expected):
            return None
    return worst.expected
