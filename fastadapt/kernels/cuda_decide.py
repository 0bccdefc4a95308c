"""The CUDA kernel before a step, of one block: from the sums of squares it makes the norms, the factors of clipping,
whether the step is taken, which one it is, and the coefficients of that."""

from math import hypot
from typing import NamedTuple

import numpy as np
from numba import cuda, float64

from ..group_row import LOWER, VALUES
from .cache import kernel_part, private
from .cuda_squares import PARTS
from .cuda_threads import sum_over_block
from .decide import GO, T, around, count, factor_of
from .intrinsics import load, store
from .squares import NOTHING, root_of, sum_of
from .tuples import loads, store_sized


class Orders(NamedTuple):
    """What the kernel is told, int64: addresses of tables and of single values, and counts."""

    cohorts: int
    cohort_count: int
    groups: int
    group_count: int
    width: int
    """Bytes of a group's row."""
    sums: int
    spans: int
    """-1 where no norm is needed."""
    counters: int
    numbers: int
    scale: int


NORM_GROUP, MAX_NORM, BOUND, SKIPS, OWN = range(5)
"""A group's row, float64: the group whose norm counts for it, that norm, the size to which gradients are clipped, and
whether a step is skipped where a gradient is not finite (that of the first group counts). From OWN on it is as the
group's own from `group_row.LOWER` on."""


class CohortRow(NamedTuple):
    """A cohort, int64."""

    place: int
    """Where its coefficients go."""
    head: int
    """Where the head of its batch's rows is, or 0."""
    missed: int
    group: int
    """Where the row of its group begins."""
    size: int
    """Bytes of a coefficient."""
    held: int
    """Bytes of a number with the range of the state's."""


@kernel_part
def cohort_at(cohorts, k):
    """The fields of CohortRow of row `k` of the cohorts at an address."""
    return loads(cohorts + 48 * k, np.int64, (0, 0, 0, 0, 0, 0))


NORM, FACTORS = range(2)
"""The numbers, float64: the norm of all gradients, and a factor for each group whose norm counts."""


def decide_kernel(coefficients, values, threads):
    """The kernel `(orders,)` for a rule whose coefficients come from so many hyperparameters, of one block."""
    function = private(coefficients)
    shape, like, fields = (4, threads), (0,) * values, (0,) * len(Orders._fields)

    def kernel(orders):
        scratch = cuda.shared.array(shape, float64)
        thread = cuda.threadIdx.x
        told = loads(orders, np.int64, fields)
        cohorts, cohort_count, groups, group_count, width, sums, spans, counters, numbers, scale_at = told
        norm, nonfinite = 0.0, 0.0
        for norm_group in range(group_count):
            row = groups + norm_group * width
            if spans < 0 or load(row + 8 * NORM_GROUP, np.float64) != norm_group:
                continue
            found, k = NOTHING, thread
            while k < spans:
                part = sums + 8 * PARTS * k
                group = groups + np.int64(load(part + 32, np.float64))
                if load(group + 8 * NORM_GROUP, np.float64) == norm_group:
                    found = sum_of(found, loads(part, np.float64, (0, 0, 0, 0)))
                k += threads
            sum_over_block(scratch, found, thread, threads)
            if thread == 0:
                root, multiplier = root_of(scratch[0, 0], scratch[2, 0], scratch[3, 0])
                factor = factor_of(root, multiplier, load(row + 8 * MAX_NORM, np.float64))
                store(numbers + 8 * (FACTORS + norm_group), np.float64, factor)
                norm, nonfinite = hypot(norm, root / multiplier), nonfinite + scratch[1, 0]
            cuda.syncthreads()
        if thread == 0:
            if spans >= 0:
                store(numbers + 8 * NORM, np.float64, norm + nonfinite)
            count(counters, nonfinite != 0.0 and load(groups + 8 * SKIPS, np.float64) != 0.0)
        cuda.syncthreads()
        t, go = load(counters + 8 * T, np.int64), load(counters + 8 * GO, np.int64)
        scale, k = load(scale_at, np.float64), thread
        while k < cohort_count:
            place, head, missed, group, size, held = cohort_at(cohorts, k)
            row = groups + group
            factor, bound = 1.0, load(row + 8 * BOUND, np.float64)
            if spans >= 0:
                factor = load(numbers + 8 * (FACTORS + np.int64(load(row + 8 * NORM_GROUP, np.float64))), np.float64)
            hyper = loads(row + 8 * (OWN + VALUES - LOWER), np.float64, like)
            if go != 0:
                first = around(row + 8 * OWN, t - missed, scale, bound, factor, size, held)
                store_sized(place, size, first + function(t - missed, *hyper))
            if head != 0:
                store(head, np.int64, t - 1)
                store(head + 8, np.int64, go)
            k += threads

    return kernel
