"""What a rule declares beyond one weight: sums over weights, and scalars that are kept from step to step."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from numbers import Real
from typing import Any

ARRAY, ALL = SCOPES = ("array", "all")
"""Over what a sum goes, and for what there is one scalar: for each array, or for all of an optimizer's."""


@dataclass(frozen=True, eq=False)
class Reductions:
    """The sums and scalars of a class, in the order in which its `combine` takes them."""

    before: tuple[str, ...]
    """Sums that `reduce` gives the terms of, for the step to come."""
    after: tuple[str, ...]
    """Sums whose terms `update` returns behind its states, for the step after it."""
    scalars: tuple[str, ...]
    over_all: tuple[bool, ...]
    """Of each of these, whether there is one for all arrays."""
    firsts: tuple[float | str, ...]
    """What each scalar is at first: a number, or the hyperparameter of this name."""
    combine: Callable
    """`combine(t, sums..., scalars..., hyperparameters...) -> (more coefficients, new scalars)`."""
    hyper: tuple[str, ...]
    """The hyperparameters that it takes behind them."""
    picks: tuple[int, ...]
    """Where these stand in a group's row."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sums first."""
        return self.before + self.after + self.scalars

    def replayed(self, every: dict[str, Any], steps: int) -> list[float]:
        """What they are after so many steps, with these hyperparameters and sums of 0."""
        sums, *scalars = len(self.before + self.after), *self.first(every)[len(self.before + self.after) :]
        hyper = [every[name] for name in self.hyper]
        for t in range(1, steps + 1):
            scalars, last = list(self.combine(t, *[0.0] * sums, *scalars, *hyper)[1]), scalars
            if scalars == last:
                break
        return [0.0] * sums + scalars

    def first(self, every: dict[str, Any]) -> list[float]:
        """What the sums and scalars are at first, with these hyperparameters."""
        firsts = [float(every[first]) if isinstance(first, str) else first for first in self.firsts]
        return [0.0] * len(self.before + self.after) + firsts


def declared(cls: type, combine: Callable | None) -> tuple[dict[str, str], dict[str, str], dict[str, tuple]] | None:
    """The sums before and after and the scalars that a class declares; None if there are none.

    Raises
    ------
    TypeError
        A declaration cannot be understood, or there is no `combine` for it.
    """
    before, after, scalars = (_scopes(cls, name) for name in ("sums_before", "sums_after", "first_scalars"))
    if not (before or after or scalars):
        if combine is not None:
            raise TypeError(f"{cls.__name__}.combine: expected sums_before, sums_after or scalars with it")
        return None
    names = [*before, *after, *scalars]
    if twice := [name for name in names if names.count(name) > 1]:
        raise TypeError(f"{cls.__name__}: expected sums and scalars of different names, not {twice[0]} twice")
    if combine is None:
        raise TypeError(f"{cls.__name__}: expected a static method combine(t, {', '.join(names)}, ...) with its sums")
    return before, after, scalars


def _scopes(cls, attribute):
    """A declaration `{"pp": "array"}`, or of a scalar `{"d": ("all", "d0")}`, as names to scopes and first values."""
    shown = "scalars" if attribute == "first_scalars" else attribute
    found = getattr(cls, attribute)
    if not isinstance(found, dict):
        raise TypeError(f"{cls.__name__}.{shown}: expected a dict of names and scopes, not {found!r}")
    made = {}
    for name, value in found.items():
        scope, first = value if isinstance(value, tuple) and len(value) == 2 else (value, 0.0)
        if scope not in SCOPES or not isinstance(name, str):
            raise TypeError(
                f"{cls.__name__}.{shown}: expected {' or '.join(map(repr, SCOPES))} for {name!r}, not {value!r}"
            )
        if not isinstance(first, str | Real):
            raise TypeError(
                f"{cls.__name__}.{shown}: expected a number or a hyperparameter's name for {name!r}, not {first!r}"
            )
        made[name] = scope, first if isinstance(first, str) else float(first)
    return made


def taken_by(cls: type, combine: Callable, names: list[str]) -> dict[str, Any]:
    """The hyperparameters that a `combine` takes behind the step and the sums and scalars of these names."""
    parameters = list(inspect.signature(combine).parameters.values())
    found = [parameter.name for parameter in parameters[: 1 + len(names)]]
    if found != ["t", *names]:
        expected = ", ".join(["t", *names])
        raise TypeError(
            f"{cls.__name__}.combine: expected its first parameters to be {expected}, not {', '.join(found)}"
        )
    rest = parameters[1 + len(names) :]
    return {parameter.name: parameter.default for parameter in rest}


def together(
    where: str, coefficients: Callable, count: int, reductions: Reductions, names: tuple[str, ...]
) -> Callable:
    """The function `(t, *hyperparameters)` that gives a rule's coefficients and those of `combine`, as at first.

    Of the hyperparameters, which have these names, `coefficients` takes the first `count`. Errors begin with `where`.
    """

    @wraps(coefficients)
    def found(t, *values):
        own = coefficients(t, *values[:count])
        first = reductions.first(dict(zip(names, values, strict=True)))
        try:
            more = reductions.combine(t, *first, *(values[k] for k in reductions.picks))
        except (ArithmeticError, ValueError) as error:
            given = ", ".join(f"{name}={x:g}" for name, x in zip(reductions.names, first, strict=True))
            raise TypeError(
                f"{where}: expected it to give numbers for {given}, as where all gradients are 0, but it raised "
                f"{type(error).__name__}: {error}"
            ) from error
        if not (isinstance(own, tuple) and isinstance(more, tuple) and list(map(type, more)) == [tuple, tuple]):
            raise TypeError(
                f"{where}: expected it to return more coefficients and new scalars, two tuples, not {more!r}"
            )
        if len(more[1]) != len(reductions.scalars):
            expected = ", ".join(reductions.scalars) or "no scalar"
            raise TypeError(f"{where}: expected it to return new values of {expected}, not {more[1]!r}")
        return own + more[0]

    return found
