"""Minimizing thousands of small functions at once."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from math import inf
from types import FunctionType
from typing import Any

import numpy as np

from ..arrays import refuse_masked
from ..bounds import bounds_of
from ..engine.first_state import first_state, starts
from ..functions import reads_values, written
from ..hyperparameters import real
from ..layout import PARAMETER_TYPES, layout
from ..optimizer import Optimizer
from ..raising import refuse_raises
from .rates import rates_of
from .result import Result

MOST_STEPS = 10**8
"""A table holds the coefficients of each step."""


def minimize_many(
    fun: Callable,
    x0s: Any,
    rule: type[Optimizer],
    *,
    steps: int,
    args: Sequence = (),
    shared: Sequence = (),
    bounds: Any = None,
    gtol: float = 0.0,
    record: int | None = None,
    **hyper: Any,
) -> Result:
    """Minimize thousands of small functions at once: the objective and the rule are compiled into one loop.

        for t = 1, 2, ..., steps, for each problem i:  value, g = fun(x[i]);  x[i] = rule(x[i], g)

    fun : `fun(x, g, *args_i, *shared) -> value`, `@njit` or plain Python, which is compiled: writes the gradient at `x`
        into `g`, both of d numbers, and only reads `x`. Where its third parameter is named `t`, it is also given the
        step to come, from 1. It may not raise: a problem whose value is not finite stops. As in all of Numba's code, an
        index is not checked: one beyond its array reads, or writes, whatever stands there
    x0s : (n, d) float32 or float64, on the CPU or on CUDA: where each problem starts; it is not written
    rule : an optimizer's class, yours too
    steps : how many steps each problem takes
    args : arrays of n rows each, of which problem i gets row i: a number, or an array
    shared : arrays and numbers that every problem is given whole; what `fun` writes into either stays there
    bounds : d pairs (lower, upper) with None for none, or one pair of numbers for all, or an object with `lb` and `ub`,
        arrays or numbers, as SciPy's `Bounds`; each weight is clipped to them after each step
    gtol : a problem stops where the largest component of its gradient, projected on the bounds, is no larger; 0: never
    record : keep the first point and every `record`-th after it
    hyper : the rule's hyperparameters. One of `coefficients`, or `weight_decay`, may be an array that broadcasts to
        (n, steps): values by problem, by step, or both. `max_norm` and `max_value` act on each problem

    Returns a dict with attributes:

    x : (n, d), the last points
    fun : (n,) float64, the values there
    nit : (n,), the steps that were taken to them
    success : (n,), whether gtol was reached, or with gtol=0 whether the value is finite
    path : (n, steps // record + 1, d), where `record` is given; a problem that stopped stays where it is

    `fun` is called steps + 1 times, the last time at the x that is returned. A problem whose value is not finite goes
    back to the point before and stops there; the others go on. The points are those of `steps` calls of `opt.step`, to
    the bit as long as no number is denormal. (Where a hyperparameter is different for each problem, the coefficients
    are computed by compiled code, whose powers may round otherwise than Python's, by one unit of float64.)

    Compiling takes seconds, once for each objective and rule: kernels are kept in the disk cache, and are compiled
    again when the objective, or a function that it calls, was edited.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or value; the message names it. Numba cannot compile `fun`.

    Warns
    -----
    UserWarning
        Starts outside of the bounds, which are clipped.
    """
    if not (isinstance(rule, type) and issubclass(rule, Optimizer) and rule is not Optimizer):
        raise TypeError(f"minimize_many: expected an optimizer's class, such as fa.Adam, not {rule!r}")
    source, found = _function(fun), _starts(x0s)
    n, d = found.shape
    steps, every = _whole("steps", steps, 0, MOST_STEPS), 0 if record is None else _whole("record", record, 1)
    gtol = real(gtol, "minimize_many: expected gtol")
    if not 0 <= gtol < inf:
        raise ValueError(f"minimize_many: expected gtol to be at least 0 and finite, not {gtol!r}")
    rates = rates_of(rule, hyper, n, steps, found.dtype)
    limits = bounds_of(bounds, d, found.dtype)
    from ..devices import module_of  # here, so that importing the package loads no kernel
    from ..kernels.problems import Kind

    device = module_of(found.cuda, "_problems")
    args, shared = _args(device, args, n), _shared(device, shared)
    x = device.copied(_inside(found.array, limits) if bounds is not None else found.array)
    value, nit, success = (device.empty((n,), kind) for kind in (np.float64, np.int64, np.bool_))
    path = device.empty((n, steps // every + 1 if every else 0, d), found.dtype)
    takes_step = _takes_step(source, len(args) + len(shared))
    group, own = rates.group, rates.rule
    kind = Kind(
        fun=source,
        fastmath=getattr(fun, "targetoptions", {}).get("fastmath", False),
        takes_step=takes_step,
        update=own.update,
        coefs=own.coefs,
        states=len(own.states),
        values=rule.declaration.count,
        coefficients=rule.declaration.coefficients if rates.by_problem else None,
        clips=group.max_norm < inf,
        dtype=found.dtype,
        sums=_sums(rule, own) if rates.by_problem else None,
    )
    starts = _first_states(device, rule, group, found)
    kept = rule.declaration.reductions.first(group.given(whole=True)) if kind.sums else ()
    device.solve(
        kind,
        args,
        shared,
        tuple(map(device.on_device, rates.arrays)),
        device.on_device(starts),
        tuple(map(device.on_device, limits)),
        (steps, every, gtol, group.max_norm, *kept),
        (x, value, nit, success, path),
    )
    result = Result(x=x, fun=value, nit=nit, success=success)
    return Result(result, path=path) if every else result


def _sums(rule, update):
    """What of a rule's sums and scalars goes into the solver."""
    from ..kernels.problems import Sums

    if (found := rule.declaration.reductions) is None:
        return None
    return Sums(update.reduce, found.combine, found.picks, len(found.before), len(found.after), len(found.scalars))


def _function(fun):
    """The objective as it was written."""
    source = written(fun)
    if not isinstance(source, FunctionType):
        raise TypeError(f"minimize_many: expected fun to be a function, `@njit` or plain Python, not {fun!r}")
    refuse_raises("minimize_many: fun", source)
    return source


def _takes_step(source, more):
    """Whether the objective takes the step to come; TypeError where it does not take so many arguments behind that."""
    signature = inspect.signature(source)
    takes_step = list(signature.parameters)[2:3] == ["t"]
    try:
        signature.bind(*[None] * (2 + takes_step + more))
    except TypeError:
        expected = f"(x, g{', t' * takes_step}) and one for each of args and shared, which are {more}"
        why = "; a third one named t is the step to come" if takes_step else ""
        raise TypeError(f"minimize_many: fun: expected parameters {expected}, not {signature}{why}") from None
    return takes_step


def _starts(x0s):
    """The layout of the starts."""
    refuse_masked("minimize_many: x0s", x0s)
    found = layout(x0s) or layout(np.asarray(x0s))
    if found is None or found.dtype not in PARAMETER_TYPES:
        kind = type(x0s).__name__ if found is None else found.dtype
        raise TypeError(f"minimize_many: expected x0s to be an array of float32 or float64, not {kind}")
    if len(found.shape) != 2:
        raise ValueError(f"minimize_many: expected x0s of shape (n, d), a row for each problem, not {found.shape}")
    return found


def _inside(x0s, limits):
    """The starts, clipped to the bounds."""
    if not isinstance(x0s, np.ndarray):
        raise TypeError("minimize_many: expected starts on the CPU with bounds, for starts are clipped to them")
    inside = np.clip(x0s, *limits)
    if (inside != x0s).any():
        warnings.warn("minimize_many: starts outside of the bounds were clipped to them", stacklevel=3)
    return inside


def _whole(name, value, least, most=inf):
    """A whole number."""
    number = real(value, f"minimize_many: expected {name}")
    if not least <= number <= most or number % 1:
        limits = f"from {least} on" if most == inf else f"from {least} to {most:,}"
        raise ValueError(f"minimize_many: expected {name} to be a whole number {limits}, not {value!r}")
    return int(min(number, 2.0**62))


def _args(device, args, n):
    """The arrays of which each problem gets its row."""
    found = []
    for k, value in enumerate(_several("args", args)):
        refuse_masked(f"minimize_many: args[{k}]", value)
        array = device.given_array(f"args[{k}]", value)
        if not array.ndim or len(array) != n:
            raise ValueError(f"minimize_many: args[{k}]: expected {n} rows, as x0s, not shape {array.shape}")
        found.append(array)
    return tuple(found)


def _shared(device, shared):
    """What every problem is given whole: numbers as they are."""
    numbers = (bool, int, float, complex, np.generic)
    for k, value in enumerate(_several("shared", shared)):
        refuse_masked(f"minimize_many: shared[{k}]", value)
    return tuple(
        value if isinstance(value, numbers) else device.given_array(f"shared[{k}]", value)
        for k, value in enumerate(shared)
    )


def _several(name, values):
    if not isinstance(values, tuple | list):
        raise TypeError(f"minimize_many: expected {name} to be a tuple of arrays, not {type(values).__name__}")
    return values


def _first_states(device, rule, group, found):
    """The states before the first step: an array for each, of a row for all problems or one for each, and of d."""
    states, (n, d) = len(group.rule.states), found.shape
    where = f"{rule.__name__}.start"
    if not starts(rule):
        return np.zeros((states, 1, d), found.dtype)
    if not reads_values(rule.start):
        return np.array(first_state(rule, group, (d,), found.dtype, None, where)).reshape(states, 1, d)
    x0s = device.on_host(found.array)
    rows = [first_state(rule, group, (d,), found.dtype, x.copy, f"{where}: x0s[{i}]") for i, x in enumerate(x0s)]
    return np.array(rows, found.dtype).reshape(n, states, d).transpose(1, 0, 2).copy()
