"""The coefficients of a step: from the hyperparameters of each group, by the rule's own function, compiled."""

from functools import cache

import numpy as np

from .blocks import BATCH, MAX_VALUE, STEP, UNIT, phase
from .cache import private
from .decide import around
from .group_row import DECAY, FORGETS, KEEP, SIGN, VALUES
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
            start = load(step.rows + 8 * group, np.int64)
            row, factor = reals_at(start, VALUES), factors[np.int64(limits[3 * group + UNIT])]
            scale, bound, forgets = row[SIGN] * step.scale, limits[3 * group + MAX_VALUE], row[FORGETS] != 0
            first = around(scale, row[DECAY], row[KEEP], bound, factor, forgets, size, batch.held)
            own = function(step.t + 1 - missed, *loads(start + 8 * VALUES, np.float64, like))
            store_all(batch.wide, np.float64, first + own)
            for j in range(batch.width):
                value = kind(found[j])
                coef[k * batch.width + j] = value
                if abs(value) == INFINITY and abs(found[j]) < INFINITY and j != BOUND:
                    beyond = 1
        return beyond

    return phase(rows)
