"""The state before the first step, as a rule's `start` says."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..functions import reads_values


def first_state(
    cls: type, group: Any, shape: tuple[int, ...], dtype: np.dtype, read: Callable[[], np.ndarray], where: str
) -> list[np.ndarray] | None:
    """The first state of weights of this shape, an array for each buffer; None where all are zero.

    `read()` gives the weights, for a `start` that reads them. Errors begin with `where`.
    """
    if not starts(cls):
        return None
    hyper = {name: getattr(group, name) for name in cls.declaration.starts}
    values = cls.start(read() if reads_values(cls.start) else np.broadcast_to(np.zeros((), dtype), shape), **hyper)
    states = group.rule.states
    if not isinstance(values, tuple) or len(values) != len(states):
        raise TypeError(f"{where}: expected a tuple of {', '.join(states)}, not {values!r}")
    try:
        return [_like(value, shape, dtype) for value in values]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected numbers, or arrays of shape {shape}: {error}") from None


def starts(cls: type) -> bool:
    """Whether a rule has a `start` of its own."""
    from ..optimizer import Optimizer

    return cls.start is not Optimizer.start


def _like(value, shape, dtype):
    """A first state as an array of this shape and dtype."""
    value = np.asarray(value)
    with np.errstate(over="ignore", under="ignore"):
        found = value.astype(dtype)
    if value.dtype.kind == "f":
        lost = value[(np.isinf(found) & np.isfinite(value)) | ((found == 0) & (value != 0))]
        if lost.size:
            raise ValueError(f"{dtype} cannot hold {lost.flat[0]!r}")
    return np.broadcast_to(found, shape)
