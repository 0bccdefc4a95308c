"""One of our optimizers for parameters of PyTorch's that follow one rule on one device."""

import numpy as np
import torch

from ..checkpoint.state_dict import change_state
from ..devices.check_tensors import trusted
from ..group_checks import CHOOSES
from ..groups import Members
from ..hyperparameters import LIMITS
from ..kernels.tensors import fingerprinter
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
        self._rule, self._params, self._state = rule, [p for p, _ in members], state
        self._groups = list({id(group): group for _, group in members}.values())
        self._amsgrad = bool(self._groups[0].get("amsgrad"))
        self._said, self._quick = list(map(values_of, self._groups)), list(map(_quick, self._groups))
        self._make([Members([p for p, of in members if of is group]) for group in self._groups])
        self._adopt()

    @property
    def name(self) -> str:
        """That of its rule."""
        return self._rule.__name__

    def _make(self, selectors):
        first, *others = self._hyper = [hyper(self._rule, group) for group in self._groups]
        own = {
            # A limit of the norm is one for all that do not say another; all else a group says itself.
            selector: {n: v for n, v in values.items() if n not in WHOLE and (n not in LIMITS or first.get(n) != v)}
            for selector, values in zip(selectors[1:], others, strict=True)
        }
        self._opt = self._rule(self._params, groups=own, **first)
        self._targets = [self._opt, *(self._opt.groups[selector] for selector in selectors[1:])]

    def _adopt(self):
        """Go on from the state that there is, and show ours, that of a parameter without any once it takes a step."""
        before = {i: self._state.get(p, {}) for i, p in enumerate(self._params)}
        where = [
            f"{self.name}: the state of parameter {i}, of shape {tuple(p.shape)}" for i, p in enumerate(self._params)
        ]
        change_state(self._opt, "the state of a parameter", lambda step: carrying(step, before, where))
        self._numbers, views = Numbers(self._opt, len(self._params)), views_of(self._opt)
        self._hidden = {}
        for i, (numbers, states) in enumerate(zip(self._numbers.of, views, strict=True)):
            if self.name == "SGD":
                del numbers["step"]  # which PyTorch's does not count
            self._hidden[i] = numbers | states
        self._show([i for i in before if before[i]])
        self._fingerprint = _fingerprinter(self._params, [t for states in views for t in states.values()])
        self._at = self._fingerprint()

    def _show(self, which):
        """Put the state of these parameters where users see it."""
        for i in which:
            if entry := self._hidden.pop(i, None):
                self._state.put(self._params[i], entry)

    def unchanged(self) -> bool:
        """Whether all tensors have the memory that they had, and no one has written another number or count."""
        return self._numbers.unchanged() and self._fingerprint() == self._at

    def follows(self) -> bool:
        """Take on what the groups say now; False where that takes another engine, for it chooses another rule."""
        for k, group in enumerate(self._groups):
            if list(group.values()) == self._quick[k]:
                continue
            if (said := values_of(group)) != self._said[k]:
                if not self._takes_on(k, group):
                    return False
                self._said[k] = said
            self._quick[k] = _quick(group)
        return True

    def _takes_on(self, k, group):
        """Take on what a group says; False where it cannot."""
        now, before = hyper(self._rule, group), self._hyper[k]
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        switched = [n for n in self._rule.declaration.switches & changed.keys() if not (now[n] and before[n])]
        if switched or changed.keys() & {*CHOOSES, *LIMITS} or bool(group.get("amsgrad")) != self._amsgrad:
            return False
        for name, value in changed.items():
            setattr(self._targets[k], name, value)
        self._hyper[k] = now
        return True

    def gradients(self) -> list:
        """Those that the parameters have."""
        return [p.grad for p in self._params]

    def step(self, grads: list, scale: float) -> None:
        """Take a step with gradients."""
        try:
            self._opt.step(grads, scale)
        except TypeError:
            from .engines import refuse_sparse

            refuse_sparse(self.name, grads)
            raise
        given = range(len(grads))
        if type(None) in map(type, grads):
            given = [i for i in given if grads[i] is not None]
        written = self._params if len(given) == len(grads) else [self._params[i] for i in given]
        torch.autograd.graph.increment_version(written)
        if self._hidden:
            self._show(given)
        self._numbers.update()


def _quick(group):
    """What a group says, where none of it can be changed in place; else None."""
    changeable = any(isinstance(value, torch.Tensor | list) for name, value in group.items() if name != "params")
    return None if changeable else list(group.values())


def _fingerprinter(params, states):
    """The function that gives a number for where all these tensors lie, and of what shape they are."""
    tensors = [*params, *states]
    known = trusted() if all(t.device.type == "cpu" for t in tensors) else None
    if known is None:
        return lambda: [(t.data_ptr(), t.shape, t.stride()) for t in tensors]
    structs, words = np.array([t._cdata for t in tensors], np.int64), np.array(known[1].words, np.int64)
    given, function = (structs.ctypes.data, len(tensors), len(params), words.ctypes.data), fingerprinter()

    def fingerprint():
        return function(*given)

    fingerprint.alive = structs, words, tensors
    return fingerprint
