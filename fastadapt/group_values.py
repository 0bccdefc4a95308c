"""The values of a group's hyperparameters, the numbers of its row, and how one of these is assigned at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import nextafter
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from .bounds import inward
from .group_row import KEEP, VALUES
from .hyperparameters import OURS, Value, known, range_of

OUR_RULES, SAFE = "fastadapt.rules.", 1e20
"""Where those rules are that make of numbers up to this size coefficients of the first step that float32 holds."""

FORGETTING = [name for name, each in OURS.items() if each.forgets]


class Quick(NamedTuple):
    """A number of which nothing but its own range has to be looked at when it is assigned."""

    least: float
    most: float
    tried: bool
    """Whether the rule's coefficients have to be tried, too, because a user wrote it."""
    cells: memoryview
    place: int
    write: Callable[[float], Any] | None
    """What writes it to several rows, or with what follows from it, as one; without, it goes to its place in `cells`.

    Either raises one of RELEASED if the rows have changed otherwise since.
    """


RELEASED = ValueError, TypeError
"""What Python raises where memory that was released is written to; the second is of `Struct`."""


@dataclass(frozen=True, slots=True)
class Values:
    """The hyperparameters of a group: all change at once, by one assignment.

    Where `coefficients` takes a float, the row has what it is now, and these what it was.
    """

    own: dict[str, Value]
    every: dict[str, Value]
    others: list[tuple[int, Value]]
    """What `coefficients` takes that is no float, with its place there."""
    forgets: bool
    cells: memoryview
    """The row until the next change, which releases it: what was prepared before can no longer write."""
    quick: dict[str, tuple]
    """What is known of numbers that were assigned since, each as a `Quick`."""


def values_of(cls: type, own: dict[str, Value], every: dict[str, Value], row: np.ndarray) -> Values:
    """The values of a group that says these of its own, and has this row."""
    others = [(k, every[name]) for k, name in enumerate(cls._coefficient_names) if type(every[name]) is not float]
    return Values(own, every, others, _forgets(every), row.data, {})


def numbers_of(cls: type, apart: dict[str, Value], every: dict[str, Value]) -> list[float]:
    """The numbers of the row of a group that says these `apart` from the optimizer's own."""
    decay, decoupled = every["weight_decay"], every["decoupled"]
    return [
        *(number for name in ("max_norm", "max_value") for number in (name in apart, every[name])),
        OURS["nonfinite"].choices.index(every["nonfinite"]),
        *(bounds := (every["lower"], every["upper"])),
        *map(float, inward(*bounds, np.dtype(np.float32))),
        OURS["average"].choices.index(every["average"]),
        *(every[name] for name in ("average_decay", "average_warmup", "average_from")),
        -1.0 if every["maximize"] else 1.0,
        0.0 if decoupled else decay,
        1.0 - every["lr"] * decay if decay and decoupled else 1.0,
        _forgets(every),
        *(every[name] for name in cls._coefficient_names),
    ]


def _forgets(every):
    return any(every.get(name) == 0 for name in FORGETTING)


def quick_of(cls: type, name: str, rows: list[np.ndarray], values: list[Values], dtypes: Iterable) -> Quick | None:
    """How a float of `coefficients` is assigned at once where it counts; None if more has to be looked at."""
    each, k = known(name), VALUES + cls._coefficient_names.index(name)
    decays = [group.every["weight_decay"] * group.every["decoupled"] * (name == "lr") for group in values]
    # Where its meaning depends on whether it is 0, it stays what it is.
    meant = each.forgets or name in cls._switches or name in (*cls.requires, *cls.requires.values())
    least = 0.0 if each.shrinks and not meant else max((range_of(dtype)[0] for dtype in dtypes), default=1.0)
    most = SAFE if each.below is None else min(SAFE, nextafter(each.below, 0.0))
    safe = max(decays) <= 1e10 and all(abs(row[VALUES:]).max() <= SAFE for row in rows)
    if not (safe and least <= rows[0][k] <= most) or (any(decays) and k != VALUES):
        return None
    cells, forgets = [group.cells for group in values], float(values[0].forgets)
    tried = not str(cls._coefficients.__module__).startswith(OUR_RULES)
    return Quick(least, most, tried, cells[0], k, _writer(k, decays, cells, forgets))


def _writer(k, decays, cells, forgets):
    """The function that writes a number to this place of the rows, with what follows from it; None where it is one."""
    if len(cells) > 1:
        return lambda value: list(map(partial.__call__, list(_writes(k, decays, cells, value))))
    (row,), (decay,), place = cells, decays, KEEP * DECAYED.size // 3
    pack = DECAYED.pack_into
    return (lambda value: pack(row, place, 1.0 - value * decay, forgets, value)) if decay else None


def _writes(k, decays, cells, value):
    for row, decay in zip(cells, decays, strict=True):
        yield partial(row.__setitem__, k, value)
        if decay:
            yield partial(row.__setitem__, KEEP, 1.0 - value * decay)


DECAYED = Struct("ddd")
"""Of a row what decay keeps, whether a mean forgets, and the first number that `coefficients` takes."""
