"""One BLAS thread while the explorer computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from threadpoolctl import threadpool_limits

_lock = Lock()
_inside = 0
_limits = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread; the first to enter sets the limit, and the last to leave lifts it.

    The products here are small, and OpenBLAS's threads spin after each, on cores that other requests need.
    """
    global _inside, _limits
    with _lock:
        if not _inside:
            _limits = threadpool_limits(1, "blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limits.restore_original_limits()
