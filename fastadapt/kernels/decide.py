"""What follows from the sums of squares: norms, factors of clipping, and whether a step is taken; on both devices."""

from functools import cache

import numpy as np

from ..group_row import LOWER, NONFINITE, OWN_NORM, OWN_VALUE, VALUES
from ..group_row import MAX_NORM as OWN_MAX_NORM
from ..group_row import MAX_VALUE as OWN_MAX_VALUE
from .average import newest_weight
from .blocks import MAX_NORM, MAX_VALUE, NORM_GROUP, STEP
from .cache import jit, kernel_part
from .intrinsics import at, integers_at, load, reals_at, store
from .tuples import loads
from .weight import ROOT, two_factors

T, TOTAL, IN_A_ROW, GO = range(4)
"""The counters, int64: steps taken, steps skipped, those since the last was taken, and whether this one is taken."""

PROPAGATE, SKIP, RAISE = range(3)
"""What a step does with a gradient that is not finite."""

INFINITY = np.inf
SINGLE, DOUBLE = ROOT[4], ROOT[8]
NUMBERS = (0,) * (VALUES - LOWER)


@kernel_part
def factor_of(root, multiplier, max_norm):
    """The factor that makes a norm, given as a root and its multiplier, no larger than `max_norm`."""
    most = max_norm * multiplier
    return most / root if root > most else 1.0


@kernel_part
def around(row, t, scale, bound, factor, size, held):
    """The coefficients of every rule (see `weight_of`), clipped by norm with a factor, as numbers of `size` bytes.

    `row` is where the group's row has LOWER, and `t` the number of the step for these arrays; what has to have a finite
    square has so as a number of `held` bytes.
    """
    numbers = loads(row, np.float64, NUMBERS)
    (lower, upper, lower_single, upper_single), (kind, rate, warmup, first) = numbers[:4], numbers[4:8]
    sign, decay, keep, forgets = numbers[8:]
    bound = bound * factor if bound < INFINITY else bound
    if forgets != 0.0:
        bound = min(bound, SINGLE if held == 4 else DOUBLE)
    scale, again = sign * scale * factor, 1.0
    if size == 4:
        scale, bound, again = two_factors(scale, bound)
        lower, upper = lower_single, upper_single
    return scale, decay, keep, bound, again, lower, upper, newest_weight(kind, rate, warmup, first, t)


@kernel_part
def count(counters, skipped):
    """Enter a step into the counters."""
    if skipped:
        store(counters + 8 * TOTAL, np.int64, load(counters + 8 * TOTAL, np.int64) + 1)
        store(counters + 8 * IN_A_ROW, np.int64, load(counters + 8 * IN_A_ROW, np.int64) + 1)
    else:
        store(counters + 8 * T, np.int64, load(counters + 8 * T, np.int64) + 1)
        store(counters + 8 * IN_A_ROW, np.int64, 0)
    store(counters + 8 * GO, np.int64, 0 if skipped else 1)


@kernel_part
def find_limits(address, max_norm, max_value):
    """Fill in the limits of a step on the CPU, which was given these, or NaN; whether it has to read the gradients.

    Groups that say nothing of their own follow what was given, and are clipped together.
    """
    step, reads = at(address, STEP), False
    rows, limits = integers_at(step.rows, step.group_count), reals_at(step.limits, 3 * step.group_count)
    factors = reals_at(step.factors, step.group_count)
    for k in range(step.group_count):
        row = reals_at(rows[k], VALUES)
        own = k > 0 and row[OWN_NORM] != 0
        factors[k] = 1.0
        limits[3 * k + NORM_GROUP] = k if own else 0
        norm = row[OWN_MAX_NORM] if own or max_norm != max_norm else max_norm
        limits[3 * k + MAX_NORM] = norm if own or k == 0 else limits[MAX_NORM]
        follows = max_value == max_value and not (k > 0 and row[OWN_VALUE] != 0)
        limits[3 * k + MAX_VALUE] = max_value if follows else row[OWN_MAX_VALUE]
        reads |= limits[3 * k + MAX_NORM] < INFINITY or row[NONFINITE] != PROPAGATE
    return reads


@cache
def limits_finder():
    """The function `find_limits`, for Python."""
    return jit(found_limits, "boolean(int64, float64, float64)")


def found_limits(address, max_norm, max_value):
    return find_limits(address, max_norm, max_value)
