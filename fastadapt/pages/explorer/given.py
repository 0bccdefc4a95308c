"""A network of the user's: functions of a tree of arrays, and what is found out about them."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

from .gradients import refuse_wrong_gradient
from .model import PREDICTIONS, Values
from .trees import Structure


class Given:
    """Functions of the user's, which are handed a new tree at each call."""

    key, computing = "yours", nullcontext

    def __init__(
        self,
        loss: Callable,
        start: object,
        error: Callable | None = None,
        grad: Callable | None = None,
        predictions: Callable | None = None,
    ):
        for name, function in {"loss": loss, "error": error, "grad": grad, "predictions": predictions}.items():
            if not callable(function) and (function is not None or name == "loss"):
                raise TypeError(f"{name}: expected a function of a tree like start, not {type(function).__name__}")
        self.structure = Structure(start)
        if self.structure.size < 2:
            raise ValueError("start: expected at least two weights, which a plane needs")
        self.start = self.structure.vector(start, "start")
        self._loss, self._error, self._grad, self._predictions = loss, error, grad, predictions
        self.metrics = ("loss", "error") if error else ("loss",)
        self.can_train = grad is not None
        first = self.evaluate(self.start).loss
        if not np.isfinite(first):
            raise ValueError(f"loss: expected a finite number at start, not {first}")
        if grad is not None:
            refuse_wrong_gradient(self.structure, self._loss_at, self.start, self.gradient(self.start))

    def _loss_at(self, weights):
        return _number(self._loss(self.structure.tree(weights)), "loss")

    def evaluate(self, weights: np.ndarray) -> Values:
        """The user's loss, and error if there is one."""
        loss = self._loss_at(weights)
        error = _number(self._error(self.structure.tree(weights)), "error") if self._error else np.nan
        return Values(loss, error, np.nan, np.nan)

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The user's gradient as a vector; ValueError if they gave none."""
        if self._grad is None:
            raise ValueError(
                "grad: expected a function, which training and curvature need: fa.pages.explore(..., grad=...)"
            )
        return self.structure.vector(self._grad(self.structure.tree(weights)), "grad")

    def predictions(self, weights: np.ndarray) -> dict:
        """The user's own lines about these weights, as text."""
        if self._predictions is None:
            return {"kind": "none"}
        lines = self._predictions(self.structure.tree(weights))
        return {"kind": "text", "lines": [str(line) for line in np.atleast_1d(np.asarray(lines, object))[:PREDICTIONS]]}


def _number(value, name):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, not {type(value).__name__}") from None
