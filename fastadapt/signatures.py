"""What the functions of a class say by their signatures: hyperparameters, states, coefficients, sums and scalars."""

import inspect
from collections.abc import Callable, Iterator
from functools import cache

from .functions import written
from .group import Group
from .hyperparameters import check_default, checked
from .reductions import ALL, Reductions, declared, taken_by
from .rule import Rule

RESERVED = {"params", "rule", "rules", "defaults", "declaration", "coefficients", "combine", *dir(Group)}
OWN = "update_", "kernel_", "reduce_"
"""Names that an optimizer or a group of hyperparameters uses itself, and what those of functions begin with."""

FUNCTIONS = ("coefficients", "start", "combine")
"""The functions of a rule that take hyperparameters."""


class Made:
    """A function of a class, made ready for `@njit` code when it is first asked for: importing makes nothing."""

    def __init__(self, function: Callable, make: Callable):
        self.function = function
        self._make = cache(make)

    def __get__(self, instance, owner):
        return self._make()


def function_of(cls, name):
    """A static method of a class, as it was written, without `@njit`: kernels have flags of their own."""
    found = inspect.getattr_static(cls, name)
    return found.function if isinstance(found, Made) else written(getattr(found, "__func__", found))


def keywords_of(cls, name, heir=None):
    """The hyperparameters that `coefficients`, `start` or `combine` takes, with their defaults.

    A class beside an optimizer's may bring `combine`; its heir then declares the sums.
    """
    if name == "combine":
        found = declared(
            cls if hasattr(cls, "first_scalars") else heir, function_of(cls, name) if hasattr(cls, name) else None
        )
        taken = taken_by(cls, function_of(cls, name), [name for part in found for name in part]) if found else {}
        for key, value in taken.items():
            if value is inspect.Parameter.empty:
                raise TypeError(f"{cls.__name__}.combine: expected a default for the hyperparameter {key!r}")
            check_default(f"{cls.__name__}.combine", key, value)
        return taken
    first, *rest = inspect.signature(function_of(cls, name)).parameters.values() or [None]
    expected = {"coefficients": "t", "start": "p"}[name]
    if first is None or first.name != expected:
        raise TypeError(f"{cls.__name__}.{name}: expected a static method whose first parameter is {expected}")
    for parameter in rest:
        if parameter.default is parameter.empty or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            raise TypeError(
                f"{cls.__name__}.{name}: expected a default for {parameter.name!r}, because every parameter but the "
                "first is a hyperparameter"
            )
        check_default(f"{cls.__name__}.{name}", parameter.name, parameter.default)
    return {parameter.name: parameter.default for parameter in rest}


def check_defaults(cls, first, more):
    """Raise TypeError where two functions of the class itself have different defaults for a hyperparameter."""
    if {"coefficients", "combine"} <= cls.__dict__.keys():
        for name in first.keys() & more.keys():
            if first[name] != more[name]:
                raise TypeError(
                    f"{cls.__name__}.combine: expected the default of {name} to be {first[name]!r}, as in "
                    f"coefficients, not {more[name]!r}"
                )


def defaults_of(cls, base, names, common):
    """The hyperparameters with their defaults: those of these names, which its functions take, and those in common.

    They stand in the functions or in attributes (`weight_decay = 0.01`); what a class says of either counts more than
    what its parents say. A class that takes `weight_decay` decays by itself.
    """
    mine = ("weight_decay", "decoupled") if "weight_decay" in names else ()
    if mine and "decoupled" not in names:
        common = {name: value for name, value in common.items() if name != "decoupled"}
    reserved = {name for name in names if name in common or name in RESERVED or hasattr(base, name)}
    reserved |= {name for name in names if name.startswith("_") or f"{name}_".startswith(OWN)}
    taken = sorted(reserved.difference(mine))
    if taken:
        raise TypeError(f"{cls.__name__}: expected hyperparameters of other names than {', '.join(taken)}")
    found = dict.fromkeys(names) | common
    for parent in reversed(cls.__mro__):
        for name in FUNCTIONS:
            if name in parent.__dict__ and parent is not base:
                found |= {key: value for key, value in keywords_of(parent, name, cls).items() if key in found}
        if parent is cls:
            cls._own = {name: cls.__dict__[name] for name in found if name in cls.__dict__}
            cls.defaults = found
            cls._own = {name: checked(cls, name, value) for name, value in cls._own.items()}
        found |= {name: value for name, value in parent.__dict__.get("_own", {}).items() if name in found}
    return found


