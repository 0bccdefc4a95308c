"""Bounds of the weights: what a user may write for them."""

from typing import Any

import numpy as np


def bounds_of(bounds: Any, d: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper bounds of `d` weights, rounded inward to their dtype; infinite where there is none.

    bounds : None, `d` pairs (lower, upper) with None for none, one pair of numbers for all, or an object with `lb` and
        `ub`, as SciPy's

    Raises
    ------
    TypeError, ValueError
        No such thing; a lower bound above its upper, or NaN.
    """
    if bounds is None:
        return np.full(d, -np.inf, dtype), np.full(d, np.inf, dtype)
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        try:
            lower, upper = (np.broadcast_to(np.asarray(each, np.float64), (d,)) for each in (bounds.lb, bounds.ub))
        except ValueError:
            raise ValueError(f"bounds: expected lb and ub to be numbers, or {d} each, not {bounds!r}") from None
    else:
        lower, upper = _columns(bounds, d)
    for k in np.flatnonzero((lower == np.inf) | (upper == -np.inf)):
        raise ValueError(f"bounds[{k}]: expected a finite number between them, not ({lower[k]}, {upper[k]})")
    for k in np.flatnonzero(~(lower <= upper)):
        raise ValueError(f"bounds[{k}]: expected a lower bound no larger than its upper, not {lower[k]} and {upper[k]}")
    return inward(lower, upper, dtype)


def _columns(bounds, d):
    """The lower and the upper of pairs."""
    try:
        pairs = list(bounds)
        if len(pairs) == 2 and all(each is None or np.ndim(each) == 0 for each in pairs):
            pairs = [pairs] * d
        lower, upper = zip(*pairs, strict=True) if pairs else ((), ())
    except (TypeError, ValueError):
        raise TypeError(f"bounds: expected pairs (lower, upper), or an object with lb and ub, not {bounds!r}") from None
    if len(lower) != d:
        raise ValueError(f"bounds: expected {d} pairs, one for each number of a problem, not {len(lower)}")
    try:
        sides = zip((lower, upper), (-np.inf, np.inf), strict=True)
        return tuple(np.array([end if x is None else np.float64(x).item() for x in each]) for each, end in sides)
    except (TypeError, ValueError):
        raise TypeError(f"bounds: expected numbers, or None, in each pair, not {bounds!r}") from None


def inward(lower: Any, upper: Any, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of float64 as a dtype holds them, rounded inward; where they are one number, to the nearest."""
    low, high = _rounded(lower, dtype, np.less, np.inf), _rounded(upper, dtype, np.greater, -np.inf)
    with np.errstate(over="ignore"):
        nearest, same = np.asarray(lower, np.float64).astype(dtype), np.equal(lower, upper)
    return np.where(same, nearest, low), np.where(same, nearest, high)


def _rounded(values, dtype, outside, towards):
    """The bounds as the dtype holds them, the next one inside where rounding went outside."""
    values = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        found = values.astype(dtype)
    return np.where(outside(found, values), np.nextafter(found, dtype.type(towards)), found)
