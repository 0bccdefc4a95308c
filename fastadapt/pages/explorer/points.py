"""What the weights at a point are: their losses, accuracy and predictions."""

import numpy as np

from ..packing import finite
from .model import Model
from .plane import Plane


def weights_at(model: Model, plane: Plane, a: float, b: float) -> np.ndarray:
    """The weights at a point of the plane, as the model holds weights."""
    return plane.at(a, b).astype(model.structure.dtype)


def seen(model: Model, weights: np.ndarray) -> dict:
    """Losses, errors and predictions of weights, as JSON; None for what does not exist."""
    with model.computing():
        values = model.evaluate(weights)
        found = model.predictions(weights)
    return {"values": {name: finite(value) for name, value in values._asdict().items()}, "predictions": found}
