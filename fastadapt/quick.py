"""Numbers that are assigned at once: those of which nothing but their own range has to be looked at."""

from collections.abc import Callable
from functools import partial
from math import inf, nextafter
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from .group_row import FORGETS, KEEP, VALUES
from .hyperparameters import known, range_of

OUR_RULES, SAFE = "fastadapt.rules.", 1e12
"""Where those rules are that make of numbers up to this size coefficients of the first step that float32 holds."""

Quick = tuple[float, float, Callable[[float], Any]]
"""The least and the largest number that can be assigned at once, and the function that writes it.

The function raises TypeError or ValueError, and writes nothing, where the rows were changed otherwise since, or the
number cannot be assigned.
"""


class Target(NamedTuple):
    """A group where a number counts."""

    row: memoryview
    """Which raises an error when it is written to after it was released."""
    decay: float
    """The decoupled decay of its weights."""
    dtypes: list[np.dtype]


def quick_of(cls: type, name: str, targets: list[Target]) -> Quick | None:
    """How a float of `coefficients` is assigned at once to these groups; None if more has to be looked at."""
    each, place = known(name), VALUES + cls.declaration.names.index(name)
    # Where its meaning depends on whether it is 0, it stays what it is.
    meant = each.forgets or name in cls.declaration.switches or name in (*cls.requires, *cls.requires.values())
    tiny = max((range_of(dtype)[0] for target in targets for dtype in target.dtypes), default=1.0)
    least = 0.0 if each.shrinks and not meant else tiny
    most = SAFE if each.below is None else nextafter(each.below, 0.0)
    sizes = [abs(number) for target in targets for number in (*target.row[VALUES:], target.decay)]
    safe = all(size <= SAFE or size == inf for size in sizes)  # which is without a limit
    if not safe or not least <= targets[0].row[place] <= most:
        return None
    write = _writer(place, name == "lr", targets)
    found = cls.declaration.reductions
    functions = cls.declaration.coefficients, *([found.combine] if found else ())
    if not all(str(function.__module__).startswith(OUR_RULES) for function in functions):
        write = partial(_try_and_write, cls.declaration.at_first, place - VALUES, targets, write)
    return least, most, write


def _writer(place, decays, targets):
    """The function that writes a number, and what decay then keeps of the weights, by one call: no handler of a signal
    comes in between."""
    row, decay, _ = targets[0]
    rows, decays = [target.row for target in targets], [target.decay for target in targets if decays]
    forgets, pack = row[FORGETS], DECAYED.pack_into

    def write(value):
        row[place] = value

    def write_decayed(value):
        pack(row, 8 * KEEP, 1.0 - value * decay, forgets, value)

    def write_all(value):
        keeps = [1.0 - value * decay for decay in decays]
        any(map(memoryview.__setitem__, rows * 2, places, [value] * len(rows) + keeps))

    if len(rows) == 1 and not any(decays):
        return write
    if len(rows) == 1 and place == VALUES:
        return write_decayed
    places = [place] * len(rows) + [KEEP] * len(decays)
    return write_all


DECAYED = Struct("3d")
"""Of a row what decay keeps, whether a mean forgets, and the first number that `coefficients` takes."""


def _try_and_write(coefficients, k, targets, write, value):
    """Write the number with index `k` of those that a user's rule takes, if its coefficients then fit the weights."""
    for target in targets:
        given = target.row[VALUES:].tolist()
        given[k] = value
        largest = max(map(abs, coefficients(1, *given)))
        if not all(largest <= range_of(dtype)[1] for dtype in target.dtypes):
            raise ValueError
    write(value)
