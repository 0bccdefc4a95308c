"""What every benchmark says beside its time: GB/s, the ceiling's share, threads and versions.

Run with `python -m pytest bench`; `-k Adam` or `-k "2**20"` picks some of it.
"""

from functools import cache
from importlib.metadata import version
from statistics import median

import numba
import numpy as np
import pytest

from fastadapt.commands import ceiling, timing


@cache
def ceiling_seconds(states: int, size: int, bits: int) -> float:
    """Seconds of the trivial kernel that moves as many bytes."""
    g = np.full(size, 1e-3, np.float32)
    steps = {"ceiling": ceiling.cpu_step(states, g, bits)}
    return median(timing.take_turns(steps, 7, timing.cpu_seconds)["ceiling"])


@pytest.fixture
def record(benchmark):
    """Time `step()` and note what it says of the memory: it updates `size` weights with so many states."""

    def run(step, states: int, size: int, rounds: int = 0, bits: int = 32):
        step()
        if rounds:
            benchmark.pedantic(step, rounds=rounds, warmup_rounds=1)
        else:
            benchmark(step)
        if benchmark.stats is None:  # --benchmark-disable
            return
        seconds, moved = benchmark.stats.stats.median, ceiling.bytes_a_weight(states, bits) * size
        benchmark.extra_info.update(
            weights=size,
            gb_per_s=moved / seconds / 1e9,
            share_of_ceiling=ceiling_seconds(states, size, bits) / seconds,
            threads=numba.get_num_threads(),
            versions={name: version(name) for name in ("numba", "numpy")},
        )

    return run


def weights(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weights and a gradient without zeros."""
    rng = np.random.default_rng(seed)
    g = (rng.random(size, np.float32) + np.float32(0.5)) * np.float32(1e-2)
    g[::2] *= -1
    return rng.standard_normal(size, np.float32), g
