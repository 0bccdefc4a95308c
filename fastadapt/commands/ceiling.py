"""The ceiling: what the memory of this machine allows a step that moves a given number of bytes."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit, prange

from .timing import cpu_seconds

# One function for each number of arrays: a loop over a tuple of them is slower, and a ceiling has to be high.


def add1(g, a):
    for i in prange(g.size):
        a[i] += g[i]


def add2(g, a, b):
    for i in prange(g.size):
        a[i] += g[i]
        b[i] += g[i]


def add3(g, a, b, c):
    for i in prange(g.size):
        a[i] += g[i]
        b[i] += g[i]
        c[i] += g[i]


def add4(g, a, b, c, d):
    for i in prange(g.size):
        a[i] += g[i]
        b[i] += g[i]
        c[i] += g[i]
        d[i] += g[i]


@cache
def kernels(arrays: int) -> tuple[Callable, Callable]:
    """The threaded and the serial kernel that add one array to this many others."""
    add = (add1, add2, add3, add4)[arrays - 1]
    return njit(parallel=True, error_model="numpy")(add), njit(error_model="numpy")(add)


def bytes_a_weight(arrays: int) -> int:
    """Bytes that a float32 step moves: the weights and each state are read and written, the gradient is read."""
    return 4 + 8 * arrays


def cpu_step(arrays: int, g: np.ndarray) -> Callable[[], None]:
    """A step of the trivial kernel over this many arrays, with threads or without, whichever is quicker."""
    targets = [np.ones_like(g) for _ in range(arrays)]
    steps = [lambda kernel=kernel: kernel(g, *targets) for kernel in kernels(arrays)]
    for step in steps:
        step()
    return min(steps, key=lambda step: min(cpu_seconds(step, 1) for _ in range(5)))
