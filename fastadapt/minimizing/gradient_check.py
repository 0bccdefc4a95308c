"""Checking a gradient against differences of its function."""

import inspect
from collections.abc import Callable, Sequence
from math import inf, isfinite
from numbers import Complex
from typing import Any, NamedTuple

import numpy as np

from ..arrays import refuse_masked
from ..functions import written
from ..layout import parts_of
from ..tree import Tree


class Difference(NamedTuple):
    """The component of a gradient that differs most from central differences."""

    relative: float
    """|given - expected| over the larger of both, less what rounding explains; infinite where one is not finite."""
    place: tuple[int, ...]
    given: float
    expected: float
    """By central differences."""


class GradientCheck(dict):
    """By array, named as a user would write it behind `x0`, the component that differs most."""

    @property
    def largest(self) -> float:
        """The largest relative difference of all arrays; 0 where there is none."""
        return max((found.relative for found in self.values()), default=0.0)

    def __repr__(self) -> str:
        lines = [
            f"x0{name}{list(found.place) or ''}: the gradient is {found.given:.6g}, differences give "
            f"{found.expected:.6g}: relative difference {found.relative:.2g}"
            for name, found in self.items()
        ]
        return "\n".join(lines)


def check_gradient(fun: Callable, x0: Any, args: Sequence = (), *, most: int = 1000, seed: int = 0) -> GradientCheck:
    """Compare a gradient with central differences of its function: a wrong gradient is the commonest mistake.

        (f(x + h) - f(x - h)) / (2 * h),  h = eps**(1/3) * max(1, |x|)

    fun : `fun(x, *args) -> (value, gradient)`, the gradient in the structure of x; or as for `minimize_many`,
        `fun(x, g, *args) -> value`, which writes the gradient into its second parameter: that is then named `g`, or
        there is one parameter more than x and args; a third one named `t` is given 1
    x0 : where to compare: one array, or a list, tuple or dict of arrays, nested; it is not written, and `fun` is given
        copies of float64 or complex128. A list of numbers is one array
    most : components that are compared of each array; of a larger one so many, drawn at random with `seed`

    Returns by array the component that differs most (`relative`, `place`, `given`, `expected`), and the largest
    relative difference as `.largest`: 1e-6 or less for a right gradient of a smooth function, about 1 for a wrong one.

    Raises
    ------
    TypeError, ValueError
        x0 is not of numbers; the gradient does not have its structure or a shape of it; fun returns no number.
    """
    if not isinstance(args, list | tuple):
        raise TypeError(f"check_gradient: expected args to be a tuple, such as (A,), not {type(args).__name__}")
    writes, takes_step = _form(fun, len(args))
    flat = isinstance(x0, list | tuple) and all(isinstance(x, Complex) for x in x0)
    x0 = np.asarray(x0) if writes or flat else x0
    tree = Tree(x0)
    start = [_real(path, leaf) for path, leaf in zip(tree.paths, tree.leaves(x0), strict=True)]
    args = (1, *args) if takes_step else tuple(args)
    call = _caller(fun, tree, args, writes)
    return compared(call, tree.paths, start, None, most, seed)


def compared(
    call: Callable, paths: list[str], x: list, limits: tuple[list, list] | None, most: int = 1000, seed: int = 0
) -> GradientCheck:
    """What `check_gradient` returns, of `call(leaves) -> (value, leaves of the gradient)` at leaves of float64, or of
    complex128, whose parts are told apart by a last index.

    Differences stay within the limits, the lower and the upper bounds of the leaves; a gradient of None is left out.
    """
    value, grads = call(x)
    kind = np.asarray(value).dtype
    eps = np.finfo(kind if kind.kind == "f" else np.float64).eps.item()
    rng, found = np.random.default_rng(seed), GradientCheck()
    for k, (path, g) in enumerate(zip(paths, grads, strict=True)):
        if g is None:
            continue
        g = parts_of(g)
        places = np.arange(g.size) if g.size <= most else rng.choice(g.size, most, replace=False)
        differences = [_difference(call, x, limits, k, np.unravel_index(place, g.shape), g, eps) for place in places]
        if differences := [each for each in differences if each is not None]:
            found[path] = max(differences, key=lambda each: each.relative)
    return found


