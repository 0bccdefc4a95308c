"""Problems on the library's own surfaces."""

from functools import cache
from threading import Lock
from types import FunctionType

from numba import float64, int64

from ...functions import written
from .catalogue import SURFACES
from .problem import Problem, Settings
from .surface import builtin

# Jobs run in threads, and Numba fails where two of them ask for the same function for the first time at once.
BUILDING = Lock()

VECTOR, MATRIX = float64[::1], float64[:, ::1]
SIGNATURE = float64(VECTOR, VECTOR, int64, int64, float64, MATRIX, VECTOR, MATRIX)


def compiled(objective):
    """An objective, compiled (or found in the disk cache) for a call from Python."""
    from ...kernels.cache import jit

    # Kernels get a name that says what is in them; the objective, which `fa.minimize_many` names too, keeps its own.
    source = written(objective)
    copy = FunctionType(source.__code__, source.__globals__, source.__name__, None, source.__closure__)
    copy.__qualname__, copy.__module__ = source.__qualname__, source.__module__
    return jit(copy, SIGNATURE)


@cache
def direct():
    """The objective of the library's own surfaces, compiled for a call from Python."""
    return compiled(builtin())


def builtin_problem(name: str, settings: Settings) -> Problem:
    """A problem on one of SURFACES."""
    with BUILDING:
        many, quick = builtin(), direct()
    return Problem(SURFACES[name], settings, many, quick)
