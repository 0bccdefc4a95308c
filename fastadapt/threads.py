"""Threads and forks: one step at a time in a process, and what a forked child must not do."""

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import RLock, get_ident, main_thread

from numba.core.compiler_lock import global_compiler_lock

from .launch import launch, layer

STEPPING = RLock()
"""Held by whoever steps, reads or loads an optimizer.

Two steps at once would gain nothing, for each takes all threads; and under Numba's `workqueue` layer two parallel
kernels at once abort the process. A fork waits for it, so that no child inherits half a step.
"""

forks = 0
"""How often this process, or one that it was forked from, was the child of a fork."""

_starter = main_thread().ident
"""The thread that starts Numba's: under TBB, a fork by another leaves the child with none."""

_lost: str | None = None
"""The threading layer whose threads this process has lost by a fork, and which cannot start them anew."""


needed_by_children: dict[tuple, None] = {}
"""Functions and arguments, to be called before a fork that loses the threads: they make what the child will need.

To compile or load it in the child could wait for ever, for a lock that another thread of the parent held.
"""


def threads_run() -> bool:
    """Whether kernels may use threads here, which it starts; says once where they may not.

    Warns
    -----
    RuntimeWarning
        This process was forked from one in which GNU OpenMP's threads ran, or TBB's where another thread than the one
        that forked had started them: with threads, the next kernel would kill it, or wait for ever.
    """
    global _starter
    if _lost is not None:
        _warn(_lost)
    else:
        if layer() is None:
            _starter = get_ident()
        launch()
    return _lost is None


@cache
def _warn(lost):
    warnings.warn(
        f"fastadapt: this process was forked from one whose threads ran; they cannot run here (Numba's layer {lost}), "
        "and steps use one thread. Start processes by spawn or forkserver, or fork before the first large step",
        RuntimeWarning,
        stacklevel=2,
    )


def _loses(started):
    """Whether a fork by this thread leaves the child without the threads of the layer that was started."""
    return started == "omp" or (started == "tbb" and get_ident() != _starter)


def _before_fork():
    STEPPING.acquire()
    global_compiler_lock.acquire()  # which Numba would leave locked in the child, if another thread compiles
    if _loses(layer()):
        with suppress(Exception):
            while needed_by_children:
                (make, *given), _ = needed_by_children.popitem()
                make(*given)


def _let_go():
    global_compiler_lock.release()
    STEPPING.release()


def _in_child():
    global forks, _lost
    forks += 1
    found = layer()
    if _loses(found):
        _lost = found
    _let_go()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the body is done, if Python handles it, and on this thread."""
    held: list[tuple] = []
    handler = signal.getsignal(signal.SIGINT)
    waits = handler is not None  # or it belongs to a program that Python is embedded in, and could not be given back
    if waits:
        try:
            signal.signal(signal.SIGINT, lambda *given: held.append(given))
        except ValueError:  # `main_thread()` knows less: it is the one that imported `threading`
            waits = False
    try:
        yield
    finally:
        if waits:
            signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_let_go, after_in_child=_in_child)
