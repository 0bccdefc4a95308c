"""The rules that can be shown, what of each can be set, and learning rates to begin with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from ...commands import VARIANTS, optimizers
from ...hyper import KNOWN, meaning
from ...optimizer import Optimizer
from .catalogue import Surface

PLAIN = ("SGD", "SGD+momentum")
"""Rules whose steps are as long as the gradient: they take a surface's `rate`, and the others its `pace`."""

PACES = {"AdaGrad": 8.0, "Adam": 2.0, "AMSGrad": 2.0, "AdamW": 2.0, "NAdam": 2.0, "RAdam": 2.0, "Adamax": 2.0}
"""How much of the pace suits a rule whose learning rate is about the size of its first steps."""

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
        """The hyperparameters that can be set, with their defaults."""
        names = dict.fromkeys((*self.rule._coefficient_names, *self.rule._start_names, "weight_decay"))
        return {name: self.given.get(name, self.rule.defaults[name]) for name in names}

    def described(self) -> list[dict[str, Any]]:
        """A control for each hyperparameter, the learning rate first."""
        names = sorted(self.defaults, key=lambda name: name != "lr")
        return [{"name": name, "meaning": meaning(name), **_control(name, self.defaults[name])} for name in names]

    def first_rate(self, surface: Surface) -> float:
        """A learning rate with which the rule does something on this surface."""
        default = self.rule.defaults["lr"]
        if self.name in PLAIN:
            return surface.rate * (0.3 if self.name == "SGD+momentum" else 1.0)
        # A rule whose default is far above that of Adam scales its steps by itself.
        return default if default >= 0.5 else surface.pace * PACES.get(self.name, 1.0)


@dataclass(frozen=True)
class Chosen:
    """A rule as the reader has set it.

    hyper : its hyperparameters, those that are not the rule's defaults
    decay : of its learning rate, which is lr / (1 + decay * (t-1)) at step t
    """

    contender: Contender
    hyper: dict[str, Any]
    decay: float = 0.0

    @property
    def rule(self) -> type[Optimizer]:
        """The class."""
        return self.contender.rule

    def rates(self, steps: int) -> np.ndarray:
        """The learning rate of each step."""
        lr = self.hyper.get("lr", self.rule.defaults["lr"])
        return lr / (1.0 + self.decay * np.arange(steps))


def _control(name, default):
    """What kind of control a hyperparameter gets: by its limits, for a rule that is not known here may have it."""
    least, below, _ = KNOWN.get(name, (None, None, None))
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
