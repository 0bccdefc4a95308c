"""A rule tried as Python, before its kernels are made: mistakes show in its own lines."""

import inspect
import math
import warnings
from numbers import Real
from typing import Any

import numpy as np

from .functions import copied
from .raising import refuse_errors


def try_update(cls: type, group: Any) -> None:
    """Call the rule once, as Python, on ones: a mistake in it is an error in its own line, not one of the compiler."""
    rule, own = group.rule, group.own(1)
    names = ["p", *rule.states, *(f"its term of {name}" for name in cls.sums_after)]
    _try(f"{cls.__name__}.{rule.name}", rule.update, len(rule.states), own, names)
    if rule.reduce is not None:
        name, takes = rule.name.replace("update", "reduce"), len(inspect.signature(rule.reduce).parameters)
        names = [f"a term of {name}" for name in cls.sums_before]
        _try(f"{cls.__name__}.{name}", rule.reduce, len(rule.states), own[: takes - 2 - len(rule.states)], names)


def _try(where, function, states, own, names):
    """Call one of a rule's functions of one weight on ones; TypeError if it does not return numbers of these names."""
    refuse_errors(where, function)
    try:
        found = _as_python(function)(*[1.0] * (2 + states), *own)
    except (ArithmeticError, ValueError):  # of these numbers perhaps, and a kernel knows neither
        return
    numbers = found if isinstance(found, tuple) else (found,)
    if found is None or len(numbers) != len(names):
        raise TypeError(f"{where}: expected it to return {', '.join(names)}, not {found!r}")
    if array := [name for name, x in zip(names, numbers, strict=True) if isinstance(x, np.ndarray)]:
        raise TypeError(
            f"{where}: expected a number as {array[0]}, not an array: it is given one weight, for which "
            "np.where(c, a, b) is `a if c else b`"
        )


def try_objective(fun: Any, x: np.ndarray, more: tuple) -> None:
    """Call an objective `fun(x, g, *more)` once, as Python: a mistake in it is an error in its own line.

    Raises
    ------
    TypeError
        It returns no number, or writes nothing into `g`.
    """
    g, before = np.full_like(x, UNWRITTEN), x.copy()
    try:
        with np.errstate(all="ignore"):
            value = _as_python(fun)(x, g, *more)
    except (ArithmeticError, ValueError):  # at this point perhaps, and compiled code knows neither
        return
    if not isinstance(value, Real | np.ndarray) or np.shape(value) != ():
        raise TypeError(f"fun: expected it to return its value, a number, not {value!r}")
    if x.tobytes() != before.tobytes():
        raise TypeError("fun: expected it to leave x as it is, which is its first parameter")
    if g.size and (g == UNWRITTEN).all():
        raise TypeError("fun: expected it to write its gradient into its second parameter, as in `g[0] = 2 * x[0]`")


UNWRITTEN = 1.5 * 2.0**-70
"""What no gradient is by chance, and every type of weights holds."""


def _as_python(update):
    """The rule as Python calls it: what it calls is not compiled for a dry run."""
    return copied(update, lambda copy, jitted: copy)


def warn_of_signs(cls: type, group: Any) -> None:
    """Say which states of 8 bits look as if they were never negative, where the rule does not say so."""
    rule, state, update = group.rule, [0.0] * len(group.rule.states), _as_python(group.rule.update)
    least = state
    try:
        for t in range(1, 41):
            _, *state = update(math.sin(t), math.cos(t * t), *state, *group.own(t))[: 1 + len(state)]
            least = list(map(min, least, state))
    except (ArithmeticError, ValueError, TypeError):
        return
    signs = list(zip(rule.states, least, rule.nonnegative, rule.full_precision, strict=True))
    signs = [(state, low, known) for state, low, known, full in signs if not full]
    if found := [state for state, low, known in signs if low >= 0 and not known]:
        every = tuple(state for state, low, known in signs if low >= 0 or known)
        warnings.warn(
            f"{cls.__name__}: {', '.join(found)} was never negative in a trial; if that holds, say "
            f"nonnegative = {every} in the class: in 8 bits, small values of other states become 0",
            stacklevel=4,
        )
