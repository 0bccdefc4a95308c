"""A rule as the reader has set it, and learning rates to begin with."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...optimizer import Optimizer
from ..contenders import Contender
from .catalogue import Surface

PLAIN = ("SGD", "SGD+momentum")
"""Rules whose steps are as long as the gradient: they take a surface's `rate`, and the others its `pace`."""

PACES = {"AdaGrad": 8.0, "Adam": 2.0, "AMSGrad": 2.0, "AdamW": 2.0, "NAdam": 2.0, "RAdam": 2.0, "Adamax": 2.0}
"""How much of the pace suits a rule whose learning rate is about the size of its first steps."""


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


def first_rate(contender: Contender, surface: Surface) -> float:
    """A learning rate with which the rule does something on this surface."""
    default = contender.rule.defaults["lr"]
    if contender.name in PLAIN:
        return surface.rate * (0.3 if contender.name == "SGD+momentum" else 1.0)
    # A rule whose default is far above that of Adam scales its steps by itself.
    return default if default >= 0.5 else surface.pace * PACES.get(contender.name, 1.0)
