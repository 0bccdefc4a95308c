"""The average of the weights, as an optimizer shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .threads import STEPPING


class Averaged:
    """What an optimizer has of the averages of its weights."""

    @property
    def averaged(self) -> Any:
        """The averages of the weights, in the structure of params, where `average` is "ema" or "polyak".

        `a = (1 - w) * a + w * p` after each step of an array, with its new weights p. After n averaged steps w is
        `1 - average_decay` for "ema", where `average_warmup` says so with a decay of at most (1 + n) / (10 + n), and
        1 / (n + 1) for "polyak"; at n = 0 it is 1. The first `average_from` steps of an array are not averaged: till
        then, and without `average`, it is the parameter itself. Where a gradient is None, the average waits.

        Raises
        ------
        ValueError
            Nothing is averaged.
        """
        with STEPPING:
            self._averages.refuse_none()
            return self._build(self._averages.read)

    @contextmanager
    def averaged_weights(self) -> Iterator[Any]:
        """In `with opt.averaged_weights():` the parameters are their averages, in place.

        After it they are what they were, to the bit, also where an exception ended it. What is written to them inside
        changes the averages. `save` and `state_dict` give what they would give outside.

        Raises
        ------
        ValueError
            Nothing is averaged.
        RuntimeError
            Inside: `step`, `load`, `load_state_dict`, `zero_state`, a copy, a pickle or `averaged_weights` again.
        """
        with STEPPING:
            self._averages.refuse("averaged_weights")
        try:
            self._change("averaged_weights", self._averages.exchanging)
            yield self._params
        finally:
            if self._averages.exchanged is not None:
                self._change("averaged_weights", self._averages.restoring)
