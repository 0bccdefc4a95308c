"""What the functions of a rule declare by their signatures: hyperparameters, state and coefficients."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

RESERVED = {"params", "groups", "t", "counts", "state", "nbytes", "step", "zero_state", "coefficients", "start"}
"""What an optimizer has besides its hyperparameters."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One `update` of an optimizer: its state buffers, in order, and how many coefficients it takes."""

    name: str
    update: Callable
    states: tuple[str, ...]
    coefs: int


def read_defaults(cls: type, common: dict[str, Any]) -> dict[str, Any]:
    """The hyperparameters of an optimizer with their defaults: the keywords of `coefficients` and of `start`.

    An attribute of the class with the name of one (`weight_decay = 0.01`) is its default there.
    """
    found: dict[str, Any] = {}
    for function in (cls.coefficients, cls.start):
        _first, *rest = inspect.signature(function).parameters.values()
        for parameter in rest:
            if parameter.default is parameter.empty or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
                raise TypeError(
                    f"{cls.__name__}.{function.__name__}: expected a default for {parameter.name!r}, "
                    "because every argument but the first is a hyperparameter"
                )
            found[parameter.name] = parameter.default
    taken = sorted(name for name in found if name in RESERVED)
    if taken:
        raise TypeError(f"{cls.__name__}: expected hyperparameters of other names than {', '.join(taken)}")
    found |= common
    own = {name: cls.__dict__[name] for name in found if name in cls.__dict__}
    cls.overrides = getattr(cls, "overrides", {}) | own
    return found | cls.overrides


def read_rules(cls: type) -> dict[frozenset, Rule]:
    """The rules of an optimizer by the hyperparameters that switch them on: `update_momentum` is for momentum > 0."""
    rules = {}
    for name in dir(cls):
        if name == "update" or name.startswith("update_"):
            switches = _switches(name[len("update_") :], cls.defaults)
            if switches is None:
                raise TypeError(f"{cls.__name__}.{name}: expected names of hyperparameters behind `update_`")
            rules[frozenset(switches)] = _read_rule(cls, name)
    return rules


def _switches(text, names):
    if not text:
        return []
    for name in names:
        if text == name or text.startswith(name + "_"):
            rest = _switches(text[len(name) + 1 :], names)
            if rest is not None:
                return [name, *rest]
    return None


def _read_rule(cls, name):
    update = getattr(cls, name)
    parameters = inspect.signature(update).parameters.values()
    before = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    after = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if before[:2] != ["p", "g"] or len(before) + len(after) != len(parameters):
        raise TypeError(f"{cls.__name__}.{name}: expected the signature (p, g, state..., /, coefficients...)")
    return Rule(name, update, tuple(before[2:]), len(after))


def _keywords(function):
    return tuple(inspect.signature(function).parameters)[1:]


class _Made:
    """A static attribute of a class that is made when it is first asked for, so that importing makes nothing."""

    def __init__(self, make: Callable):
        self._make = cache(make)

    def __get__(self, instance, owner):
        return self._make()


def prepare_class(cls: type, common: dict[str, Any]) -> None:
    """Read a new optimizer's declaration; make its functions callable from `@njit` code and give it its kernels."""
    if not (hasattr(cls, "coefficients") and any(name.split("_")[0] == "update" for name in dir(cls))):
        raise TypeError(
            f"{cls.__name__}: expected static methods coefficients(t, ...) and update(p, g, state..., /, ...)"
        )
    cls.defaults = read_defaults(cls, common)
    cls.rules = read_rules(cls)
    cls.switches = frozenset().union(*cls.rules)
    cls.coefficient_names, cls.start_names = map(_keywords, (cls.coefficients, cls.start))
    cls.__signature__ = signature(cls.defaults)
    for name in cls.defaults:
        setattr(cls, name, _hyperparameter(name))
    for rule in cls.rules.values():
        kernel = rule.name.replace("update", "kernel")
        setattr(cls, kernel, _Made(partial(_kernel, f"{cls.__name__}.{kernel}", rule)))
        if rule.name in cls.__dict__:
            setattr(cls, rule.name, _Made(partial(_compilable, rule.update)))
    if "coefficients" in cls.__dict__:
        cls.coefficients = _Made(partial(_compilable, cls.coefficients))


def _hyperparameter(name):
    """The attribute that reads and assigns a hyperparameter of the optimizer's own group."""
    return property(
        lambda self: getattr(self._groups[0], name), lambda self, value: setattr(self._groups[0], name, value)
    )


def _compilable(function):
    from .kernels.call import compilable

    return compilable(function)


def _kernel(name, rule):
    from .kernels.call import make_kernel

    return make_kernel(name, rule.update, rule.states, rule.coefs)


def signature(defaults: dict[str, Any]) -> inspect.Signature:
    """What `help(fa.Adam)` and an editor show."""
    parameter = inspect.Parameter
    given = [
        parameter("params", parameter.POSITIONAL_OR_KEYWORD),
        parameter("groups", parameter.KEYWORD_ONLY, default=None, annotation=dict | None),
    ]
    return inspect.Signature(
        given
        + [
            parameter(name, parameter.KEYWORD_ONLY, default=value, annotation=type(value))
            for name, value in defaults.items()
        ]
    )
