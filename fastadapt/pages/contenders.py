"""The rules that can be shown, and what of each can be set."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ..commands import VARIANTS, optimizers
from ..hyperparameters import checked, known, meaning
from ..optimizer import Optimizer
from .checks import RequestError, number, switch

SLIDERS = {"lr": (1e-5, 100.0), "eps": (1e-12, 1.0)}
"""Ranges of logarithmic sliders; those of others are DEFAULT_SLIDER."""

DEFAULT_SLIDER = 1e-6, 10.0


@dataclass(frozen=True)
class Contender:
    """A rule under the name by which it is shown, with hyperparameters that this name stands for."""

    name: str
    rule: type[Optimizer]
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Any]:
        """The hyperparameters that can be set, with their defaults; one that is without a limit stays so."""
        names = dict.fromkeys((*self.rule.declaration.names, *self.rule.declaration.starts, "weight_decay"))
        found = {name: self.given.get(name, self.rule.defaults[name]) for name in names}
        return {name: value for name, value in found.items() if isfinite(value)}

    def described(self) -> list[dict[str, Any]]:
        """A control for each hyperparameter, the learning rate first."""
        names = sorted(self.defaults, key=lambda name: name != "lr")
        return [{"name": name, "meaning": meaning(name), **_control(name, self.defaults[name])} for name in names]


def hyper_of(contender: Contender, given: dict[str, Any], names: Iterable[str], far: float) -> dict[str, Any]:
    """The hyperparameters that a request gives a rule, of these names, each checked as the rule itself does.

    Raises
    ------
    RequestError
        Another name, or a value out of the rule's range or beyond `far`; the message names it.
    """
    found, names = {}, list(names)
    for name in given:
        if name not in names:
            raise RequestError(f"{contender.name}: expected hyperparameters of {', '.join(names)}, not {name[:40]!r}")
        is_switch = isinstance(contender.defaults[name], bool)
        value = switch(given, name) if is_switch else number(given, name, -far, far)
        try:
            found[name] = checked(contender.rule, name, value)
        except (TypeError, ValueError) as reason:
            raise RequestError(str(reason)) from None
    return found


def _control(name, default):
    """What kind of control a hyperparameter gets: by its limits, for a rule that is not known here may have it."""
    least, below = known(name).least, known(name).below
    if isinstance(default, bool):
        return {"kind": "switch", "default": default}
    if (least, below) == (0.0, 1.0):
        return {"kind": "complement", "default": default, "least": 1e-5, "most": 1.0}
    if least == 0.0 and below is None and isfinite(default):
        low, high = SLIDERS.get(name, DEFAULT_SLIDER)
        return {"kind": "log", "default": default, "least": min(low, default or low), "most": max(high, default)}
    return {"kind": "number", "default": default}


def contenders(own: Iterable[type[Optimizer]] = ()) -> dict[str, Contender]:
    """All rules by name: the library's in its order, each variant behind its rule, and a user's own last."""
    import fastadapt as fa

    found = {}
    for name in optimizers():
        found[name] = Contender(name, getattr(fa, name))
        for variant, (of, given) in VARIANTS.items():
            if of == name:
                found[variant] = Contender(variant, found[name].rule, given)
    for rule in own:
        if "lr" not in rule.defaults:
            raise ValueError(f"{rule.__name__}: expected a hyperparameter lr")
        found[rule.__name__] = Contender(rule.__name__, rule)
    return found