def _form(fun, args):
    """Whether `fun` writes its gradient into its second parameter, and whether it then takes the step as its third."""
    signature = inspect.signature(written(fun))
    names, several = list(signature.parameters), (None,) * (2 + args)
    writes = names[1:2] == ["g"] or (not _takes(signature, several[1:]) and _takes(signature, several))
    return writes, writes and names[2:3] == ["t"]


def _takes(signature, given):
    try:
        signature.bind(*given)
    except TypeError:
        return False
    return True


def _real(path, leaf):
    """A copy of an array in float64."""
    name, array = f"check_gradient: x0{path}", np.asarray(leaf)
    refuse_masked(name, leaf)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected numbers, not {array.dtype if array.ndim else type(leaf).__name__}")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _caller(fun, tree, args, writes):
    """The function that gives the value and the leaves of the gradient at leaves, of copies."""

    def call(at):
        x = tree.build(leaf.copy() for leaf in at)
        g = np.full_like(x, np.nan) if writes else None
        found = (fun(x, g, *args), g) if writes else fun(x, *args)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise TypeError(
                f"check_gradient: expected fun to return a value and its gradient, not {type(found).__name__}"
            )
        value, grads = found
        if np.size(value) != 1 or np.asarray(value).dtype.kind not in "biuf":
            raise TypeError(f"check_gradient: expected fun to return one number as its value, not {value!r}")
        if writes and g.size and np.isnan(g).all() and np.isfinite(value):
            raise TypeError(
                "check_gradient: expected fun to write its gradient into its second parameter, as in g[...] = 2 * x"
            )
        value = np.asarray(value).reshape(())
        leaves = tree.leaves(grads, "gradient")
        for path, leaf in zip(tree.paths, leaves, strict=True):
            refuse_masked(f"check_gradient: gradient{path}", leaf, "a gradient")
        found = [np.asarray(leaf) for leaf in leaves]
        for path, p, leaf in zip(tree.paths, at, found, strict=True):
            if (leaf.dtype.kind == "c") != (p.dtype.kind == "c"):
                kind = "complex" if p.dtype.kind == "c" else "real"
                raise TypeError(f"check_gradient: x0{path}: expected a {kind} gradient, not one of {leaf.dtype}")
            if leaf.shape != p.shape:
                raise ValueError(f"x0{path}: expected a gradient of shape {p.shape}, not {leaf.shape}")
        return value, [leaf.astype(p.dtype) for p, leaf in zip(at, found, strict=True)]

    return call


def _difference(call, start, limits, k, place, gradient, eps):
    """A component of the gradient of array `k`, beside central differences; None if it is fixed by its bounds."""
    place = tuple(int(i) for i in place)
    at = parts_of(start[k])
    x, given = at[place].item(), gradient[place].item()
    step = eps ** (1 / 3) * max(1.0, abs(x))
    lower, upper = (-inf, inf) if limits is None else (float(side[k][place]) for side in limits)
    ends = []
    for moved in (min(x + step, upper), max(x - step, lower)):
        at[place] = moved
        ends.append((moved, float(call(start)[0])))
    at[place] = x
    if ends[0][0] == ends[1][0]:
        return None
    (above, high), (below, low) = ends
    expected = (high - low) / (above - below)
    if not (isfinite(given) and isfinite(expected)):
        return Difference(inf, place, given, expected)
    # Values are rounded, by their own size, and what is left of them is divided by the step.
    noise = 8 * eps * max(abs(high), abs(low)) / (above - below)
    size = max(abs(given), abs(expected))
    return Difference(max(abs(given - expected) - noise, 0.0) / size if size else 0.0, place, given, expected)
