"""What an optimizer says of itself: step counts, norms, skipped steps, groups and state."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .averages import Averaged
from .checkpoint.state_dict import Checkpoints
from .engine.counters import Skipped
from .groups import Group
from .per_weight import by_number
from .threads import STEPPING


class Properties(Averaged, Checkpoints):
    """The attributes of an optimizer that are read only. On a GPU some wait for what is decided there."""

    @property
    def params(self) -> Any:
        """The parameters, as the optimizer was given them."""
        return self._params

    @property
    def t(self) -> int:
        """How many steps were taken."""
        return self._counters().t

    @property
    def grad_norm(self) -> float:
        """The norm of all gradients in the last step that needed it, after `scale` and `max_value`; NaN before.

        It is infinite or NaN if one of the gradients was.
        """
        return self._counters().norm

    @property
    def skipped(self) -> Skipped:
        """How many steps were skipped for a gradient that was not finite: `skipped.total`, `skipped.in_a_row`."""
        return self._counters().skipped

    @property
    def counts(self) -> Any:
        """How many steps each array has taken, in the structure of params: fewer than `t` if its gradient was None."""
        with STEPPING:
            t = self._counters().t
            return self._build(lambda batch: (t - batch.missed).tolist())

    def _counters(self):
        """What was counted, if need be by a GPU."""
        with STEPPING:
            return self._stepper.counters

    @property
    def per_weight(self) -> dict[str, Any]:
        """The arrays by weight that it was given, as trees like params with None where there is none.

        They can be changed in place; those of a copy are its own.
        """
        return {name: self._tree.build(arrays) for name, arrays in by_number(self._per_weight).items()}

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can capture a step."""
        return self._capturable

    @property
    def groups(self) -> dict[str | Callable, Group]:
        """The groups by their patterns or functions; their hyperparameters are attributes, as the optimizer's are."""
        return dict(self._selected)

    @property
    def state(self) -> Mapping[str, Any]:
        """The state by name, each in the structure of params; None for an array whose rule has no such state.

        Where weights of 16 bits have masters, these are "master". The arrays are on the device of the parameters. They
        are views of the optimizer's own memory: to change it, write into them (`opt.state["m"][...] = 0`). Quantized
        state is decoded, to float32, when its name is asked for: what is written there would be lost, and on the CPU is
        an error.
        """
        names = dict.fromkeys(name for batch in self._batches for name in batch.rule.states)
        if any(batch.master is not None for batch in self._batches):
            names["master"] = None
        return Lazy(names, lambda name: self._build(lambda batch: batch.read(name)))

    @property
    def scalars(self) -> dict[str, Any]:
        """What a rule keeps beside its state, by name: a number, or one for each array in the structure of params."""
        if (found := self.declaration.reductions) is None:
            return {}
        with STEPPING:
            self._stepper.refresh()
            return {name: self._kept(k) for k, name in enumerate(found.names) if name in self.first_scalars}

    def _kept(self, k):
        """The sum or scalar number `k`."""
        if self.declaration.reductions.over_all[k]:
            return self._stepper.kept.rows[0, k].item()
        return self._build(lambda batch: batch.kept.rows[:, k].tolist())

    def _build(self, values_of):
        """The values that each batch has for its arrays, in the structure of params."""
        found = {i: value for b in self._batches for i, value in zip(b.members, values_of(b), strict=True)}
        return self._tree.build(found[i] for i in range(len(found)))

    @property
    def nbytes(self) -> int:
        """Bytes that the state takes, with the scales of quantized state and the averages of the weights."""
        return sum(batch.state.nbytes for batch in self._batches)

    def __repr__(self):
        groups = "".join(f", {selector!r}: ({group!r})" for selector, group in self._selected.items())
        return f"{type(self).__name__}(t={self.t}, {self._groups[0]!r}{groups})"


class Lazy(Mapping):
    """A mapping whose values are made when they are asked for, each time anew."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]):
        self._names, self._make = tuple(names), make

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
