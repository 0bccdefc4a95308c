"""Many small problems on the CPU: blocks of them to threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from numba import get_num_threads, typeof

from .cache import cache_key, jit
from .denormal import flush, restore
from .problems import Kind, solver_of

SHORT = 0.01
"""Seconds that a call of the kernel lasts at least, where there is so much to do: Ctrl-C waits for its end."""

PARALLEL_FROM = 2**17
"""Steps of single weights from which on several threads share them: to start one takes some 50 µs."""


def copied(array: np.ndarray) -> np.ndarray:
    """A copy of the starts, in the order of the kernel."""
    return np.array(array, order="C")


def given_array(name: str, value: Any) -> np.ndarray:
    """An array of `args` or `shared`, as the kernel takes it."""
    found = np.asarray(value)
    if found.dtype.kind not in "biufc":
        raise TypeError(f"minimize_many: {name}: expected an array of numbers, not of {found.dtype}")
    if not found.dtype.isnative:
        found = found.astype(found.dtype.newbyteorder("="))
    return np.ascontiguousarray(found)


def on_device(array: np.ndarray) -> np.ndarray:
    """An array of ours, where the kernel reads it."""
    return array


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Room for results."""
    return np.empty(shape, dtype)


def width_for(d: int) -> int:
    """How many problems of `d` numbers a block holds: as many as fit the first cache, for one instruction takes 16."""
    return 64 if d <= 32 else 16 if d <= 256 else 4


def kernel_of(kind: Kind) -> Callable:
    """The kernel `(begin, end, width, args, shared, rates, starts, limits, numbers, out)`: blocks `begin` to `end`."""
    solve, rows, dtype, clips = solver_of(kind), 3 + kind.states, kind.dtype.type, kind.clips
    key = cache_key()

    def kernel(begin, end, width, args, shared, rates, starts, limits, numbers, out):
        key  # noqa: B018 - see cache_key
        control = flush()
        n, d = out[0].shape
        work, values = np.empty((rows * d + 1, width), dtype), np.empty((3, width))
        runs = np.empty((width, d if clips else 0), dtype)
        for block in range(begin, end):
            first = block * width
            solve(work, values, runs, first, min(width, n - first), args, shared, rates, starts, limits, numbers, out)
        restore(control)

    return kernel


_built: dict[tuple, Callable] = {}


def build(kind: Kind, signature: tuple) -> Callable:
    """The kernel for arguments of these types, compiled, or found in the disk cache or among those of this process."""
    key = kind.key(), signature
    if key not in _built:
        if len(_built) >= 64:  # of functions that a user made and threw away
            _built.clear()
        # Without the lock of Python's threads: Numba's would compile the loop twice, and could not be left by Ctrl-C.
        _built[key] = jit(kernel_of(kind), signature, nogil=True)
    return _built[key]


def solve(kind: Kind, *given: Any) -> None:
    """Solve all problems: `given` are the kernel's arguments from `args` on."""
    x, steps = given[-1][0], given[-2][0]
    width = width_for(x.shape[1])
    blocks = -(-len(x) // width)
    kernel = build(kind, tuple(map(typeof, (0, blocks, width, *given))))
    run = partial(_run, kernel, width, given, _Blocks(blocks))
    threads = min(get_num_threads(), blocks if x.size * steps >= PARALLEL_FROM else 1)
    if threads <= 1:
        run()
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(run) for _ in range(threads - 1)]
        run()
        for other in others:
            other.result()


class _Blocks:
    """Blocks, dealt out to threads by and by."""

    def __init__(self, count):
        self.count, self.dealt, self._lock = count, 0, Lock()

    def deal(self, most):
        """The first of at most so many blocks, and the one behind the last."""
        with self._lock:
            begin = self.dealt
            self.dealt = end = min(begin + most, self.count)
        return begin, end


def _run(kernel, width, given, blocks):
    """Solve blocks until none is left, or this thread is interrupted."""
    most = 1
    try:
        while True:
            begin, end = blocks.deal(most)
            if begin == end:
                return
            started = perf_counter()
            kernel(begin, end, width, *given)
            most = 2 * most if perf_counter() - started < SHORT else most
    except BaseException:
        blocks.dealt = blocks.count
        raise
