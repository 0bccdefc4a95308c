"""Many small problems on the CPU: blocks of them to threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from numba import get_num_threads, typeof, types

from ..dry_run import try_objective
from ..functions import naming_the_reason
from ..kernels.cache import jit
from ..kernels.cpu_problems import kernel_of
from ..kernels.problems import Kind

SHORT = 0.01
"""Seconds that a call of the kernel lasts at least, where there is so much to do: Ctrl-C waits for its end."""

PARALLEL_FROM = 2**17
"""Steps of single weights from which on several threads share them: to start one takes some 50 µs."""


# What is asked of both devices; `cuda_problems` says what each is.
copied, on_device, on_host, empty = partial(np.array, order="C"), np.asarray, np.asarray, np.empty


def given_array(name: str, value: Any) -> np.ndarray:
    """An array of `args` or `shared`, as the kernel takes it."""
    found = np.asarray(value)
    if found.dtype.kind not in "biufc":
        raise TypeError(f"minimize_many: {name}: expected an array of numbers, not of {found.dtype}")
    if not found.dtype.isnative:
        found = found.astype(found.dtype.newbyteorder("="))
    return np.ascontiguousarray(found)


def width_for(d: int) -> int:
    """How many problems of `d` numbers a block holds: as many as fit the first cache, for one instruction takes 16."""
    return 64 if d <= 32 else 16 if d <= 256 else 4


_built: dict[tuple, Callable] = {}


def build(kind: Kind, given: tuple) -> Callable:
    """The kernel for these arguments, compiled, or found in the disk cache or among those of this process."""
    signature = tuple(map(typeof, given))
    key = kind.key(), signature
    if key not in _built:
        _try(kind, *given)
        if len(_built) >= 64:  # of functions that a user made and threw away
            _built.clear()
        with naming_the_reason("fun"):
            _built[key] = jit(kernel_of(kind), (types.intp,) * 3 + signature, nogil=True)
    return _built[key]


def _try(kind, args, shared, rates, starts, limits, numbers, out):
    """Call the objective once, as Python, at the first start."""
    if len(out[0]):
        first = (*(array[0] for array in args), *shared)
        try_objective(kind.fun, out[0][0].copy(), (1, *first) if kind.takes_step else first)


def solve(kind: Kind, *given: Any) -> None:
    """Solve all problems: `given` are the kernel's arguments from `args` on.

    Threads are Python's, and the kernel releases their lock. Of a parallel kernel Numba would compile the loop twice,
    and Ctrl-C would wait for all of it.
    """
    x, steps = given[-1][0], given[-2][0]
    width = width_for(x.shape[1])
    blocks = -(-len(x) // width)
    run = partial(_run, build(kind, given), width, given, _Blocks(blocks))
    threads = min(get_num_threads(), blocks) if x.size * steps >= PARALLEL_FROM else 1
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
            with np.errstate(all="ignore"):  # as compiled code does, also where the kernel runs as Python
                kernel(begin, end, width, *given)
            most = 2 * most if perf_counter() - started < SHORT else most
    except BaseException:
        blocks.dealt = blocks.count
        raise
