"""Turns: a signal's handler may use an optimizer in the middle of its step, on the thread that holds the lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

TRIES = 1000
"""How often something is prepared, before it is an error."""


def at_once(jobs: list[partial]) -> list:
    """Do jobs by one call, in which no handler can run: Python runs them between two of its own instructions."""
    return list(map(partial.__call__, jobs))


class Turn:
    """Whose turn it is with an optimizer.

    What changes it is prepared first, as often as it takes, and then done by one call in which no handler can run,
    because Python runs them between two of its own instructions. The first thing in that call is `take`: it raises
    where a handler had a turn since `begin`, which left nothing to take.
    """

    def __init__(self):
        mine, self._tickets = object(), {}
        self._mine, self._alone = mine, None
        self.cut_in: Callable[[], Any] = self._tickets.clear
        """Before something is done without a turn, by one call: all that began before has to begin again.

        Returns True where that is denied now."""
        self.take = partial(self._tickets.pop, mine)

    def begin(self) -> None:
        """Begin a turn, which ends by `take` or by `end`; all that began before have to begin again."""
        self._tickets.clear()
        self._tickets[self._mine] = None

    def end(self, error: BaseException | None = None) -> bool:
        """End a turn for which nothing was done; whether the error says that it has to begin again."""
        self._tickets.clear()
        return isinstance(error, KeyError) and bool(error.args) and error.args[0] is self._mine

    def read(self) -> object:
        """A ticket to read without a turn; see `was_read`.

        Raises
        ------
        RuntimeError
            A turn is under way that could not begin again.
        """
        if self._alone is not None:
            raise RuntimeError(f"expected a signal's handler that does not read an optimizer {IN_THE_MIDDLE}")
        ticket = object()
        self._tickets[ticket] = None
        return ticket

    def was_read(self, ticket: object) -> bool:
        """Whether there was no turn since; the ticket is given back."""
        return self._tickets.pop(ticket, ticket) is None

    def denied(self) -> bool:
        """Whether no turn may begin now, of which `alone` is told."""
        if self._alone is None:
            return False
        self._alone.append(None)
        return True

    def change(self, what: str, prepare: Callable[[], list], carry_out: Callable[[list], Any]) -> None:
        """Carry out the jobs that `prepare()` gives as one turn; nothing where none may begin now."""
        if self.denied():
            return
        for _ in range(TRIES):
            self.begin()
            try:
                carry_out([self.take, *prepare()])
                return
            except BaseException as error:
                if not self.end(error):
                    raise
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
