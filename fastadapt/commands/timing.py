"""Fair timings: several steps take turns, so that whatever disturbs the machine disturbs them all."""

from collections.abc import Callable
from math import ceil
from time import perf_counter, sleep

ENOUGH = 0.004
"""Seconds that a timing lasts at least: shorter steps are repeated."""

QUIET = 0.01
"""Seconds of rest before a timing: OpenMP's threads go on spinning for 4 to 8 ms after work, on a rival's core."""


def cpu_seconds(step: Callable[[], None], times: int) -> float:
    """Seconds that a step takes, on average."""
    start = perf_counter()
    for _ in range(times):
        step()
    return (perf_counter() - start) / times


def take_turns(steps: dict[str, Callable], rounds: int, seconds: Callable) -> dict[str, list[float]]:
    """Seconds that each step takes, once a round. Compiling and first touching memory are not timed."""
    times, samples = {}, {}
    for name, step in steps.items():
        step()
        times[name] = max(1, ceil(ENOUGH / max(seconds(step, 2), 1e-9)))
        samples[name] = []
    for _ in range(rounds):
        for name, step in steps.items():
            sleep(QUIET)
            if times[name] > 1:
                step()  # brings its arrays back into the cache, from which the others drove them
            samples[name].append(seconds(step, times[name]))
    return samples
