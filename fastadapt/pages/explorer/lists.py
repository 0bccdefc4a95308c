"""Arrays as JSON has them: five significant digits, and null for what is not finite."""

from collections.abc import Mapping
from math import isfinite

import numpy as np


def numbers(array: np.ndarray) -> list:
    """An array of any dimension as nested lists."""
    array = np.asarray(array, np.float64)
    if array.ndim > 1:
        return [numbers(row) for row in array]
    return [short(value) for value in array.tolist()]


def tables(values: Mapping[str, np.ndarray], names: tuple[str, ...]) -> dict[str, list]:
    """Some of several arrays, by name."""
    return {name: numbers(values[name]) for name in names}


def short(value: float) -> float | None:
    """A number with five significant digits."""
    return float(f"{value:.5g}") if isfinite(value) else None
