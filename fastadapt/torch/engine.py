"""One of our optimizers for parameters of PyTorch's that follow one rule on one device."""

import torch

from ..checkpoint.state_dict import change_state
from ..group_checks import CHOOSES
from ..groups import Members
from ..hyperparameters import LIMITS
from ..optimizer import Optimizer
from ..torch_state import carrying
from .entries import Watched
from .tensors import Numbers, views_of
from .words import WHOLE, hyper, values_of


class Engine:
    """Steps by a rule of the members, pairs of a parameter and its group.

    Their state goes on from what is in `state`, where theirs is put, which then shares our memory.
    """

    def __init__(self, rule: type[Optimizer], members: list[tuple[torch.Tensor, dict]], state: Watched):
        self._rule, self._params = rule, [p for p, _ in members]
        self._groups = list({id(group): group for _, group in members}.values())
        self._amsgrad = bool(self._groups[0].get("amsgrad"))
        self._said = [values_of(group) for group in self._groups]
        self._places = list(map(torch.Tensor.data_ptr, self._params))
        self._make([Members([p for p, of in members if of is group]) for group in self._groups])
        self._adopt(state)

    def _make(self, selectors):
        first, *others = self._hyper = [hyper(self._rule, group) for group in self._groups]
        own = {
            # A limit of the norm is one for all that do not say another; all else a group says itself.
            selector: {n: v for n, v in values.items() if n not in WHOLE and (n not in LIMITS or first.get(n) != v)}
            for selector, values in zip(selectors[1:], others, strict=True)
        }
        self._opt = self._rule(self._params, groups=own, **first)
        self._targets = [self._opt, *(self._opt.groups[selector] for selector in selectors[1:])]

    def _adopt(self, state):
        """Go on from the state that there is, and show ours."""
        before = {i: state.get(p, {}) for i, p in enumerate(self._params)}
        where = [
            f"{self._rule.__name__}: the state of parameter {i}, of shape {tuple(p.shape)}"
            for i, p in enumerate(self._params)
        ]
        change_state(self._opt, "the state of a parameter", lambda step: carrying(step, before, where))
        self._numbers = Numbers(self._opt, len(self._params))
        for p, views, numbers in zip(self._params, views_of(self._opt), self._numbers.of, strict=True):
            if self._rule.__name__ == "SGD":
                del numbers["step"]  # which PyTorch's does not count
            if views or numbers:
                state.put(p, numbers | views)

    def moved(self) -> bool:
        """Whether a parameter has other memory than when it was made: `p.data` is another tensor."""
        return list(map(torch.Tensor.data_ptr, self._params)) != self._places

    def follows(self) -> bool:
        """Take on what the groups say now; False where that takes another engine, for it chooses another rule."""
        for k, group in enumerate(self._groups):
            if (said := values_of(group)) != self._said[k]:
                if not self._takes_on(k, group):
                    return False
                self._said[k] = said
        return True

    def _takes_on(self, k, group):
        """Take on what a group says; False where it cannot."""
        now, before = hyper(self._rule, group), self._hyper[k]
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        switched = [
            name for name in self._rule.declaration.switches & changed.keys() if not (now[name] and before[name])
        ]
        if switched or changed.keys() & {*CHOOSES, *LIMITS} or bool(group.get("amsgrad")) != self._amsgrad:
            return False
        for name, value in changed.items():
            setattr(self._targets[k], name, value)
        self._hyper[k] = now
        return True

    def step(self, scale: float) -> None:
        """Take a step with the gradients that the parameters have."""
        grads = [p.grad for p in self._params]
        try:
            self._opt.step(grads, scale)
        except TypeError:
            if any(g is not None and g.layout != torch.strided for g in grads):
                name = self._rule.__name__
                raise RuntimeError(f"{name} does not support sparse gradients: make them dense") from None
            raise
        given = [p for p, g in zip(self._params, grads, strict=True) if g is not None]
        torch.autograd.graph.increment_version(given)
        self._numbers.update()
