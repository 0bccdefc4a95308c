"""Arrays in JSON: base64 of their bytes, exact and quick, and NaN is no trouble."""

import base64
from typing import Any

import numpy as np


def packed(array: Any, kind: str = "<f8") -> str:
    """The numbers of an array, row by row, as base64 of this type: what `unpackedNumbers` in JavaScript takes."""
    return base64.b64encode(np.ascontiguousarray(array, np.dtype(kind)).tobytes()).decode()


def packed_steps(array: Any) -> str:
    """Single precision of what changes little by step: two thirds of the size once it is compressed.

    Of each number's bits those of the second before it are taken away, for numbers mostly come in pairs; the lowest
    bytes of all come first, and the highest last.
    """
    # A descent that left the numbers is infinite a little sooner.
    with np.errstate(over="ignore"):
        bits = np.ascontiguousarray(array, "<f4").view("<u4").ravel()
    changes = bits.copy()
    changes[2:] -= bits[:-2]
    return packed(changes.view(np.uint8).reshape(-1, 4).T, "u1")


def finite(value: float) -> float | None:
    """A number for JSON, which has no NaN and no infinity: None stands for them."""
    return float(value) if np.isfinite(value) else None
