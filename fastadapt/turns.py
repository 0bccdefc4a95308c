"""Turns: a signal's handler may use an optimizer in the middle of its step, on the thread that holds the lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

TRIES = 100
"""How often something is prepared again, before it is an error."""


class Turn:
    """Whose turn it is with an optimizer.

    What changes it is prepared first, as often as it takes, and then done by one call in which no handler can run,
    because Python runs them between two of its own instructions. The first thing in that call is what `begin` gave: it
    raises KeyError where a handler had a turn since.
    """

    def __init__(self):
        self._tickets: dict[object, None] = {}
        self._alone = self._refused = False

    def begin(self) -> Callable[[], Any] | None:
        """What raises KeyError as soon as another turn began; None if no other turn may begin now (see `alone`)."""
        if self._alone:
            self._refused = True
            return None
        tickets, ticket = self._tickets, object()
        tickets.clear()
        tickets[ticket] = None
        return partial(tickets.__getitem__, ticket)

    def latest(self) -> object:
        """What changes with every turn.

        Raises
        ------
        RuntimeError
            One is under way that cannot be prepared first.
        """
        if self._alone:
            raise RuntimeError(f"expected a signal's handler that does not read an optimizer {IN_THE_MIDDLE}")
        return next(iter(self._tickets), None)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse other turns: on CUDA a step is begun by Python, call by call, and could not be prepared again.

        Raises
        ------
        RuntimeError
            One was refused. What the body does is done, and nothing of the other.
        """
        self._alone, self._refused = True, False
        try:
            yield
        finally:
            self._alone = False
        if self._refused:
            raise RuntimeError(
                f"expected a signal's handler that does not use an optimizer {IN_THE_MIDDLE}: nothing of what the "
                "handler asked for was done; the step was"
            )


IN_THE_MIDDLE = "in the middle of its step on CUDA, or while it is loaded or begun anew there"


def refused(what: str) -> RuntimeError:
    """The error after too many tries."""
    return RuntimeError(
        f"{what}: nothing was done, because a signal's handler used this optimizer in the middle of it {TRIES} times "
        "over: let the signal come less often"
    )
