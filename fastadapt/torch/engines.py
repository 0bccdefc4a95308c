"""The engines of an optimizer of PyTorch's, and when they have to be others."""

from itertools import chain
from operator import is_
from typing import Any

import torch

from ..optimizer import Optimizer
from .engine import Engine
from .entries import Watched
from .words import hyper, rule_of

TOGETHER = ("max_norm", "max_value", "nonfinite")
"""What is about the gradients of all parameters."""


class Engines:
    """One engine for each rule and device among the groups, whose parameters go on from the state as it is.

    A parameter takes part once it has begun: it has a state, or, where a step is to come, a gradient.
    """

    def __init__(self, rule: type[Optimizer], groups: list, state: dict, begun: dict, stepping: bool):
        self.state, self.begun, self._waiting = Watched(state), begun, []
        self._seen = [(group, tuple(group["params"])) for group in groups]
        kinds: dict[tuple, list] = {}
        for group, params in self._seen:
            for p in params:
                if (stepping and p.grad is not None) or state.get(p):
                    begun[p] = None
                if p in begun:
                    kinds.setdefault((rule_of(rule, group), p.device), []).append((p, group))
                else:
                    self._waiting.append(p)
        if len(kinds) > 1:
            _refuse_together(rule, groups)
        self._engines = [Engine(rule, members, self.state) for (rule, _), members in kinds.items()]

    def fit(self, groups: list, state: Any) -> bool:
        """Whether a step can be taken with these groups, whose numbers are taken on, and this state."""
        return (
            state is self.state
            and not state.changed
            and self._same(groups)
            and not any(p.grad is not None for p in self._waiting)
            and all(engine.unchanged() and engine.follows() for engine in self._engines)
        )

    def _same(self, groups):
        """Whether the groups, and the parameters in them, are those that they were."""
        pairs = zip(groups, self._seen, strict=False)
        return len(groups) == len(self._seen) and all(
            group is own and len(group["params"]) == len(params) and all(map(is_, group["params"], params))
            for group, (own, params) in pairs
        )

    def step(self, scale: float) -> None:
        """Take a step with the gradients that the parameters have."""
        grads = [engine.gradients() for engine in self._engines]
        if len(grads) > 1:
            refuse_sparse(self._engines[0].name, chain(*grads))
        for engine, own in zip(self._engines, grads, strict=True):
            engine.step(own, scale)


def refuse_sparse(name: str, grads: Any) -> None:
    """Raise RuntimeError, as PyTorch does, if one of the gradients is sparse."""
    if any(g is not None and g.layout != torch.strided for g in grads):
        raise RuntimeError(f"{name} does not support sparse gradients: make them dense")


def _refuse_together(rule, groups):
    """Raise ValueError for what is about all gradients, where they are of more than one engine."""
    for group in groups:
        found = hyper(rule_of(rule, group), group)
        for name in TOGETHER:
            if name in found and found[name] != rule.defaults[name]:
                raise ValueError(f"{rule.__name__}: expected groups of one device and one amsgrad with {name}")
