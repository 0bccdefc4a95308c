"""The top curvature of a loss: the largest eigenvalue of its Hessian, by Lanczos on differences of gradients."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-3
"""Converged where the residual is below this share of the eigenvalue."""

STEP = 1e-4
"""Length of the step of a difference, over the weights' root mean square: small enough for the third derivative, and
large enough for the rounding of gradients of float64."""


class Curvature(NamedTuple):
    """The largest eigenvalue and its direction, and how far it is found.

    An eigenvalue lies within `residual` of `value`; `lowest` is the smallest that the same search saw.
    """

    value: float
    direction: np.ndarray
    residual: float
    lowest: float
    rounds: int
    converged: bool


def top_curvature(
    gradient: Callable[[np.ndarray], np.ndarray],
    weights: np.ndarray,
    seed: int = 0,
    most: int = 40,
    tell: Callable[[float], None] = lambda share: None,
) -> Curvature:
    """Lanczos with every vector orthogonalized against all before; two gradients a round, at most `most` rounds.

    `gradient` is called with float64 vectors; gradients of float32 do for two or three digits.
    """
    weights = np.asarray(weights, np.float64)
    most = min(most, weights.size)
    length = STEP * max(np.sqrt((weights**2).mean()), 1e-2) * np.sqrt(weights.size)
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(weights.size)
    basis = [vector / np.linalg.norm(vector)]
    diagonal, beside = [], []
    for rounds in range(1, most + 1):
        last = basis[-1]
        image = _hessian_times(gradient, weights, last, length)
        diagonal.append(float(last @ image))
        rest = _orthogonal(image, basis)
        beside.append(float(np.linalg.norm(rest)))
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
        value, residual = float(values[-1]), abs(float(beside[-1] * vectors[-1, -1]))
        exhausted = beside[-1] <= 1e-10 * max(abs(values).max(), 1e-300)
        converged = exhausted or (rounds > 2 and residual <= TOLERANCE * abs(value))
        tell(1.0 if converged else rounds / most)
        if converged or rounds == most:
            break
        basis.append(rest / beside[-1])
    direction = vectors[:, -1] @ np.stack(basis)
    return Curvature(value, direction / np.linalg.norm(direction), residual, float(values[0]), rounds, bool(converged))


def _hessian_times(gradient, weights, direction, length):
    """A central difference of gradients along a unit direction."""
    up, down = (np.asarray(gradient(weights + sign * length * direction), np.float64) for sign in (1, -1))
    return (up - down) / (2 * length)


def _orthogonal(vector, basis):
    rows = np.stack(basis)
    for _ in range(2):  # once is not enough where little is left
        vector = vector - (rows @ vector) @ rows
    return vector
