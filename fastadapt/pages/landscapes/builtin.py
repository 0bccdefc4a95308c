"""Problems on the library's own surfaces."""

from functools import cache

from numba import float64, int64

from ...functions import written
from .catalogue import SURFACES
from .problem import Problem, Settings
from .surface import builtin, make, value_of

VECTOR, MATRIX = float64[::1], float64[:, ::1]
SIGNATURE = float64(
    VECTOR, VECTOR, int64, VECTOR, int64, float64, MATRIX, MATRIX, int64[:, ::1], int64[::1], MATRIX, float64
)


@cache
def direct_of(evaluate):
    """The objective over an evaluation, compiled (or found in the disk cache) for a call from Python."""
    from ...kernels.cache import jit

    return jit(written(make(evaluate)), SIGNATURE)


def builtin_problem(name: str, settings: Settings) -> Problem:
    """A problem on one of SURFACES."""
    return Problem(SURFACES[name], settings, builtin(), direct_of(value_of))
