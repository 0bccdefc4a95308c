"""Minimizing a function with any rule, of arrays in any nest: without SciPy."""

import sys
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from math import inf
from numbers import Complex, Real
from typing import Any

import numpy as np

from ..arrays import refuse_masked
from ..bounds import bounds_of, inward
from ..hyperparameters import checked
from ..layout import COMPLEX_TYPES, PARAMETER_TYPES
from ..optimizer import Optimizer
from ..tree import Tree, is_container
from .callback import Callback
from .descent import Stops, descend
from .gradient_check import compared
from .objective import Leaves, Objective, Separate
from .result import Result

HELD = {
    "maximize": (False, "minimize the negative"),
    "nonfinite": ("propagate", "it ends where a value or a gradient is not finite"),
    "average": (None, "average what a callback is given"),
    "lower": (-inf, "give the bounds as `bounds`"),
    "upper": (inf, "give the bounds as `bounds`"),
}
"""Hyperparameters that a minimizer leaves at these values, and why."""

WRONG = 1e-3
"""The least relative difference from central differences that is a mistake and no rounding."""


def minimize(
    fun: Callable,
    x0: Any,
    rule: type[Optimizer],
    *,
    jac: bool | Callable = True,
    args: Sequence = (),
    bounds: Any = None,
    maxiter: int = 1000,
    gtol: float = 1e-5,
    ftol: float = 0.0,
    xtol: float = 0.0,
    patience: int = 10,
    best: bool = True,
    callback: Callable | None = None,
    check: bool = False,
    **hyper: Any,
) -> Result:
    """Minimize a function with the steps of a rule, from a starting point on.

        for k = 0, 1, 2, ...:  f, g = fun(x);  stop, if a test says so;  x = rule(x, g)

    fun : `fun(x, *args) -> (value, gradient)`, the gradient in the structure of x, which is a copy; None for an array
        leaves it alone; of a complex one df/dRe + i df/dIm. With `jac` a function, `fun(x, *args) -> value` and
        `jac(x, *args) -> gradient`
    x0 : where to start: one array, or a list, tuple or dict of arrays, nested; float32, float64, complex64 or
        complex128, others become float64. It is not written. A list of numbers is one array
    rule : an optimizer's class, yours too; `**hyper` are its hyperparameters
    bounds : of one array, a pair (lower, upper) of numbers, pairs for each number with None for none, or an object with
        `lb` and `ub`, as SciPy's; of other trees, a pair of trees like x0 or of numbers. A start outside is clipped,
        with a warning
    maxiter : steps at most
    gtol : it ends where no component of the gradient, projected on the bounds, is larger:
        `max |x - clip(x - g, lower, upper)|`; for complex x without bounds, `max |g|`
    xtol : if above 0, where no number has moved by more than `xtol * max(1, max |x|)`; not for a rule whose first
        steps are tiny, as Prodigy's are
    ftol, patience : if `ftol` is above 0, where no value was below `f - ftol * max(1, |f|)`, f being the lowest, for
        `patience` evaluations
    best : whether to return the point of the lowest value that was seen, or the last one: use that where the function
        is noisy, and the lowest value seen is luck
    callback : called after each step: with `intermediate_result=` a result of x and fun, if that is its only parameter,
        or else with a copy of x. It ends the descent by raising StopIteration
    check : whether to compare the gradient at x0 with differences first: ValueError if it is wrong

    Returns x, fun and jac there, nit (steps), nfev, njev (calls), status, success and message. `status` is 0 where a
    tolerance was reached, 1 after `maxiter` steps, 2 where a value or a gradient was not finite, 99 where the callback
    stopped it.

    Raises
    ------
    TypeError, ValueError
        Something of the wrong kind, or with a wrong value; the message names it.

    Warns
    -----
    UserWarning
        x0 is not within the bounds; SciPy's OptimizeWarning, where `scipy.optimize` is loaded.
    """
    stops = Stops(maxiter, gtol, ftol, xtol, patience, best).checked("minimize")
    if jac is not True and not callable(jac):
        raise TypeError(
            f"minimize: expected jac to be True, where fun returns the gradient too, or a function, not {jac!r}"
        )
    if isinstance(x0, list | tuple) and all(isinstance(x, Complex) for x in x0):
        x0 = np.asarray(x0, np.float64 if all(isinstance(x, Real) for x in x0) else np.complex128)
    if not isinstance(check, bool):
        raise TypeError(f"minimize: expected check to be True or False, not {check!r}")
    tree, args = Tree(x0), tuple(args) if isinstance(args, tuple | list) else (args,)
    x = [_start(f"x0{path}", leaf) for path, leaf in zip(tree.paths, tree.leaves(x0), strict=True)]
    objective = Objective(fun, args, tree, pair=True) if jac is True else Separate(fun, jac, args, tree)
    limits = None if bounds is None else limits_of(bounds, tree, x)
    if check:
        refuse_wrong(copy(objective), x, limits)  # whose calls do not count
    step = stepper("minimize", rule, hyper, tree, x, limits)
    found = descend(objective, step, x, limits, stops, None if callback is None else Callback(callback, Result))
    return Result(found | {name: tree.build(found[name]) for name in ("x", "jac")})


