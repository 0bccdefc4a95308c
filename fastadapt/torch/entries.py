"""The state of parameters as PyTorch's users see it: dicts of tensors, which notice what is put there."""

from collections import defaultdict
from numbers import Real
from typing import Any

import torch

from ..torch_state import VARIANCE


def _noticing(base: type, methods: str) -> type:
    """A kind of dict that tells its owner when it was changed."""

    def changing(name):
        original = getattr(base, name)

        def method(self, *given, **named):
            self._owner().changed = True
            return original(self, *given, **named)

        return method

    return type(base.__name__, (base,), {name: changing(name) for name in methods.split()})


CHANGING = "__setitem__ __delitem__ __ior__ update pop popitem clear setdefault"


class Entry(_noticing(dict, CHANGING)):
    """The state of one parameter."""

    def __init__(self, owner: "Watched", values: dict[str, Any]):
        dict.__init__(self, values)
        self._of = owner

    def _owner(self):
        return self._of


class Watched(_noticing(defaultdict, CHANGING)):
    """The state of all parameters; `changed` says that users changed it."""

    def __init__(self, values: Any = ()):
        self.changed = False
        defaultdict.__init__(self, dict, values)

    def _owner(self):
        return self

    def __missing__(self, key: Any) -> dict:
        """As PyTorch's: an empty dict, which is kept."""
        self[key] = found = {}
        return found

    def put(self, p: Any, values: dict[str, Any]) -> None:
        """Give a parameter its state, which is no change by a user."""
        dict.__setitem__(self, p, Entry(self, values))


def plain_entry(entry: Any, spelled: bool = True) -> Any:
    """An entry as a dict, `spelled` as PyTorch's own class spells it."""
    if not isinstance(entry, dict):
        return entry
    found = dict(entry)
    if spelled and VARIANCE in found:
        found["square_avg"] = found.pop(VARIANCE) + _squared(found["grad_avg"])
    return found


def _squared(tensor):
    """The squares of the numbers of a tensor; of complex ones, of their parts."""
    if not tensor.is_complex():
        return tensor**2
    return torch.view_as_complex(torch.view_as_real(tensor) ** 2)


def entry_of(given: Any, index: Any) -> dict[str, Any]:
    """A copy of what a state dict has for a parameter; ValueError if that is no dict of tensors and numbers."""
    if not isinstance(given, dict):
        raise ValueError(f"state[{index!r}]: expected a dict of tensors, not {type(given).__name__}")
    for name, value in given.items():
        if not (value is None or isinstance(value, torch.Tensor | Real)):
            raise ValueError(f"state[{index!r}][{name!r}]: expected a tensor, not {type(value).__name__}")
    return dict(given)
