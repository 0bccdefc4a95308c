"""The coefficients of a step: from the hyperparameters of each group, by the rule's own function, compiled."""

from functools import cache

import numpy as np

from ..group_row import LOWER, VALUES
from .blocks import BATCH, MAX_VALUE, STEP, UNIT, phase
from .cache import private
from .decide import around
from .intrinsics import array_at, at, integers_at, load, reals_at
from .tuples import loads, store_all
from .weight import BOUND

INFINITY = np.inf


@cache
def build_coefficients(function, values, dtype):
    """The address of the phase that computes a batch's rows of coefficients, by a function of so many hyperparameters.

    Its status is 1 where one is beyond the range of `dtype`, the type of the weights.
    """
    function, like, size, kind = private(function), (0,) * values, dtype.itemsize, dtype.type

    def rows(address):
        batch = at(address, BATCH)
        step, beyond = at(batch.step, STEP), 0
        limits = reals_at(step.limits, 3 * step.group_count)
        factors = reals_at(step.factors, step.group_count)
        cohorts = integers_at(batch.cohorts, 2 * batch.cohort_count)
        found, coef = (
            reals_at(batch.wide, batch.width),
            array_at(batch.coef, batch.cohort_count * batch.width, kind),
        )
        for k in range(batch.cohort_count):
            group, missed = cohorts[2 * k], cohorts[2 * k + 1]
            row = load(step.rows + 8 * group, np.int64)
            factor, bound = factors[np.int64(limits[3 * group + UNIT])], limits[3 * group + MAX_VALUE]
            first = around(row + 8 * LOWER, step.scale, bound, factor, size, batch.held)
            own = function(step.t + 1 - missed, *loads(row + 8 * VALUES, np.float64, like))
            store_all(batch.wide, np.float64, first + own)
            for j in range(batch.width):
                value = kind(found[j])
                coef[k * batch.width + j] = value
                if abs(value) == INFINITY and abs(found[j]) < INFINITY and j != BOUND:
                    beyond = 1
        return beyond

    return phase(rows)