def _start(name, leaf):
    """A copy of an array of a starting point, as an array that can be minimized over."""
    refuse_masked(name, leaf)
    if hasattr(leaf, "__cuda_array_interface__"):
        raise TypeError(f"{name}: expected an array on the CPU: `minimize_many` takes those on CUDA")
    array = np.asarray(leaf)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected numbers, not {array.dtype if array.ndim else type(leaf).__name__}")
    kind, known = array.dtype.newbyteorder("="), (*PARAMETER_TYPES, *COMPLEX_TYPES)
    return np.array(array, kind if kind in known else np.complex128 if kind.kind == "c" else np.float64)


def refuse_wrong(objective: Objective, x: Leaves, limits: tuple[Leaves, Leaves] | None) -> None:
    """Raise ValueError if the gradient at these leaves is not the function's, by differences within the limits."""
    wide = [leaf.astype(np.promote_types(leaf.dtype, np.float64)) for leaf in x]
    found = compared(objective.at, objective.paths, wide, limits)
    if found.largest > WRONG:
        raise ValueError(f"minimize: expected the gradient of the function, but at {found!r}")


def limits_of(bounds: Any, tree: Tree, x: Leaves, stacklevel: int = 3) -> tuple[Leaves, Leaves]:
    """The lower and the upper bounds of each leaf, within which the leaves are clipped, with a warning."""
    for path, leaf in zip(tree.paths, x, strict=True):
        if leaf.dtype.kind == "c":
            raise ValueError(f"bounds: expected none where x0{path} is complex, whose numbers have no order")
    if tree.single and x[0].ndim <= 1:
        pairs = [[side.reshape(x[0].shape) for side in bounds_of(bounds, x[0].size, x[0].dtype)]]
    else:
        pairs = [_limits(path, *each) for path, *each in zip(tree.paths, x, *_sides(bounds, tree), strict=True)]
    outside = False
    for leaf, (lower, upper) in zip(x, pairs, strict=True):
        outside |= bool(((leaf < lower) | (leaf > upper)).any())
        np.clip(leaf, lower, upper, out=leaf)
    if outside:
        scipy = sys.modules.get("scipy.optimize")
        kind = getattr(scipy, "OptimizeWarning", UserWarning)
        warnings.warn("Initial guess is not within the specified bounds", kind, stacklevel=stacklevel)
    return [lower for lower, _ in pairs], [upper for _, upper in pairs]


def _sides(bounds, tree):
    """The lower and the upper bounds of a tree, a number or an array for each leaf."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        bounds = bounds.lb, bounds.ub
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise TypeError(f"bounds: expected a pair (lower, upper) of numbers, or of trees like x0, not {bounds!r}")
    alone = [side is None or (not is_container(side) and np.ndim(side) == 0) for side in bounds]
    return [
        [side] * len(tree.paths) if is_number else tree.leaves(side, "bounds")
        for side, is_number in zip(bounds, alone, strict=True)
    ]


def _limits(path, x, lower, upper):
    """The bounds of one array, of its shape and dtype."""
    sides = (-inf if lower is None else lower), (inf if upper is None else upper)
    try:
        low, high = (np.broadcast_to(np.asarray(side, np.float64), x.shape) for side in sides)
    except (TypeError, ValueError):
        raise ValueError(f"bounds: x0{path}: expected numbers, or arrays of shape {x.shape}") from None
    if not ((low <= high) & (low < inf) & (high > -inf)).all():
        raise ValueError(f"bounds: x0{path}: expected lower bounds no larger than the upper ones, and numbers between")
    found = np.empty_like(x), np.empty_like(x)  # in the order of x
    for into, side in zip(found, inward(low, high, x.dtype), strict=True):
        into[...] = side
    return found


def refuse_no_rule(where: str, rule: Any) -> None:
    """Raise TypeError for what is no optimizer's class."""
    if not isinstance(rule, type) or not issubclass(rule, Optimizer) or rule is Optimizer:
        raise TypeError(f"{where}: expected rule to be an optimizer's class, such as fa.Adam, not {rule!r}")


def stepper(
    where: str,
    rule: type[Optimizer],
    hyper: dict[str, Any],
    tree: Tree,
    x: Leaves,
    limits: tuple[Leaves, Leaves] | None,
) -> Callable[[Leaves], None]:
    """The function that takes a step of the leaves by those of their gradient, with an optimizer of its own."""
    refuse_no_rule(where, rule)
    groups, arrays = hyper.get("groups"), hyper.get("per_weight")
    for given in (hyper, *(groups.values() if isinstance(groups, dict) else ())):
        for name, (value, why) in HELD.items():
            if isinstance(given, dict) and name in given and checked(rule, name, given[name]) != value:
                raise ValueError(f"{where}: expected {name} to be {value!r}, not {given[name]!r}: {why}")
    given = arrays if isinstance(arrays, dict) else {}
    if taken := [name for name in ("lower", "upper") if name in given]:
        raise ValueError(f"{where}: expected no {taken[0]!r} in per_weight: give the bounds as `bounds`")
    if limits is not None and (arrays is None or isinstance(arrays, dict)):
        sides = {name: tree.build(leaves) for name, leaves in zip(("lower", "upper"), limits, strict=True)}
        hyper = hyper | {"per_weight": given | sides}
    opt = rule(tree.build(x), **hyper)
    return lambda gradient: opt.step(tree.build(gradient))
