"""A function of the reader's own: what it takes and gives, and whether Numba compiles it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import float64, njit

from ...functions import written
from .builtin import compiled
from .surface import around

STEP = 6e-6
"""Of central differences: near the third root of float64's rounding, where truncation and rounding are alike."""


@dataclass(frozen=True)
class Own:
    """A reader's function of two variables.

    function : as it was given
    takes_array : `f(x)` with an array of two, or else `f(x, y)`
    gives_gradient : it returns the gradient as well, or else that is by central differences
    """

    function: Callable
    takes_array: bool
    gives_gradient: bool

    @property
    def name(self) -> str:
        """What the function is called."""
        return getattr(self.function, "__name__", "f")

    def at(self, x: float, y: float) -> tuple[Any, np.ndarray]:
        """The value at a point and the derivatives, if it gives them, by a call from Python."""
        with np.errstate(all="ignore"):
            found = self.function(np.array([x, y])) if self.takes_array else self.function(x, y)
        parts = found if isinstance(found, tuple | list) else (found,)
        return parts[0], np.array(parts[1] if self.takes_array and self.gives_gradient else parts[1:], np.float64)

    @cached_property
    def objectives(self) -> tuple[Callable | None, Callable, str]:
        """The objective for `fa.minimize_many`, that for a call from Python, and why the first is None where it is."""
        try:
            from ...kernels.cache import jitable, private

            # As parts of the kernel, by what they do: Numba's own names of jitted functions would miss the disk cache.
            evaluate = _evaluate(private(written(self.function)), self.takes_array, self.gives_gradient)
            objective = around(jitable(evaluate))
            return objective, compiled(objective), ""
        except Exception as error:  # Numba's own, and those of what it reads
            evaluate = _evaluate(self.function, self.takes_array, self.gives_gradient)
            return None, _quietly(written(around(evaluate))), _reason(self._alone() or error)

    def _alone(self):
        """What Numba says of the function by itself, which is shorter; None where it compiles."""
        kinds = (float64[::1],) if self.takes_array else (float64, float64)
        try:
            njit(written(self.function)).compile(kinds)
        except Exception as error:
            return error
        return None


def own_of(function: Callable, at: tuple[float, float]) -> Own:
    """Find out at a point what a function takes and gives; TypeError or ValueError where that is something else."""
    name = getattr(function, "__name__", repr(function))
    takes_array = _parameters(function) == 1
    with np.errstate(all="ignore"):
        value = function(np.array(at)) if takes_array else function(*at)
    parts = value if isinstance(value, tuple | list) else (value,)
    expected = (1, 2) if takes_array else (1, 3)
    shape = "a value, or a value and an array of two" if takes_array else "a value, or a value and two derivatives"
    if len(parts) not in expected:
        raise TypeError(f"{name}: expected {shape}, not {value!r}")
    if takes_array and len(parts) == 2 and np.shape(parts[1]) != (2,):
        raise ValueError(f"{name}: expected a gradient of shape (2,), not {np.shape(parts[1])}")
    for part in parts if not takes_array else parts[:1]:
        if part is None or np.ndim(part) or not np.isrealobj(part) or isinstance(part, str | bytes):
            raise TypeError(f"{name}: expected {shape}, not {value!r}")
    return Own(function, takes_array, len(parts) > 1)


def _parameters(function):
    """How many arguments a function needs: 1 or 2."""
    name = getattr(function, "__name__", repr(function))
    source = written(function)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = [each for each in inspect.signature(source).parameters.values() if each.kind in kinds]
    needed = [each for each in given if each.default is each.empty]
    if len(needed) not in (1, 2):
        raise TypeError(
            f"{name}: expected a function of x and y, or of an array of two, not of {len(needed)} arguments"
        )
    return len(needed)


def _evaluate(f: Any, takes_array: bool, gives_gradient: bool) -> Callable:
    """`(x, y) -> value, derivatives`."""
    if takes_array and gives_gradient:

        def evaluate(x, y):
            value, g = f(np.array([x, y]))
            return float(value), float(g[0]), float(g[1])

    elif gives_gradient:

        def evaluate(x, y):
            value, by_x, by_y = f(x, y)
            return float(value), float(by_x), float(by_y)

    elif takes_array:

        def evaluate(x, y):
            a, b = STEP * max(1.0, abs(x)), STEP * max(1.0, abs(y))
            by_x = (f(np.array([x + a, y])) - f(np.array([x - a, y]))) / (2.0 * a)
            by_y = (f(np.array([x, y + b])) - f(np.array([x, y - b]))) / (2.0 * b)
            return float(f(np.array([x, y]))), float(by_x), float(by_y)

    else:

        def evaluate(x, y):
            a, b = STEP * max(1.0, abs(x)), STEP * max(1.0, abs(y))
            by_x = (f(x + a, y) - f(x - a, y)) / (2.0 * a)
            by_y = (f(x, y + b) - f(x, y - b)) / (2.0 * b)
            return float(f(x, y)), float(by_x), float(by_y)

    return evaluate


def _quietly(objective):
    """The objective in Python, without warnings, and NaN where arithmetic fails, as in compiled code."""

    def surface(x, g, *others):
        try:
            with np.errstate(all="ignore"):
                return objective(x, g, *others)
        except ArithmeticError:
            g[:] = np.nan
            return np.nan

    return surface


def _reason(error):
    """Numba's errors are pages long; the first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Failed in nopython", "During:", "File "))]
    return (telling or lines or [type(error).__name__])[0][:200]
