"""What the functions of a rule declare by their signatures: hyperparameters, state and coefficients."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from .functions import written
from .group import Group, group_class, reader
from .hyperparameters import AVERAGES, COMMON, FIXED, LIMITS, check_default, checked, meaning
from .reductions import ALL, Reductions, declared, taken_by, together

RESERVED = {"params", "rule", "rules", "defaults", "update", "kernel", "coefficients", *dir(Group)}
"""Names that an optimizer or a group of hyperparameters uses itself."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One `update` of an optimizer: its states in order, which of them are never negative and which keep the weights'
    type, and how many coefficients it has."""

    name: str
    update: Callable
    states: tuple[str, ...]
    nonnegative: tuple[bool, ...]
    full_precision: tuple[bool, ...]
    coefs: int
    reduce: Callable | None = None
    """What gives the terms of the sums before a step, of one weight."""
    sums: int = 0
    """How many these are."""
    terms: int = 0
    """How many terms `update` returns behind its states."""


class _Made:
    """A function of a class, made ready for `@njit` code when it is first asked for: importing makes nothing."""

    def __init__(self, function: Callable, make: Callable):
        self.function = function
        self._make = cache(make)

    def __get__(self, instance, owner):
        return self._make()


def prepare_class(cls: type, base: type) -> None:
    """Read the declaration of a new subclass of `base`, and give it its attributes, its kernels and a signature."""
    updates = [name for name in dir(cls) if name == "update" or name.startswith("update_")]
    if not ("coefficients" in dir(cls) and updates):
        raise TypeError(
            f"{cls.__name__}: expected static methods coefficients(t, ...) and update(p, g, state..., /, ...)"
        )
    if "scalars" in cls.__dict__:  # the attribute of an optimizer is what they now are
        cls.first_scalars = cls.scalars
        del cls.scalars
    first, start, more = (tuple(_keywords(cls, name)) for name in FUNCTIONS)
    cls._coefficient_names, cls._start_names = (*first, *(name for name in more if name not in first)), start
    cls._decays_itself = "weight_decay" in cls._coefficient_names
    cls.defaults = _defaults(cls, base, COMMON | AVERAGES | LIMITS | FIXED)
    cls._fixed = ("average", *FIXED)
    for name in ("nonnegative", "full_precision"):
        if not isinstance(own := cls.__dict__.get(name, ()), tuple | list):
            raise TypeError(f"{cls.__name__}.{name}: expected a tuple of names of states, not {own!r}")
    cls.rules = {_switches(cls, name): _rule(cls, name) for name in updates}
    states = {state for rule in cls.rules.values() for state in rule.states}
    for name in ("nonnegative", "full_precision"):
        if not states.issuperset(own := cls.__dict__.get(name, ())):
            names = ", ".join(sorted(states))
            raise TypeError(f"{cls.__name__}.{name}: expected names of states, of {names}, not {own!r}")
    _check_history(cls)
    cls._switches = frozenset().union(*cls.rules)
    cls.__signature__ = _signature(cls.defaults)
    for name in cls.defaults:
        setattr(cls, name, _hyperparameter(name, reader(cls, name)))
    cls._group = group_class(cls)
    for rule in cls.rules.values():
        kernel = rule.name.replace("update", "kernel")
        setattr(cls, kernel, _Made(rule.update, partial(_kernel, f"{cls.__name__}.{kernel}", rule)))
        if rule.name in cls.__dict__:
            setattr(cls, rule.name, _Made(rule.update, partial(_compilable, rule.update)))
    function = _function(cls, "coefficients")
    cls._written = function, len(first)
    cls._reductions = _reductions(cls, more)
    if cls._reductions:
        where = f"{cls.__name__}.combine"
        function = together(where, function, len(first), cls._reductions, cls._coefficient_names)
    cls._coefficients = staticmethod(function)
    if "coefficients" in cls.__dict__:
        name, (function, _) = f"{cls.__name__}.coefficients", cls._written
        cls.coefficients = _Made(function, partial(_from_one, name, function))
    for name in [name for name in cls.__dict__ if name == "combine" or name == "reduce" or name.startswith("reduce_")]:
        setattr(cls, name, _Made(_function(cls, name), partial(_compilable, _function(cls, name))))


def _reductions(cls, names):
    """The sums and scalars of a class, whose `combine` takes hyperparameters of these names; None without."""
    found = declared(cls, _function(cls, "combine") if hasattr(cls, "combine") else None)
    if found is None:
        return None
    before, after, scalars = found
    scopes = [scope for part in found for scope, _ in part.values()]
    picks = tuple(cls._coefficient_names.index(name) for name in names)
    firsts = tuple(first for _, first in scalars.values())
    if unknown := [first for first in firsts if isinstance(first, str) and first not in cls._coefficient_names]:
        raise TypeError(
            f"{cls.__name__}.scalars: expected the name of a hyperparameter that combine takes, not {unknown[0]!r}"
        )
    over_all = tuple(scope == ALL for scope in scopes)
    combine = _function(cls, "combine")
    return Reductions(tuple(before), tuple(after), tuple(scalars), over_all, firsts, combine, tuple(names), picks)


def _check_history(cls):
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


def _function(cls, name):
    """A static method of a class, as it was written, without `@njit`: kernels have flags of their own."""
    found = inspect.getattr_static(cls, name)
    return found.function if isinstance(found, _Made) else written(getattr(found, "__func__", found))


FUNCTIONS = ("coefficients", "start", "combine")
"""The functions of a rule that take hyperparameters."""


def _keywords(cls, name, heir=None):
    """The hyperparameters that `coefficients`, `start` or `combine` takes, with their defaults.

    A class beside an optimizer's may bring `combine`; its heir then declares the sums.
    """
    if name == "combine":
        found = declared(
            cls if hasattr(cls, "sums_before") else heir, _function(cls, name) if hasattr(cls, name) else None
        )
        taken = taken_by(cls, _function(cls, name), [name for part in found for name in part]) if found else {}
        for key, value in taken.items():
            if value is inspect.Parameter.empty:
                raise TypeError(f"{cls.__name__}.combine: expected a default for the hyperparameter {key!r}")
            check_default(f"{cls.__name__}.combine", key, value)
        return taken
    first, *rest = inspect.signature(_function(cls, name)).parameters.values() or [None]
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


def _defaults(cls, base, common):
    """The hyperparameters with their defaults: those of the functions, or of an attribute (`weight_decay = 0.01`).

    What a class says of either counts more than what its parents say.
    """
    names = [*cls._coefficient_names, *cls._start_names]
    if cls._decays_itself and "decoupled" not in names:
        common = {name: value for name, value in common.items() if name != "decoupled"}
    mine = ("weight_decay", "decoupled") if cls._decays_itself else ()
    reserved = {name for name in names if name in common or name in RESERVED or hasattr(base, name)}
    taken = sorted(reserved.difference(mine))
    if taken:
        raise TypeError(f"{cls.__name__}: expected hyperparameters of other names than {', '.join(taken)}")
    found = dict.fromkeys(names) | common
    for parent in reversed(cls.__mro__):
        for name in FUNCTIONS:
            if name in parent.__dict__ and parent is not base:
                found |= {key: value for key, value in _keywords(parent, name, cls).items() if key in found}
        if parent is cls:
            cls._own = {name: cls.__dict__[name] for name in found if name in cls.__dict__}
            cls.defaults = found
            cls._own = {name: checked(cls, name, value) for name, value in cls._own.items()}
        found |= {name: value for name, value in parent.__dict__.get("_own", {}).items() if name in found}
    return found


def _switches(cls, name):
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


def _rule(cls, name):
    update = _function(cls, name)
    parameters = inspect.signature(update).parameters.values()
    before = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    after = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if before[:2] != ["p", "g"] or len(before) + len(after) != len(parameters):
        raise TypeError(f"{cls.__name__}.{name}: expected a static method (p, g, state..., /, coefficients...)")
    states, reduce = tuple(before[2:]), None
    if cls.sums_before:
        reduce = _reduce(cls, name.replace("update", "reduce"), before, after)
    nonnegative, full = (tuple(state in named for state in states) for named in (cls.nonnegative, cls.full_precision))
    terms = len(cls.sums_before), len(cls.sums_after)
    return Rule(name, update, states, nonnegative, full, len(after), reduce, *terms)


def _reduce(cls, name, before, after):
    """The function that gives the terms of the sums before an update that takes these."""
    if not hasattr(cls, name):
        raise TypeError(f"{cls.__name__}: expected a static method {name}({', '.join(before)}, /, coefficients...)")
    reduce = _function(cls, name)
    parameters = inspect.signature(reduce).parameters.values()
    first = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    rest = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if first != before or rest != after[: len(rest)]:
        expected = f"({', '.join(before)}, /, {', '.join(after)}), the last ones left out"
        raise TypeError(f"{cls.__name__}.{name}: expected parameters {expected}, not ({', '.join(first + rest)})")
    return reduce


def _hyperparameter(name, read):
    """The attribute that reads and assigns a hyperparameter of the optimizer's own group."""
    return property(
        lambda self: read(self._groups[0]),
        lambda self, value: self._groups[0].assign(name, value),
        doc=meaning(name),
    )


def _compilable(function):
    from .engine.rule_kernel import compilable

    return compilable(function)


def _from_one(name, function):
    from .engine.rule_kernel import from_one

    return from_one(name, function)


def _kernel(name, rule):
    from .engine.rule_kernel import make_kernel

    return make_kernel(name, rule)


def _signature(defaults):
    """What `help(fa.Adam)` and an editor show."""
    new, by_name = inspect.Parameter, inspect.Parameter.KEYWORD_ONLY
    params = new("params", new.POSITIONAL_OR_KEYWORD)
    groups, arrays = (new(name, by_name, default=None, annotation=dict | None) for name in ("groups", "per_weight"))
    capturable = new("capturable", by_name, default=False, annotation=bool)
    kinds = {name: str | None if value is None else type(value) for name, value in defaults.items()}
    hyper = [new(name, by_name, default=value, annotation=kinds[name]) for name, value in defaults.items()]
    return inspect.Signature([params, groups, arrays, capturable, *hyper])