def switches_of(cls, name):
    """The hyperparameters that switch on an `update_momentum_nesterov`: `momentum` and `nesterov`."""

    def split(text: str) -> Iterator[list[str]]:
        if not text:
            yield []
        for first in cls.defaults:
            if (text + "_").startswith(first + "_"):
                yield from ([first, *rest] for rest in split(text[len(first) + 1 :]))

    found = next(split(name[len("update_") :]), None)
    if found is None:
        raise TypeError(f"{cls.__name__}.{name}: expected names of hyperparameters behind `update_`")
    return frozenset(found)


def rule_of(cls, name):
    update = function_of(cls, name)
    parameters = inspect.signature(update).parameters.values()
    before = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    after = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if before[:2] != ["p", "g"] or len(before) + len(after) != len(parameters):
        raise TypeError(f"{cls.__name__}.{name}: expected a static method (p, g, state..., /, coefficients...)")
    states, reduce = tuple(before[2:]), None
    if cls.sums_before:
        reduce = _reduce(cls, name.replace("update", "reduce"), before, after)
    named = _named(cls, "nonnegative"), _named(cls, "full_precision")
    nonnegative, full = (tuple(state in names for state in states) for names in named)
    terms = len(cls.sums_before), len(cls.sums_after)
    return Rule(name, update, states, nonnegative, full, len(after), reduce, *terms)


def _reduce(cls, name, before, after):
    """The function that gives the terms of the sums before an update that takes these."""
    if not hasattr(cls, name):
        raise TypeError(f"{cls.__name__}: expected a static method {name}({', '.join(before)}, /, coefficients...)")
    reduce = function_of(cls, name)
    parameters = inspect.signature(reduce).parameters.values()
    first = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    rest = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if first != before or rest != after[: len(rest)]:
        expected = f"({', '.join(before)}, /, {', '.join(after)}), the last ones left out"
        raise TypeError(f"{cls.__name__}.{name}: expected parameters {expected}, not ({', '.join(first + rest)})")
    return reduce


def reductions_of(cls, names, taken):
    """The sums and scalars of a class, whose `combine` takes these of the hyperparameters; None without."""
    combine = function_of(cls, "combine") if hasattr(cls, "combine") else None
    if (found := declared(cls, combine)) is None:
        return None
    before, after, scalars = found
    firsts = tuple(first for _, first in scalars.values())
    if unknown := [first for first in firsts if isinstance(first, str) and first not in names]:
        raise TypeError(
            f"{cls.__name__}.scalars: expected the name of a hyperparameter that combine takes, not {unknown[0]!r}"
        )
    over_all = tuple(scope == ALL for part in found for scope, _ in part.values())
    picks = tuple(map(names.index, taken))
    return Reductions(tuple(before), tuple(after), tuple(scalars), over_all, firsts, combine, taken, picks)


def _named(cls, attribute):
    """The states that an attribute names; TypeError if it is no tuple."""
    if not isinstance(found := getattr(cls, attribute), tuple | list):
        raise TypeError(f"{cls.__name__}.{attribute}: expected a tuple of names of states, not {found!r}")
    return found


def check_states(cls):
    """Raise TypeError where the class names states that its updates do not have."""
    states = {state for rule in cls.rules.values() for state in rule.states}
    for name in ("nonnegative", "full_precision"):
        if not states.issuperset(own := cls.__dict__.get(name, ())):
            names = ", ".join(sorted(states))
            raise TypeError(f"{cls.__name__}.{name}: expected names of states, of {names}, not {own!r}")


def check_history(cls):
    """Raise TypeError where the class says of hyperparameters that are not its own since when it has them."""
    since, renamed, requires = (cls.__dict__.get(name, {}) for name in ("since", "renamed", "requires"))
    if not isinstance(since, dict) or not all(type(version) is int and version > 0 for version in since.values()):
        raise TypeError(f"{cls.__name__}.since: expected a dict of hyperparameters and whole numbers, not {since!r}")
    if not isinstance(renamed, dict):
        raise TypeError(f"{cls.__name__}.renamed: expected a dict of old names and new ones, not {renamed!r}")
    if not isinstance(requires, dict):
        raise TypeError(f"{cls.__name__}.requires: expected a dict of hyperparameters, not {requires!r}")
    named = *since, *renamed.values(), *requires, *requires.values()
    if unknown := [name for name in named if name not in cls.defaults]:
        raise TypeError(
            f"{cls.__name__}: expected since, renamed and requires to name its hyperparameters, not {unknown[0]!r}"
        )
    if known := [name for name in renamed if name in cls.defaults]:
        raise TypeError(f"{cls.__name__}.renamed: expected names that it no longer has, not {known[0]!r}")


def check_common_names(cls):
    """Raise TypeError where `in_common` names no hyperparameters."""
    if not isinstance(cls.in_common, tuple) or not cls.defaults.keys() >= set(cls.in_common):
        raise TypeError(f"{cls.__name__}.in_common: expected a tuple of its hyperparameters, not {cls.in_common!r}")
