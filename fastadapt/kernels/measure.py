"""What a step on the CPU measures first: the norms of the gradients, and what of them is not finite."""

from functools import cache
from math import hypot

import numpy as np

from .blocks import (
    BATCH,
    MAX_NORM,
    MAX_VALUE,
    SQUARES,
    STEP,
    UNIT,
    batches_of,
    call,
    choose_walk,
    phase,
    phases_of,
    walk_of,
)
from .cache import kernel_part
from .decide import factor_of
from .intrinsics import at, integers_at, reals_at, store
from .match import KINDS
from .sums import SUMS, root_of


@cache
def build_measure():
    """The address of the phase `measure`."""
    return phase(measure)


def measure(address):
    """Sum the squares of all gradients of an optimizer, as scaled and clipped by value; 1 if one is not finite.

    From them follow the norm, and for each group the factor by which it is clipped.
    """
    step = at(address, STEP)
    batches, sums = batches_of(step), reals_at(step.squares, SUMS * step.group_count)
    for k in range(sums.size):
        sums[k] = 0.0
    for k in range(batches.size):
        batch = at(batches[k], BATCH)
        put_limits(step, batch)
        nonfinite = reals_at(batch.nonfinite, batch.n)
        for i in range(batch.n):
            nonfinite[i] = 0.0
        for kind in range(KINDS):
            if choose_walk(batch, kind):
                call(phases_of(batch)[SQUARES + kind], batches[k])
                fold(step, batch)
    return decide(step)


@kernel_part
def put_limits(step, batch):
    """Put the factor and the bound of the gradients at the beginning of each row of coefficients."""
    cohorts = integers_at(batch.cohorts, 2 * batch.cohort_count)
    limits, size = reals_at(step.limits, 3 * step.group_count), batch.weight_size
    for k in range(batch.cohort_count):
        row, bound = batch.coef + k * batch.width * size, limits[3 * cohorts[2 * k] + MAX_VALUE]
        if size == 4:
            store(row, np.float32, abs(step.scale))
            store(row + size, np.float32, bound)
        else:
            store(row, np.float64, abs(step.scale))
            store(row + size, np.float64, bound)


@kernel_part
def fold(step, batch):
    """Add the sums of a walk's tiles to those of the groups whose norms count, and note what is not finite."""
    count, rows, firsts = walk_of(batch)
    owners, nonfinite = integers_at(batch.owners, batch.n), reals_at(batch.nonfinite, batch.n)
    sums, limits = reals_at(step.squares, SUMS * step.group_count), reals_at(step.limits, 3 * step.group_count)
    parts = reals_at(batch.parts, SUMS * firsts[count])
    for k in range(count):
        row = rows[k]
        unit = np.int64(limits[3 * owners[row] + UNIT])
        for what in range(SUMS):
            total = 0.0
            for tile in range(firsts[k], firsts[k + 1]):
                total += parts[SUMS * tile + what]
            sums[SUMS * unit + what] += total
            if what == 1:
                nonfinite[row] = total


@kernel_part
def decide(step):
    """From the sums the norm and the factors; whether a gradient is not finite."""
    sums, limits = reals_at(step.squares, SUMS * step.group_count), reals_at(step.limits, 3 * step.group_count)
    factors, norm, nonfinite = reals_at(step.factors, step.group_count), 0.0, 0.0
    for k in range(step.group_count):
        if limits[3 * k + UNIT] == k:
            root, unit = root_of(sums[SUMS * k], sums[SUMS * k + 2], sums[SUMS * k + 3])
            factors[k] = factor_of(root, unit, limits[3 * k + MAX_NORM])
            norm, nonfinite = hypot(norm, root / unit), nonfinite + sums[SUMS * k + 1]
    step.measured = norm + nonfinite
    return 1 if nonfinite != 0.0 else 0
