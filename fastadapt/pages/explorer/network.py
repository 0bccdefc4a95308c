"""Our own networks: perceptrons on digits or spirals, as functions of one vector of weights."""

from functools import cached_property

import numpy as np

from ...commands import digits
from . import data
from .model import PREDICTIONS, Values
from .quiet import one_blas_thread
from .trees import Structure

CELLS = 40
"""Cells a side of the map of what a network on spirals predicts."""


class Network:
    """A perceptron with tanh on digits or spirals; the weights come as one vector, the split and the start by seed."""

    metrics, computing = Values._fields, staticmethod(one_blas_thread)
    can_train = True

    def __init__(self, name: str, hidden: tuple[int, ...], seed: int):
        if name not in data.NAMES:
            raise ValueError(f"data: expected one of {', '.join(data.NAMES)}, not {name!r}")
        self.name, self.hidden, self.seed = name, tuple(hidden), seed
        self.data = data.load(name, seed)
        widths = [self.data.X.shape[1], *hidden, int(self.data.y.max()) + 1]
        # Other numbers than those of the split, which come from the seed itself.
        tree = digits.initial(widths, np.random.default_rng([seed, 1]))
        self.structure = Structure(tree)
        self.start = self.structure.vector(tree, "start")
        self.key = repr((name, self.hidden, seed))
        self.widths = widths

    def evaluate(self, weights: np.ndarray) -> Values:
        """All losses and errors of these weights, computed in float32 as the training is."""
        params = self._params(weights)
        with np.errstate(over="ignore", invalid="ignore"):
            train = _loss_and_error(params, self.data.X, self.data.y)
            test = _loss_and_error(params, self.data.X_test, self.data.y_test)
        return Values(*train, *test)

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The gradient of the loss over the whole training set, in float64: differences of it are taken."""
        params = self.structure.split(np.asarray(weights, np.float64))
        grads = digits.gradients(params, self._inputs, self.data.y)
        return np.concatenate([grad.ravel() for grad in grads])

    def batch_gradients(self, params: list[np.ndarray], rows: np.ndarray) -> list[np.ndarray]:
        """The gradients of the loss over some rows of the training set."""
        return digits.gradients(params, self.data.X[rows], self.data.y[rows])

    def predictions(self, weights: np.ndarray) -> dict:
        """What the network says at these weights: of 16 test images, or of the plane that the spirals lie in."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._spiral_map(weights) if self.name == "spirals" else self._images(weights)

    def _images(self, weights):
        p = self._probabilities(weights, self.data.X_test[:PREDICTIONS])
        pixels = np.rint(16 * self.data.X_test[:PREDICTIONS]).astype(int).reshape(PREDICTIONS, 8, 8)
        found = [
            {"pixels": image.tolist(), "label": int(label), "says": int(row.argmax()), "sure": float(row.max())}
            for image, label, row in zip(pixels, self.data.y_test, p, strict=False)
        ]
        return {"kind": "images", "images": found}

    def _spiral_map(self, weights):
        reach = float(np.abs(self.data.X).max()) * 1.05
        side = np.linspace(-reach, reach, CELLS, dtype=np.float32)
        X = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        p = self._probabilities(weights, X)
        return {
            "kind": "map",
            "reach": reach,
            "says": p.argmax(axis=1).reshape(CELLS, CELLS).tolist(),
            "sure": np.round(p.max(axis=1), 3).reshape(CELLS, CELLS).tolist(),
            "points": np.round(self.data.X_test, 3).tolist(),
            "labels": self.data.y_test.tolist(),
        }

    def _probabilities(self, weights, X):
        return np.exp(digits.log_softmax(digits.activations(self._params(weights), X)[-1]))

    def _params(self, weights):
        return self.structure.split(np.asarray(weights, np.float32))

    @cached_property
    def _inputs(self):
        return self.data.X.astype(np.float64)


def _loss_and_error(params, X, y):
    """As `digits.loss` and one minus `digits.accuracy`, in one pass through the network."""
    scores = digits.activations(params, X)[-1]
    log_p = digits.log_softmax(scores)[np.arange(len(y)), y]
    return -float(log_p.mean(dtype=np.float64)), float((scores.argmax(axis=1) != y).mean())
