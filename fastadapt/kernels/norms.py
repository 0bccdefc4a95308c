"""The norms of gradients on the CPU, what of them is not finite, and the factors of clipping that follow."""

from functools import cache
from math import hypot

import numpy as np

from .blocks import (
    BATCH,
    MAX_NORM,
    MAX_VALUE,
    NORM_GROUP,
    SQUARES,
    STEP,
    batches_of,
    call,
    choose_walk,
    phase,
    phases_of,
    walk_of,
)
from .cache import kernel_part
from .decide import factor_of
from .intrinsics import at, integers_at, reals_at
from .match import KINDS
from .squares import SUMS, root_of
from .tuples import store_sized


@cache
def build_norms():
    """The address of the phase `find_norms`."""
    return phase(find_norms)


def find_norms(address):
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
    return put_norms(step)


@kernel_part
def put_limits(step, batch):
    """Put the factor and the bound of the gradients at the beginning of each row of coefficients."""
    cohorts = integers_at(batch.cohorts, 2 * batch.cohort_count)
    limits, size = reals_at(step.limits, 3 * step.group_count), batch.weight_size
    for k in range(batch.cohort_count):
        row, bound = batch.coef + k * batch.width * size, limits[3 * cohorts[2 * k] + MAX_VALUE]
        store_sized(row, size, (abs(step.scale), bound))


@kernel_part
def fold(step, batch):
    """Add the sums of a walk's tiles to those of the groups whose norms count, and note what is not finite."""
    count, rows, firsts = walk_of(batch)
    group_indices, nonfinite = integers_at(batch.group_indices, batch.n), reals_at(batch.nonfinite, batch.n)
    sums, limits = reals_at(step.squares, SUMS * step.group_count), reals_at(step.limits, 3 * step.group_count)
    parts = reals_at(batch.parts, SUMS * firsts[count])
    for k in range(count):
        row = rows[k]
        group = np.int64(limits[3 * group_indices[row] + NORM_GROUP])
        for what in range(SUMS):
            total = 0.0
            for tile in range(firsts[k], firsts[k + 1]):
                total += parts[SUMS * tile + what]
            sums[SUMS * group + what] += total
            if what == 1:
                nonfinite[row] = total


@kernel_part
def put_norms(step):
    """Put the norm and the factors of clipping, which follow from the sums; 1 if a gradient is not finite."""
    sums, limits = reals_at(step.squares, SUMS * step.group_count), reals_at(step.limits, 3 * step.group_count)
    factors, norm, nonfinite = reals_at(step.factors, step.group_count), 0.0, 0.0
    for k in range(step.group_count):
        if limits[3 * k + NORM_GROUP] == k:
            root, multiplier = root_of(sums[SUMS * k], sums[SUMS * k + 2], sums[SUMS * k + 3])
            factors[k] = factor_of(root, multiplier, limits[3 * k + MAX_NORM])
            norm, nonfinite = hypot(norm, root / multiplier), nonfinite + sums[SUMS * k + 1]
    step.new_norm = norm + nonfinite
    return 1 if nonfinite != 0.0 else 0
