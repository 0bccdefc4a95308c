"""The hyperparameters of many problems: the same for all, or different by problem, by step, or by both."""

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..arrays import refuse_masked
from ..dry_run import try_update
from ..functions import naming_the_reason
from ..group_checks import check_required
from ..group_row import SIGN, VALUES
from ..groups import Group
from ..hyperparameters import check_all, checked, known
from ..rule import Rule

HELD = {"maximize": (False, "minimize the negative"), "state_bits": (32, "the state of a small problem is small")}
HELD |= {name: (default, "give the bounds as `bounds`") for name, default in (("lower", -inf), ("upper", inf))}
HELD |= {"average": (None, "average the points of `record`")}
HELD |= {"nonfinite": ("propagate", "a problem whose value is not finite stops")}
"""Hyperparameters that many problems leave at these values, and why."""


@dataclass(frozen=True)
class Rates:
    """What `hyper` says of a rule: the update that it chooses, and the coefficients of each step."""

    group: Group
    by_problem: bool
    """Whether coefficients are computed for each problem: something differs from one to the other, or needs sums."""
    arrays: tuple[np.ndarray, ...]
    """A row of coefficients for each step, and two bounds; or by problem decay, keep, bound and its limit, and the
    hyperparameters that `coefficients` takes: arrays of n rows or one, of `steps` columns or one."""

    @property
    def rule(self) -> Rule:
        """The update."""
        return self.group.rule


def rates_of(cls: type, hyper: dict[str, Any], n: int, steps: int, dtype: np.dtype) -> Rates:
    """The hyperparameters of `n` problems of `steps` steps, checked.

    Raises
    ------
    TypeError, ValueError
        Unknown, of the wrong kind, shape or value; the message names it.
    """
    for name, (value, why) in HELD.items():
        if name in hyper and checked(cls, name, hyper[name]) != value:
            raise ValueError(f"minimize_many: expected {name} to be {value!r}, not {hyper[name]!r}: {why}")
    if taken := [name for name in ("groups", "capturable", "per_weight") if name in hyper]:
        raise TypeError(f"minimize_many: expected no {taken[0]}: each problem is one array")
    arrays = {name: _broadcast(cls, name, value, n, steps, dtype) for name, value in hyper.items() if _varies(value)}
    single = {name: value for name, value in hyper.items() if name not in arrays}
    arrays = {name: array for name, array in arrays.items() if array.size}
    first = {name: array.flat[0].item() for name, array in arrays.items()}
    group = Group(cls, single | first)
    try_update(cls, group)
    group.holds([dtype])
    for name, array in arrays.items():
        if name in cls.declaration.switches and ((array != 0) != bool(first[name])).any():
            raise ValueError(f"minimize_many: expected {name}, which chooses the rule, to be 0 everywhere or nowhere")
    check_required(cls, group.given(whole=True) | arrays)
    if any(len(array) > 1 for array in arrays.values()) or cls.sums_before or cls.sums_after:
        return Rates(group, True, _by_problem(cls, group, arrays, dtype))
    return Rates(group, False, _by_step(cls, group, arrays, steps, dtype))


def _varies(value):
    """Whether a hyperparameter is an array, or a list of numbers."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _broadcast(cls, name, value, n, steps, dtype):
    """An array of float64 with n rows or one, and with as many columns as steps or one."""
    firsts = cls.declaration.reductions.firsts if cls.declaration.reductions else ()
    own = [each for each in (*cls.declaration.names, "weight_decay") if each not in firsts]
    if name not in own:
        checked(cls, name, 0.0 if name in cls.defaults else value)  # which says what there is
        raise TypeError(f"minimize_many: expected a number for {name}: only {', '.join(own)} can be arrays")
    refuse_masked(f"minimize_many: {name}", value)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"minimize_many: expected {name} to be an array of numbers, not of {array.dtype}")
    rows, columns = (1,) * (2 - array.ndim) + array.shape if array.ndim <= 2 else (None, None)
    if rows not in (1, n) or columns not in (1, steps):
        raise ValueError(
            f"minimize_many: expected {name} to be a number, or an array that broadcasts to (n, steps) = {n, steps}, "
            f"not one of shape {array.shape}"
        )
    array = array.astype(np.float64).reshape(rows, columns)
    check_all(cls, name, array, dtype)
    return array


def _by_step(cls, group, arrays, steps, dtype):
    """A row of coefficients for each step, as `opt.step` packs them, and the bound of the gradients with its limit."""
    from ..devices.cpu import own_coefficients
    from ..kernels.coefficients import packer
    from ..kernels.weight import AROUND

    table, bounds = np.zeros((steps, AROUND + group.rule.coefs), dtype), np.zeros((steps, 2))
    pack, most = packer(table), float(np.finfo(dtype).max)
    with naming_the_reason(f"{cls.__name__}.coefficients"):
        own = own_coefficients(cls, group.row, group.rule.coefs)
    for k in range(steps):
        if arrays:
            group.assign_all({name: array[0, k if array.shape[1] > 1 else 0].item() for name, array in arrays.items()})
        sign, decay, keep, forgets = group.row[SIGN:VALUES].tolist()
        bounds[k] = group.max_value, _limit(forgets, dtype)
        bound = bounds[k].min()
        pack(k, (sign, decay, keep, bound if bound <= most else inf, 1.0, -inf, inf, 1.0, *own(k + 1)))
    return table, bounds


def _by_problem(cls, group, arrays, dtype):
    """The hyperparameters of each problem, and what stands behind them."""
    every = {name: np.array([[float(getattr(group, name))]]) for name in cls.declaration.names}
    every |= {"weight_decay": np.array([[group.weight_decay]])} | arrays
    decay, zero, one = every["weight_decay"], np.zeros((1, 1)), np.ones((1, 1))
    around = (zero, one) if cls.declaration.decays_itself else (decay, one)
    if not cls.declaration.decays_itself and group.decoupled and "lr" in every:
        around = zero, 1.0 - every["lr"] * decay
    forgets = np.array([[False]])
    for name, value in every.items():
        if known(name).forgets:
            forgets = forgets | (value == 0)
    bounds = np.array([[group.max_value]]), np.where(forgets, _limit(True, dtype), inf)
    return (*around, *bounds, *(every[name] for name in cls.declaration.names))


def _limit(forgets, dtype):
    """What gradients are clipped to whatever the user says."""
    from ..kernels.weight import ROOT

    return ROOT[dtype.itemsize] if forgets else inf
