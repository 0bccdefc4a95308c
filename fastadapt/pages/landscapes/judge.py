"""How a descent is judged: the value that it ends with, and the steps until it is within 1% of the lowest."""

import numpy as np

from ..packing import finite
from .descent import Descent

WITHIN = 0.01


def steps_within(values: np.ndarray, lowest: float, share: float = WITHIN) -> int | None:
    """The step since which the value stays within this share of the way from the start to the lowest; None: never."""
    if not np.isfinite(lowest) or not np.isfinite(values[0]):
        return None
    far = ~(values - lowest <= share * (values[0] - lowest))
    if far[-1]:
        return None
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


def verdict(descent: Descent, lowest: float) -> dict:
    """The columns of the table that one descent fills; None for what is not finite, or never."""
    return {"end": finite(descent.values[-1]), "within": steps_within(descent.values, lowest)}
