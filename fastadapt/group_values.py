"""The values of a group's hyperparameters: checked together, and as the numbers of its row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import inf, nextafter
from numbers import Real
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from .functions import users
from .hyperparameters import OURS, Value, check_range, known, range_of
from .kernels.group_row import KEEP, VALUES

SAFE = 1e20
"""Of numbers up to this size our rules make coefficients of the first step that float32 holds."""


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

    Either raises ValueError if the rows have changed otherwise since.
    """


@dataclass(frozen=True, slots=True)
class Values:
    """The hyperparameters of a group: all change at once, by one assignment.

    Where `coefficients` takes a float, the row has what it is now, and these what it was.
    """

    own: dict[str, Value]
    every: dict[str, Value]
    others: list[tuple[int, Value]]
    """What `coefficients` takes that is no float, with its place there."""
    watches: bool
    forgets: bool
    cells: memoryview
    """The row until the next change, which releases it: what was prepared before can no longer write."""
    quick: dict[str, tuple]
    """What is known of numbers that were assigned since, each as a `Quick`."""


def values_of(cls: type, own: dict[str, Value], every: dict[str, Value], row: np.ndarray) -> Values:
    """The values of a group that says these of its own, and has this row."""
    others = [(k, every[name]) for k, name in enumerate(cls._coefficient_names) if type(every[name]) is not float]
    watches = min(every["max_norm"], every["max_value"]) < inf or every["nonfinite"] != "propagate"
    return Values(own, every, others, watches, _forgets(every), row.data, {})


def numbers_of(cls: type, apart: dict[str, Value], every: dict[str, Value]) -> list[float]:
    """The numbers of the row of a group that says these `apart` from the optimizer's own."""
    decay, decoupled = every["weight_decay"], every["decoupled"]
    return [
        *(number for name in ("max_norm", "max_value") for number in (name in apart, every[name])),
        OURS["nonfinite"].choices.index(every["nonfinite"]),
        *(every[name] for name in ("lower", "upper")),
        *(_inward(every[name], towards) for name, towards in (("lower", inf), ("upper", -inf))),
        -1.0 if every["maximize"] else 1.0,
        0.0 if decoupled else decay,
        1.0 - every["lr"] * decay if decay and decoupled else 1.0,
        _forgets(every),
        *(every[name] for name in cls._coefficient_names),
    ]


def _inward(bound, towards):
    """A bound as a number of float32, rounded towards an infinite number, which is inward."""
    with np.errstate(over="ignore"):
        found = float(np.float32(bound))
    outside = found < bound if towards > 0 else found > bound
    return float(np.nextafter(np.float32(found), np.float32(towards))) if outside else found


def _forgets(every):
    return any(value == 0 and known(name).forgets for name, value in every.items())


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
    return Quick(least, most, users(cls._coefficients), values[0].cells, k, _writer(k, decays, values))


def _writer(k, decays, values):
    """The function that writes a number to this place of the rows, with what follows from it; None where it is one."""
    if len(values) > 1:
        return lambda value: list(map(partial.__call__, list(_writes(k, decays, values, value))))
    row, forgets, decay, place = values[0].cells, float(values[0].forgets), decays[0], KEEP * values[0].cells.itemsize
    return (lambda value: DECAYED.pack_into(row, place, 1.0 - value * decay, forgets, value)) if decay else None


def _writes(k, decays, values, value):
    for group, decay in zip(values, decays, strict=True):
        yield partial(group.cells.__setitem__, k, value)
        if decay:
            yield partial(group.cells.__setitem__, KEEP, 1.0 - value * decay)


DECAYED = Struct("ddd")
"""Of a row what decay keeps, whether a mean forgets, and the first number that `coefficients` takes."""


def rule_of(cls: type, every: dict[str, Value]) -> tuple[frozenset, Any]:
    """The switches that are on, and the rule that they choose; ValueError if there is none."""
    on = frozenset(name for name in cls._switches if every[name])
    if on not in cls.rules:
        lacking = min((other - on for other in cls.rules if other > on), key=len, default=frozenset())
        needed = f"{' and '.join(sorted(lacking))} with " if lacking else "no combination of "
        raise ValueError(f"{cls.__name__}: expected {needed}{' and '.join(sorted(on))}")
    return on, cls.rules[on]


def check_meaning(cls: type, every: dict[str, Value]) -> None:
    """Raise ValueError for a hyperparameter that has no meaning without another."""
    if every["weight_decay"] and every["decoupled"] and "lr" not in every:
        raise ValueError(f"{cls.__name__}: expected a hyperparameter lr for decoupled weight_decay")
    if every["lower"] > every["upper"]:
        raise ValueError(
            f"{cls.__name__}: expected lower to be no more than upper, not {every['lower']!r} and {every['upper']!r}"
        )
    for name, needed in cls.requires.items():
        if every.get(name) and not every.get(needed):
            raise ValueError(f"{cls.__name__}: expected {needed} with {name}, which has no meaning without it")


def check_coefficients(cls: type, found: Any) -> None:
    """Raise TypeError for coefficients that do not fit the rule."""
    numbers = isinstance(found, tuple) and all(isinstance(value, Real) for value in found)
    for rule in cls.rules.values():
        if not numbers or len(found) != rule.coefs:
            raise TypeError(
                f"{cls.__name__}.coefficients: expected {rule.coefs} coefficients in a tuple, as many numbers as "
                f"{rule.name} takes behind `/`, not {found!r}"
            )


def check_ranges(
    cls: type, dtypes: list, every: dict[str, Value], names: Iterable[str], coefficients: tuple, assigned: bool
) -> None:
    """Raise ValueError where one of these hyperparameters, or a first coefficient, is beyond a type of the weights."""
    decay = every["lr"] * every["weight_decay"] if every["weight_decay"] and every["decoupled"] else 0.0
    largest = max(map(abs, (*coefficients, decay)))
    for dtype in dtypes:
        for name in names:
            check_range(cls.__name__, name, every[name], dtype, shrinks=assigned and known(name).shrinks)
        if not largest <= range_of(dtype)[1]:
            values = ", ".join(f"{name}={every[name]!r}" for name in (*cls._coefficient_names, "weight_decay"))
            raise ValueError(
                f"{cls.__name__}: expected coefficients of the first step within {dtype}, the type of the weights, but "
                f"{values} give {coefficients}"
            )


def check_unchanged(cls: type, on: frozenset, was: dict[str, Value], now: dict[str, Value]) -> None:
    """Raise ValueError for a change of what was fixed when the optimizer was made, with these switches on."""
    for name in (*cls._switches, *cls._fixed):
        if name in cls._fixed:
            changed, why = now[name] != was[name], "how the state is held"
        else:
            changed, why = (now[name] and name not in on) or (name in on and now[name] is False), "the rule"
        if changed:
            raise ValueError(
                f"{cls.__name__}: expected {name} to stay {was[name]!r}, not become {now[name]!r}: it chooses {why}, "
                "which is fixed when the optimizer is made"
            )
