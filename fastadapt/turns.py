"""Turns: a signal's handler may use an optimizer in the middle of its step, on the thread that holds the lock."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

TRIES = 1000
"""How often something is prepared, before it is an error."""


CALL = getattr(operator, "call", partial.__call__)  # Python 3.10 has no operator.call


def at_once(jobs: list[partial]) -> list:
    """Do jobs by one call, in which no handler can run: Python runs them between two of its own instructions."""
    return list(map(CALL, jobs))


class Turn:
    """Whose turn it is with an optimizer.

    What changes it is prepared first, as often as it takes, and then done by one call in which no handler can run. The
    first thing in that call is `take`: it raises where a handler had a turn since the preparation began, which left
    nothing to take. What reads an optimizer reads it again where there was a turn meanwhile.
    """

    def __init__(self):
        self._tickets, self._alone = {}, None
        self.cut_in: Callable[[], Any] = self._tickets.clear
        """Before something is done without a turn, by one call: all that began before has to begin again.

        Returns True where that is denied now."""

    def denied(self) -> bool:
        """Whether no turn may begin now, of which `alone` is told."""
        if self._alone is None:
            return False
        self._alone.append(None)
        return True

    def read(self, what: str, read: Callable[[], Any]) -> Any:
        """What `read()` gives, in whose course there was no turn.

        Raises
        ------
        RuntimeError
            A turn is under way that could not begin again; or there was one each time.
        """
        if self._alone is not None:
            raise RuntimeError(f"expected a signal's handler that does not read an optimizer {IN_THE_MIDDLE}")
        for _ in range(TRIES):
            ticket = object()
            self._tickets[ticket] = None
            found = read()
            if self._tickets.pop(ticket, ticket) is None:
                return found
        raise refused(what)

    def change(self, what: str, prepare: Callable[[], list], carry_out: Callable[[list], Any]) -> None:
        """Carry out the jobs that `prepare()` gives as one turn; nothing where none may begin now."""
        if self.denied():
            return
        for _ in range(TRIES):
            self._tickets.clear()
            ticket = object()
            self._tickets[ticket] = None
            try:
                carry_out([partial(self._tickets.pop, ticket), *prepare()])
                return
            except KeyError as error:
                if not (error.args and error.args[0] is ticket):
                    raise
            finally:
                self._tickets.clear()
        raise refused(what)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Deny other turns: on CUDA a step is begun by Python, call by call, and could not begin again.

        Raises
        ------
        RuntimeError
            One was denied. What the body does is done, and nothing of the other.
        """
        self._alone = denied = []
        self.cut_in = partial(bool, True)
        try:
            yield
        finally:
            self._alone, self.cut_in = None, self._tickets.clear
        if denied:
            raise RuntimeError(
                f"expected a signal's handler that does not use an optimizer {IN_THE_MIDDLE}: nothing of what the "
                "handler asked for was done; the step was"
            )


IN_THE_MIDDLE = "in the middle of its step on CUDA, or while it is loaded or begun anew there"


def refused(what: str) -> RuntimeError:
    """The error after too many tries."""
    return RuntimeError(
        f"{what}: nothing was done, because a signal's handler used this optimizer in the middle of it {TRIES} "
        "times: let the signal come less often"
    )
