"""What a new subclass of the optimizer is given: attributes, kernels and a signature."""

import inspect
from functools import partial

from .group import group_class, reader
from .hyperparameters import AVERAGES, COMMON, FIXED, LIMITS, meaning
from .reductions import together
from .rule import Declaration
from .signatures import (
    FUNCTIONS,
    Made,
    check_common_names,
    check_defaults,
    check_history,
    check_states,
    defaults_of,
    function_of,
    keywords_of,
    reductions_of,
    rule_of,
    switches_of,
)


def prepare_class(cls: type, base: type) -> None:
    """Read the declaration of a new subclass of `base`, and give it its attributes, its kernels and a signature."""
    updates = [name for name in dir(cls) if name == "update" or name.startswith("update_")]
    if not ("coefficients" in dir(cls) and updates):
        raise TypeError(
            f"{cls.__name__}: expected static methods coefficients(t, ...) and update(p, g, state..., /, ...)"
        )
    _move_scalars(cls, base)
    defaults = {name: keywords_of(cls, name) for name in FUNCTIONS}
    check_defaults(cls, defaults["coefficients"], defaults["combine"])
    first, starts, more = map(tuple, defaults.values())
    names = *first, *(name for name in more if name not in first)
    cls.defaults = defaults_of(cls, base, (*names, *starts), COMMON | AVERAGES | LIMITS | FIXED)
    cls.rules = {switches_of(cls, name): rule_of(cls, name) for name in updates}
    check_states(cls)
    check_history(cls)
    check_common_names(cls)
    function, reductions = function_of(cls, "coefficients"), reductions_of(cls, names, more)
    at_first = function
    if reductions:
        at_first = together(f"{cls.__name__}.combine", function, len(first), reductions, names)
    cls.declaration = Declaration(
        coefficients=function,
        count=len(first),
        names=names,
        starts=starts,
        switches=frozenset().union(*cls.rules),
        decays_itself="weight_decay" in names,
        reductions=reductions,
        at_first=at_first,
        group=group_class(cls.__name__, names, cls.defaults),
    )
    cls.__signature__ = _signature(cls.defaults)
    for name in cls.defaults:
        setattr(cls, name, _hyperparameter(name, reader(names, cls.defaults, name)))
    for name in {name for parent in cls.__mro__ for name in getattr(parent, "defaults", ())} - cls.defaults.keys():
        setattr(cls, name, _Dropped(name))
    _make_functions(cls)


def _move_scalars(cls, base):
    """Call the declaration of a class, or of one beside it, `first_scalars`: its `scalars` are what they now are."""
    for parent in cls.__mro__:
        if "scalars" in parent.__dict__ and not issubclass(base, parent):
            if parent.__dict__["scalars"] is not base.scalars:
                cls.first_scalars = parent.__dict__["scalars"]
                cls.scalars = base.scalars
            return


class _Dropped:
    """A hyperparameter of a parent that a class does not have: its place in the row is another's."""

    def __init__(self, name: str):
        self._name = name

    def __get__(self, instance, owner):
        raise AttributeError(f"{owner.__name__}: no hyperparameter {self._name!r}; it has {', '.join(owner.defaults)}")


def _make_functions(cls):
    """Give a class its kernels, and make its functions such that `@njit` code can call them."""
    for rule in cls.rules.values():
        kernel = rule.name.replace("update", "kernel")
        setattr(cls, kernel, Made(rule.update, partial(_kernel, f"{cls.__name__}.{kernel}", rule)))
    updates = [rule.name for rule in cls.rules.values()]
    names = {"combine", *updates, *(name.replace("update", "reduce") for name in updates)}
    for name in names.intersection(cls.__dict__):
        function = function_of(cls, name)
        setattr(cls, name, Made(function, partial(_compilable, function)))
    if "coefficients" in cls.__dict__:
        name, function = f"{cls.__name__}.coefficients", cls.declaration.coefficients
        cls.coefficients = Made(function, partial(_from_one, name, function))


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
