"""What the hyperparameters of a group must be together."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

from .hyperparameters import AVERAGES, FIXED, Value, check_range, known, range_of

CHOOSES = dict.fromkeys(FIXED, "how the state is held") | {
    "average": "whether the weights are averaged, and how",
    "masters": "how weights of 16 bits are held",
}
"""What hyperparameters choose that are fixed when the optimizer is made."""


@contextmanager
def named_group(selector: str | Callable | None) -> Iterator[None]:
    """Say in an error of which group it is; None is that of the optimizer."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if selector is not None:
            error.args = (f"groups[{selector!r}]: {error}",)
        raise


def rule_of(cls: type, every: dict[str, Value]) -> tuple[frozenset, Any]:
    """The switches that are on, and the rule that they choose; ValueError if there is none."""
    on = frozenset(name for name in cls.declaration.switches if every[name])
    if on not in cls.rules:
        lacking = min((other - on for other in cls.rules if other > on), key=len, default=frozenset())
        needed = f"{' and '.join(sorted(lacking))} with " if lacking else "no combination of "
        raise ValueError(f"{cls.__name__}: expected {needed}{' and '.join(sorted(on))}")
    return on, cls.rules[on]


def decays_of(cls: type, every: dict[str, Value]) -> tuple[float, float]:
    """The coupled and the decoupled decay that are applied around a rule; none where it decays the weights itself."""
    decay = 0.0 if cls.declaration.decays_itself else every["weight_decay"]
    return (0.0, decay) if every.get("decoupled") else (decay, 0.0)


def check_meaning(cls: type, every: dict[str, Value]) -> None:
    """Raise ValueError for hyperparameters that have no meaning without others."""
    if decays_of(cls, every)[1] and "lr" not in every:
        raise ValueError(f"{cls.__name__}: expected a hyperparameter lr for decoupled weight_decay")
    if every["lower"] > every["upper"]:
        raise ValueError(
            f"{cls.__name__}: expected lower to be no more than upper, not {every['lower']!r} and {every['upper']!r}"
        )
    check_required(cls, every)


def check_averages(cls: type, own: dict[str, Value], average: Value) -> None:
    """Raise ValueError for what a group itself says of an average that it does not have."""
    for name in AVERAGES:
        if average is None and own.get(name, cls.defaults[name]) != cls.defaults[name]:
            raise ValueError(f"{cls.__name__}: expected average with {name}, which has no meaning without it")


def check_required(cls: type, every: dict[str, Any]) -> None:
    """Raise ValueError for a hyperparameter that is not 0 where one that it requires is; either may be an array."""
    for name, needed in cls.requires.items():
        if name in every and needed in every and np.any((every[name] != 0) & (every[needed] == 0)):
            raise ValueError(f"{cls.__name__}: expected {needed} with {name}, which has no meaning without it")


def check_common(cls: type, groups: Iterable[dict[str, Value]]) -> None:
    """Raise ValueError for hyperparameters that groups may not have each for themselves, and have so.

    One that a schedule may make as small as it wants, a rate or a decay, may also be 0.
    """
    groups = list(groups)
    for name in cls.in_common:
        rests = known(name).shrinks
        values = {every[name] for every in groups if every[name] != 0 or not rests}
        if len(values) > 1:
            found, rest = " and ".join(map(repr, sorted(values))), ", or 0" if rests else ""
            raise ValueError(f"{cls.__name__}: expected one {name} for all groups{rest}, not {found}")


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
    cls: type, dtypes: list, every: dict[str, Value], was: dict[str, Value], coefficients: tuple, assigned: bool
) -> None:
    """Raise ValueError where a hyperparameter that is not what it was, or a first coefficient, is beyond a type of the
    weights."""
    names = *cls.declaration.names, *cls.declaration.starts, "weight_decay", "lower", "upper", "max_value"
    _, decoupled = decays_of(cls, every)
    decay = every["lr"] * decoupled if decoupled else 0.0
    largest = max(map(abs, (*coefficients, decay)))
    for dtype in dtypes:
        if dtype.kind == "c" and (every["lower"] > -np.inf or every["upper"] < np.inf):
            raise ValueError(
                f"{cls.__name__}: expected no lower and upper for parameters of {dtype}, which have no order, not "
                f"{every['lower']!r} and {every['upper']!r}"
            )
        for name in names:
            if name not in was or every[name] != was[name]:
                check_range(cls.__name__, name, every[name], dtype, shrinks=assigned and known(name).shrinks)
        if not largest <= range_of(dtype)[1]:
            values = ", ".join(f"{name}={every[name]!r}" for name in (*cls.declaration.names, "weight_decay"))
            raise ValueError(
                f"{cls.__name__}: expected coefficients of the first step within {dtype}, the type of the weights, but "
                f"{values} give {coefficients}"
            )


def check_unchanged(cls: type, on: frozenset, was: dict[str, Value], now: dict[str, Value]) -> None:
    """Raise ValueError for a change of what was fixed when the optimizer was made, with these switches on."""
    for name in (*cls.declaration.switches, *CHOOSES):
        if name in CHOOSES:
            changed, why = now[name] != was[name], CHOOSES[name]
        else:
            changed, why = (now[name] and name not in on) or (name in on and now[name] is False), "the rule"
        if changed:
            raise ValueError(
                f"{cls.__name__}: expected {name} to stay {was[name]!r}, not become {now[name]!r}: it chooses {why}, "
                "which is fixed when the optimizer is made"
            )
