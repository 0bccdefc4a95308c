"""Cohorts: arrays that share a row of coefficients."""

from functools import cache

import numpy as np

from .blocks import BATCH, phase
from .intrinsics import at, integers_at, matrix_at
from .table import ROW

NEAR = 16
"""With how many rows of coefficients an array is compared."""


@cache
def build_cohorts():
    """The address of the phase `find_cohorts`."""
    return phase(find_cohorts)


def find_cohorts(address):
    """Give arrays of one group that have missed the same number of steps one row of coefficients.

    Of the rows only the last few are compared, so that it takes no longer where all differ.
    """
    batch = at(address, BATCH)
    n, rows = batch.n, 0
    table, group_indices = matrix_at(batch.table, n + 1, batch.columns, np.int64), integers_at(batch.group_indices, n)
    cohorts, missed = matrix_at(batch.cohorts, n, 2, np.int64), integers_at(batch.missed, n)
    for i in range(n):
        k = rows - 1
        while k >= max(0, rows - batch.near) and not (cohorts[k, 0] == group_indices[i] and cohorts[k, 1] == missed[i]):
            k -= 1
        if k < max(0, rows - batch.near):
            k = rows
            cohorts[k, 0], cohorts[k, 1] = group_indices[i], missed[i]
            rows += 1
        table[i, ROW] = k
    batch.cohort_count = rows
    return 0
