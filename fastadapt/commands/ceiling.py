"""The ceiling: what the memory of this machine allows a step that moves a given number of bytes."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit, prange

from ..threads import threads_run
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


def add5(g, a, b, c, d, e):
    for i in prange(g.size):
        a[i] += g[i]
        b[i] += g[i]
        c[i] += g[i]
        d[i] += g[i]
        e[i] += g[i]


def touch1(g, p, a):
    for i in prange(g.size):
        p[i] += g[i]
        a[i] = ~a[i]


def touch2(g, p, a, b):
    for i in prange(g.size):
        p[i] += g[i]
        a[i] = ~a[i]
        b[i] = ~b[i]


def touch3(g, p, a, b, c):
    for i in prange(g.size):
        p[i] += g[i]
        a[i] = ~a[i]
        b[i] = ~b[i]
        c[i] = ~c[i]


def touch4(g, p, a, b, c, d):
    for i in prange(g.size):
        p[i] += g[i]
        a[i] = ~a[i]
        b[i] = ~b[i]
        c[i] = ~c[i]
        d[i] = ~d[i]


@cache
def kernels(states: int, bits: int) -> tuple[Callable, Callable]:
    """The threaded and the serial kernel that add the gradient to the weights and change each state."""
    threads_run()  # starts them as a step would
    held = (add1, add2, add3, add4, add5) if bits == 32 else (add1, touch1, touch2, touch3, touch4)
    function = held[states]
    return njit(parallel=True, error_model="numpy")(function), njit(error_model="numpy")(function)


ITEMS = {32: np.float32, 16: np.uint16, 8: np.uint8}
"""What a state is made of, by its bits."""


def bytes_a_weight(states: int, bits: int = 32) -> float:
    """Bytes that a step moves: float32 weights and each state are read and written, the gradient is read.

    In 8 bits, a block of 256 has four bytes more.
    """
    return 12 + states * 2 * (bits / 8 + (4 / 256 if bits == 8 else 0))


def cpu_step(states: int, g: np.ndarray, bits: int = 32) -> Callable[[], None]:
    """A step of the trivial kernel with so many states, with threads or without, whichever is quicker."""
    targets = [np.ones_like(g), *(np.ones(g.shape, ITEMS[bits]) for _ in range(states))]
    steps = [lambda kernel=kernel: kernel(g, *targets) for kernel in kernels(states, bits)]
    for step in steps:
        step()
    return min(steps, key=lambda step: min(cpu_seconds(step, 1) for _ in range(5)))
