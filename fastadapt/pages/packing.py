"""Arrays in JSON: base64 of their bytes, exact and quick, and NaN is no trouble."""

import base64
from typing import Any

import numpy as np


def packed(array: Any, kind: str = "<f8") -> str:
    """The numbers of an array, row by row, as base64 of this type: what `unpackedNumbers` in JavaScript takes."""
    return base64.b64encode(np.ascontiguousarray(array, np.dtype(kind)).tobytes()).decode()


def finite(value: float) -> float | None:
    """A number for JSON, which has no NaN and no infinity: None stands for them."""
    return float(value) if np.isfinite(value) else None
