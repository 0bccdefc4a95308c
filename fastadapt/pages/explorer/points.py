"""What the weights at a point are: their losses, accuracy and predictions; and training that begins there."""

from collections.abc import Callable

import numpy as np

from ..packing import finite
from .model import Model
from .plane import Plane
from .training import Path, train


def weights_at(model: Model, plane: Plane, a: float, b: float) -> np.ndarray:
    """The weights at a point of the plane, as the model holds weights."""
    return plane.at(a, b).astype(model.structure.dtype)


def seen(model: Model, weights: np.ndarray) -> dict:
    """Losses, errors and predictions of weights, as JSON; None for what does not exist."""
    with model.computing():
        values = model.evaluate(weights)
        found = model.predictions(weights)
    return {"values": {name: finite(value) for name, value in values._asdict().items()}, "predictions": found}


def train_from(
    model: Model,
    plane: Plane,
    point: tuple[float, float],
    rule: str,
    hyper: dict,
    epochs: int,
    batch: int,
    seed: int,
    tell: Callable[[float], None] = lambda share: None,
) -> Path:
    """Real steps in all weights from a point of the plane; its path is drawn where it falls on the plane."""
    return train(model, rule, hyper, epochs, batch, seed, weights_at(model, plane, *point), tell)
