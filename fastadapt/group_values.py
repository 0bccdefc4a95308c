"""The values of a group's hyperparameters, and the numbers of its row."""

from dataclasses import dataclass

import numpy as np

from .bounds import inward
from .group_checks import decays_of
from .hyperparameters import OURS, Value
from .quick import Quick

FORGETTING = [name for name, each in OURS.items() if each.forgets]


@dataclass(frozen=True, slots=True)
class Values:
    """What a group says beside its row: all of it changes by one assignment."""

    own: tuple[str, ...]
    """The hyperparameters of which it has a value of its own."""
    others: dict[str, Value]
    """Those that `coefficients` does not take; the others are in the row alone."""
    cells: memoryview
    """The row until the next change, which releases it: what was prepared before can no longer write."""
    quick: dict[str, Quick]
    """What is known of numbers that were assigned since."""


def numbers_of(cls: type, apart: dict[str, Value], every: dict[str, Value]) -> np.ndarray:
    """The row of a group that says these `apart` from the optimizer's own."""
    (decay, decoupled), bounds = decays_of(cls, every), (every["lower"], every["upper"])
    numbers = [
        *(number for name in ("max_norm", "max_value") for number in (name in apart, every[name])),
        OURS["nonfinite"].choices.index(every["nonfinite"]),
        *bounds,
        *inward(*bounds, np.dtype(np.float32)),
        OURS["average"].choices.index(every["average"]),
        *(every[name] for name in ("average_decay", "average_warmup", "average_from")),
        -1.0 if every["maximize"] else 1.0,
        decay,
        1.0 - every["lr"] * decoupled if decoupled else 1.0,
        any(every.get(name) == 0 for name in FORGETTING),
        *(every[name] for name in cls.declaration.names),
    ]
    return np.array(numbers, np.float64)
