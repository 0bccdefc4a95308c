"""Averages of the weights: where they lie, and how they take the weights' place for a while."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layout import narrowed, widened

if TYPE_CHECKING:  # importing the package loads no kernel
    from .batch import Batch
    from .step import Step

Jobs = list[Callable[[], Any]]


class Averages:
    """The averages of the optimizer that takes its steps by `step`.

    That of an array lies in the batch's state once a step was averaged; before, it is the weights themselves. Where
    both have changed places, it lies where the weights do.
    """

    def __init__(self, step: "Step"):
        self._step = step
        self.exchanged: frozenset[int] | None = None
        """The numbers of the arrays that have changed places with their averages; None where that is not so."""
        self._weights: dict[tuple[int, int], np.ndarray] = {}
        """Weights of 16 bits, until they take their place again: their averages have more, and stay in the state."""

    def refuse(self, what: str) -> None:
        """Raise RuntimeError while the averages are in the weights' place."""
        if self.exchanged is not None:
            raise RuntimeError(
                f"{what}: expected it after `with opt.averaged_weights():`, in which the parameters are their averages"
            )

    def refuse_none(self) -> None:
        """Raise ValueError if nothing is averaged."""
        if all(batch.average is None for batch in self._step.batches):
            name = self._step.cls.__name__
            raise ValueError(
                f"{name}: expected average to be 'ema' or 'polyak' where an average is asked for, not None"
            )

    def read(self, batch: "Batch") -> list:
        """The average of each array of a batch, on its device."""
        k, begun = batch.average, self._in_state(batch)
        return [batch.state.read(k, i) if begun[i] else p.array for i, p in enumerate(batch.params)]

    def saved(self, batch: "Batch", i: int) -> dict[str, np.ndarray]:
        """That of one array in NumPy, as `State.saved` gives it."""
        if self._in_state(batch)[i]:
            return batch.state.saved(batch.average, i)
        return {"": np.array(widened(batch.device.on_host(batch.params[i])), order="C")}

    def exchanging(self) -> Jobs:
        """The jobs of letting averages and weights change places.

        Raises
        ------
        ValueError
            Nothing is averaged.
        RuntimeError
            They have done so already.
        """
        self.refuse("averaged_weights")
        self.refuse_none()
        pairs = [zip(batch.members, self._in_state(batch), strict=True) for batch in self._step.batches]
        chosen = frozenset(number for batch in pairs for number, in_state in batch if in_state)
        return [*self._jobs(chosen, False), partial(object.__setattr__, self, "exchanged", chosen)]

    def restoring(self) -> Jobs:
        """The jobs of letting them change places again."""
        return [*self._jobs(self.exchanged, True), partial(object.__setattr__, self, "exchanged", None)]

    def _jobs(self, chosen, back):
        jobs = []
        for batch in self._step.batches:
            which = [i for i, number in enumerate(batch.members) if number in chosen and batch.params[i].size]
            if batch.state.storage.weights is not None:
                jobs += [self._rounding(batch, i, back) for i in which]
            elif which:
                jobs += batch.state.exchanging(batch.average, which)
        return jobs

    def _rounding(self, batch, i, back):
        """The job of making weights of 16 bits their average, rounded to the nearest; or what they were before."""
        param, key = batch.params[i], (id(batch), i)
        if back:
            return partial(np.copyto, param.numbers, self._weights[key])
        self._weights[key] = param.numbers.copy()
        return partial(np.copyto, param.numbers, narrowed(batch.state.read(batch.average, i), param.dtype))

    def _in_state(self, batch):
        """Whether the average of each array lies in the state."""
        if batch.average is None or (self.exchanged is not None and batch.state.storage.weights is None):
            return [False] * len(batch.members)
        groups, t = self._step.groups, self._step.counters.t
        taken = (t - batch.missed).tolist()
        return [n > groups[k].average_from for n, k in zip(taken, batch.group_indices.tolist(), strict=True)]
