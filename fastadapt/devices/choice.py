"""One thread or all: chosen by what steps have lately taken with each."""

from collections import deque
from collections.abc import Callable
from functools import cache, partial
from math import inf
from time import perf_counter
from typing import Any

import numba
from numba.np.ufunc import parallel as layer

from ..launch import spin
from ..turns import at_once

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


def call_with_threads(choice, function, given):
    """Call a compiled function, with threads or without as a `Choice` says."""
    if choice is None:
        return function(*given)
    return next(result for result in carry_out([AdaptiveJob(choice, function, *given)]) if result is not None)


class AdaptiveJob(partial):
    """A job that uses threads, or not, as a `Choice` says where there is one."""

    def __new__(cls, choice, *call):
        job = super().__new__(cls, *call)
        job.choice = choice
        return job


@cache
def choice_of(kernel, magnitude):
    """The choice for all tables of this magnitude that the kernel updates."""
    return Choice()


def carry_out(jobs):
    """Run all jobs as one (see `at_once`). The first that can do without threads chooses for all."""
    choice = next((job.choice for job in jobs if type(job) is AdaptiveJob and job.choice), None)
    if choice is None:
        return at_once(jobs)
    return choice.run(lambda threads: at_once(jobs if threads else _with_one_thread(jobs)))


def _with_one_thread(jobs):
    """The jobs with one thread for those that can use more; the number that the user set is put back among them."""
    first, *others = (k for k, job in enumerate(jobs) if type(job) is AdaptiveJob)
    last, count = max([first, *others]), numba.get_num_threads()
    # That of Numba's layer, a function in C, between which and the jobs no handler can run; Numba's own is Python's.
    put = getattr(layer, "_set_num_threads", numba.set_num_threads)
    return [*jobs[:first], partial(put, 1), *jobs[first : last + 1], partial(put, count), *jobs[last + 1 :]]
