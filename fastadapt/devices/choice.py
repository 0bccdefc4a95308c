"""One thread or all: chosen by what steps have lately taken with each."""

from collections import deque
from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import Any

import numba

from ..launch import spin

TRIAL_STEPS = 8
"""Steps in a row that try the other way. What they cost is their mean without the slowest: a thread that waits for a
core makes a few steps slow, and whatever else disturbs a step should not count."""

PAYS = 0.9
"""What steps with threads may cost, over those without: where they gain less, they are not worth the cores."""

FIRST_REST, LAST_REST = 128, 4096
"""Steps from one trial to the next: few after a change, and twice as many each time that nothing has changed."""


class Choice:
    """Whether the next step uses threads."""

    def __init__(self):
        self.threads = True
        self._taken = {True: deque(maxlen=TRIAL_STEPS), False: deque(maxlen=TRIAL_STEPS)}
        self._left, self._rest, self._trying, self._began = TRIAL_STEPS, FIRST_REST // 2, False, None

    def note(self, seconds: float) -> None:
        """Choose for the next step, given what the last one took."""
        this, other = self._taken[self.threads], self._taken[not self.threads]
        this.append(seconds)
        self._left -= 1
        lost = len(this) > TRIAL_STEPS // 2 and other and _cost(this) > 2 * _cost(other)
        if self._left > 0 and not lost:
            return
        if self._trying:
            tried, self.threads = self.threads, _cost(self._taken[True]) < PAYS * _cost(self._taken[False])
            self._rest = FIRST_REST if self.threads is tried else min(2 * self._rest, LAST_REST)
            self._trying, self._left = False, self._rest
        else:
            other.clear()
            self.threads, self._trying, self._left = not self.threads, True, TRIAL_STEPS

    def run(self, call: Callable[[bool], Any]) -> Any:
        """What `call(threads)` returns, with one thread or with all that the user allows; what it took is noted."""
        if numba.config.DISABLE_JIT or numba.get_num_threads() == 1:
            return call(True)
        start = perf_counter()
        if spin() and self._began is not None:
            self.note(start - self._began)  # threads that spin delay what follows the step, until the next one
        self._began = start
        found = call(self.threads)
        if not spin():
            self.note(perf_counter() - start)
        return found


def _cost(taken):
    if len(taken) < 2:  # a signal's handler stepped while something was noted
        return inf
    return (sum(taken) - max(taken)) / (len(taken) - 1)
