"""What a network is to the explorer: functions of one vector of weights."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np

from .trees import Structure

PREDICTIONS = 16
"""Test images, or lines of the user's, that a point shows."""


class Values(NamedTuple):
    """Mean losses and shares of errors, of the training set and of the test; NaN for what does not exist."""

    loss: float
    error: float
    test_loss: float
    test_error: float


class Model(Protocol):
    """A network that is explored: one of our own, or the user's.

    key : tells networks apart
    structure, start : of its weights, and where all paths begin
    metrics : the names of those of `Values` that exist
    can_train : whether there are gradients
    """

    key: str
    structure: Structure
    start: np.ndarray
    metrics: tuple[str, ...]
    can_train: bool

    def computing(self) -> AbstractContextManager:
        """What is open while many values are computed."""

    def evaluate(self, weights: np.ndarray) -> Values:
        """All losses and errors of these weights."""

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The gradient of the loss over all training data, as a vector."""

    def predictions(self, weights: np.ndarray) -> dict:
        """What the network says at these weights, as JSON."""


def values_at(
    model: Model, points: Iterable[np.ndarray], count: int, tell: Callable[[float], None]
) -> dict[str, np.ndarray]:
    """The values at so many weights, by name: (count,)."""
    rows = []
    with model.computing():
        for k, weights in enumerate(points):
            rows.append(model.evaluate(weights))
            tell((k + 1) / count)
    return dict(zip(Values._fields, np.array(rows).T, strict=True))
