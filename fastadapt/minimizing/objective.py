"""A function to minimize, with its gradient, at the leaves of a tree."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import refuse_masked
from ..tree import Tree

Leaves = list[np.ndarray]


class Objective:
    """What is minimized: calls are given copies of the leaves in their tree, and counted in `nfev` and `njev`.

    `pair` says that the function returns its value and its gradient.
    """

    def __init__(self, fun: Callable, args: tuple, tree: Tree, pair: bool = False):
        self._fun, self._args, self._tree, self._pair = fun, args, tree, pair
        self.nfev, self.njev, self.paths = 0, 0, tree.paths

    def point(self, leaves: Leaves) -> Any:
        """A copy of the leaves in their tree."""
        return self._tree.build(leaf.copy() for leaf in leaves)

    def _called(self, leaves):
        """What the function returns: of a pair both."""
        self.nfev += 1
        found = self._fun(self.point(leaves), *self._args)
        if not self._pair:
            return found, None
        if not isinstance(found, tuple | list) or len(found) != 2:
            kind = f"{len(found)} things" if isinstance(found, tuple | list) else type(found).__name__
            raise TypeError(f"fun: expected a value and its gradient, not {kind}; jac=True says so")
        self.njev += 1
        return found

    def value(self, leaves: Leaves) -> float:
        """The value at the leaves."""
        return _number(self._called(leaves)[0])

    def at(self, leaves: Leaves) -> tuple[float, Leaves]:
        """The value and the leaves of the gradient."""
        value, gradient = self._called(leaves)
        return _number(value), self._leaves(gradient, leaves)

    def _leaves(self, gradient, leaves):
        """The leaves of a gradient, checked; None where it has none."""
        found = self._tree.leaves(gradient, "gradient")
        if all(g is None for g in found):
            raise TypeError("gradient: expected at least one array, not None: does the function return it?")
        return [
            None if g is None else _checked(path, g, x)
            for path, g, x in zip(self._tree.paths, found, leaves, strict=True)
        ]


class Separate(Objective):
    """One whose gradient is another function."""

    def __init__(self, fun: Callable, jac: Callable, args: tuple, tree: Tree):
        super().__init__(fun, args, tree)
        self._jac = jac

    def gradient(self, leaves: Leaves) -> Leaves:
        """The leaves of the gradient alone."""
        self.njev += 1
        return self._leaves(self._jac(self.point(leaves), *self._args), leaves)

    def at(self, leaves: Leaves) -> tuple[float, Leaves]:
        return self.value(leaves), self.gradient(leaves)


class Differences(Objective):
    """One whose gradient is that of differences: forward, but for what is nearer to its upper bound than the step."""

    def __init__(self, fun: Callable, args: tuple, tree: Tree, limits: tuple[Leaves, Leaves]):
        super().__init__(fun, args, tree)
        self._lower, self._upper = limits

    def at(self, leaves: Leaves) -> tuple[float, Leaves]:
        value = self.value(leaves)
        self.njev += 1
        return value, [self._slopes(leaves, k, value) for k in range(len(leaves))]

    def _slopes(self, leaves, k, value):
        """The derivatives by the numbers of array `k`; 0 by one that its bounds fix."""
        x = leaves[k].copy()
        slopes, moved = np.zeros(x.shape), [*leaves[:k], x, *leaves[k + 1 :]]
        for place in np.ndindex(x.shape):
            start = x[place].item()
            step = STEP * max(1.0, abs(start))
            above, below = self._upper[k][place] - start, start - self._lower[k][place]
            if max(above, below) <= 0:
                continue
            x[place] = start + min(step, above) if above >= min(step, below) else start - min(step, below)
            slopes[place] = (self.value(moved) - value) / (x[place] - start)
            x[place] = start
        return slopes


STEP = np.sqrt(np.finfo(np.float64).eps).item()
"""The step of differences, by the size of the number where that is above 1, as SciPy's."""


def _number(value):
    """The value of a function as a float."""
    if isinstance(value, Real):
        return float(value)
    refuse_masked("fun", value, "a value")
    if np.size(value) != 1 or np.asarray(value).dtype.kind not in "biuf":
        raise TypeError(f"fun: expected one number as its value, not {value!r}")
    return float(np.asarray(value).item())


def _checked(path, g, x):
    """A gradient as an array of the shape of its parameter; of one number it may have any shape."""
    refuse_masked(f"gradient{path}", g, "a gradient")
    found = np.asarray(g)
    if (found.dtype.kind == "c") != (x.dtype.kind == "c") or found.dtype.kind not in "biufc":
        kind = "complex" if x.dtype.kind == "c" else "real"
        raise TypeError(f"gradient{path}: expected {kind} numbers, for an array of {x.dtype}, not {found.dtype}")
    if found.dtype.kind in "biu" or found.dtype in (np.longdouble, np.clongdouble):
        found = found.astype(np.promote_types(x.dtype, np.float64))
    if found.shape != x.shape:
        if found.size != 1 or x.size != 1:
            raise ValueError(f"gradient{path}: expected shape {x.shape}, not {found.shape}")
        found = found.reshape(x.shape)
    return found
