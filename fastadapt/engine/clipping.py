"""Clipping: the norm of the gradients, what of them is not finite, and the factor that comes of it."""

from collections.abc import Callable
from math import hypot, inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from ..hyperparameters import check_range, checked
from ..layout import gradient

# Squares of float64 gradients can overflow or underflow; they are then measured again, times a power of two.
SMALLEST, SHRINK, GROW = 1e-280, 2.0**-600, 2.0**600


class Skipped(NamedTuple):
    """Steps that were skipped because a gradient was not finite: all of them, and those since the last step taken."""

    total: int = 0
    in_a_row: int = 0


class Limits(NamedTuple):
    """How each group's gradients are scaled and clipped by value, and which are clipped by one norm together."""

    scales: list[float]
    bounds: list[float]
    units: list[int]
    """For each group the index of the group whose `max_norm` counts; all that follow it are clipped together."""
    norms: list[float]
    """For each group the `max_norm` of its unit."""

    @property
    def measured(self) -> bool:
        """Whether a norm is needed."""
        return min(self.norms) < inf

    def clipped(self, factors: list[float]) -> "Limits":
        """The limits with each unit's gradients multiplied by its factor, after they were clipped by value."""
        own = [factors[unit] for unit in self.units]
        scales = [scale * factor for scale, factor in zip(self.scales, own, strict=True)]
        bounds = [bound * factor if bound < inf else bound for bound, factor in zip(self.bounds, own, strict=True)]
        return self._replace(scales=scales, bounds=bounds)


def limits_of(opt: Any, scale: float, max_norm: float | None, max_value: float | None) -> Limits:
    """What the groups ask for, where those that say nothing of their own follow the arguments of the step.

    Raises
    ------
    TypeError, ValueError
        One of these cannot be what it is.
    """
    given, groups = {"max_norm": max_norm, "max_value": max_value}, opt._groups
    for name, value in given.items():
        if value is not None:
            given[name] = checked(type(opt), name, value)
    check_range("step", "max_value", given["max_value"] or 0.0, opt._narrowest)

    def asked(k, name):
        follows = k == 0 or not groups[k].says(name)
        return given[name] if follows and given[name] is not None else getattr(groups[k], name)

    units = [k if k and group.says("max_norm") else 0 for k, group in enumerate(groups)]
    return Limits(
        [scale] * len(groups),
        [asked(k, "max_value") for k in range(len(groups))],
        units,
        [asked(unit, "max_norm") for unit in units],
    )


def settle(opt: Any, leaves: list, plans: list, limits: Limits) -> tuple[Limits | None, dict[str, Any]]:
    """Measure the gradients and settle what they are scaled and clipped by, or None where the step is to be skipped.

    Also what the optimizer's attributes then are.

    Raises
    ------
    ValueError
        A gradient is not finite, where `nonfinite` is "raise".
    """
    total, in_a_row = opt._skipped
    if not limits.measured and opt.nonfinite == "propagate":
        return limits, {"_skipped": Skipped(total)}
    norms = Norms(opt._batches, plans, limits, opt._turn.check)
    if norms.nonfinite and opt.nonfinite == "raise":
        refuse_nonfinite(opt, leaves, min(norms.nonfinite))
    if norms.nonfinite and opt.nonfinite == "skip":
        return None, {"_grad_norm": norms.norm, "_skipped": Skipped(total + 1, in_a_row + 1)}
    return limits.clipped(norms.factors(limits)), {"_grad_norm": norms.norm, "_skipped": Skipped(total)}


def refuse_nonfinite(opt: Any, leaves: list, i: int) -> None:
    """Raise ValueError for the gradient of array `i`, which is not finite."""
    name = f"params{opt._tree.paths[i]}"
    found = opt._device.on_host(gradient(leaves[i], opt._layouts[i], name))
    raise ValueError(f"{name}: expected a finite gradient, not {first_nonfinite(found)}")


class Norms:
    """The norms of the gradients, as scaled and clipped by value, of each group whose `max_norm` counts."""

    def __init__(self, batches: list, plans: list, limits: Limits, check: Callable[[], Any]):
        self.nonfinite: dict[int, float] = {}
        """The arrays whose gradients are not finite, and what they are: infinite, or NaN."""
        self._measured, self._arrays = (batches, plans, limits, check), np.zeros(len(limits.units))
        squares, self._units = self._squares(1.0), [1.0] * len(limits.units)
        self._roots = [sqrt(square) for square in squares]
        if any(batch.dtype == np.float64 for batch in batches):
            self._measure_again(squares, SHRINK, lambda square: square == inf)
            if max(map(abs, limits.scales)) * GROW < inf:
                self._measure_again(squares, GROW, lambda square: square < SMALLEST)

    def _measure_again(self, squares, unit, lost):
        """Measure where the squares were too large or too small."""
        again = [k for k, square in enumerate(squares) if lost(square) and self._arrays[k]]
        if again:
            found = self._squares(unit)
            for k in again:
                self._roots[k], self._units[k] = sqrt(found[k]), unit

    def _squares(self, unit):
        """The sum of the squares of each group's gradients times `unit`, as far as they are finite."""
        batches, plans, limits, check = self._measured
        units, squares = np.array(limits.units), np.full(len(limits.units), 0.0)
        for batch, plan in zip(batches, plans, strict=True):
            for arrays, groups, sums in batch.squares(plan, limits.scales, limits.bounds, unit, check):
                squares += np.bincount(units[groups], sums[:, 0], len(units))
                if unit == 1.0:  # times another, what is finite may be so no more
                    self._arrays += np.bincount(units[groups], minlength=len(units))
                    nonfinite = sums[:, 1] != 0
                    if nonfinite.any():
                        self.nonfinite.update(zip(arrays[nonfinite].tolist(), sums[nonfinite, 1].tolist(), strict=True))
        return squares.tolist()

    @property
    def norm(self) -> float:
        """The norm of all gradients, infinite or NaN if one of them is."""
        parts = (root / unit for root, unit in zip(self._roots, self._units, strict=True))
        return hypot(*parts) + sum(self.nonfinite.values())

    def factors(self, limits: Limits) -> list[float]:
        """By group what makes its norm, of finite gradients, no larger than asked for: `min(1, max_norm / norm)`."""
        factors = [1.0] * len(self._roots)
        for k, most in zip(limits.units, limits.norms, strict=True):
            if self._roots[k] > most * self._units[k]:
                factors[k] = most * self._units[k] / self._roots[k]
        return factors


def first_nonfinite(gradient: np.ndarray) -> str:
    """What to say of a gradient that is not finite, or becomes so when it is scaled."""
    bad = np.argwhere(~np.isfinite(gradient))
    if not len(bad):
        return "one that is infinite as a number of the weights' dtype, or times its scale"
    value, more = gradient[tuple(bad[0])], f", and {len(bad) - 1:,} more" if len(bad) > 1 else ""
    return f"{value} at {bad[0].tolist()}{more}"
