"""Rows of coefficients: of a step, by the rule's own function, compiled; and of numbers that Python has."""

import struct
from functools import cache

import numpy as np

from ..group_row import LOWER, VALUES
from .bits import word
from .blocks import BATCH, MAX_VALUE, NORM_GROUP, OWN, STEP, call, phase, phases_of
from .cache import kernel_part, private
from .codecs import decode_bfloat16, decode_float16, round_to_bfloat16, round_to_float16
from .decide import around
from .intrinsics import at, integers_at, load, reals_at, store
from .per_weight import HIGHEST, LOWEST
from .tuples import loads, store_all
from .weight import AROUND, BOUND

INFINITY = np.inf


@cache
def build_own(function, values):
    """The address of the phase that calls the function `coefficients` of a rule, which takes so many hyperparameters.

    It reads the step and the group's row from the batch's block, and writes behind the coefficients of every rule.
    """
    function, like = private(function), (0,) * values

    def own(address):
        batch = at(address, BATCH)
        found = function(batch.t, *loads(batch.row + 8 * VALUES, np.float64, like))
        store_all(batch.wide + 8 * AROUND, np.float64, found)
        return 0

    return phase(own)


@cache
def build_coefficients():
    """The address of the phase `compute`."""
    return phase(compute)


def compute(address):
    """Compute a batch's rows of coefficients; 1 where one is beyond the range of the weights."""
    batch = at(address, BATCH)
    step, own, size, beyond = at(batch.step, STEP), phases_of(batch)[OWN], batch.weight_size, 0
    limits, factors = reals_at(step.limits, 3 * step.group_count), reals_at(step.factors, step.group_count)
    cohorts = integers_at(batch.cohorts, 2 * batch.cohort_count)
    for k in range(batch.cohort_count):
        group = cohorts[2 * k]
        batch.t, batch.row = step.t + 1 - cohorts[2 * k + 1], load(step.rows + 8 * group, np.int64)
        factor, bound = factors[np.int64(limits[3 * group + NORM_GROUP])], limits[3 * group + MAX_VALUE]
        first = around(batch.row + 8 * LOWER, batch.t, step.scale, bound, factor, size, batch.held)
        store_all(batch.wide, np.float64, first)
        if batch.narrow:
            store(batch.wide + 8 * LOWEST, np.float64, inward(first[LOWEST], batch.narrow, False))
            store(batch.wide + 8 * HIGHEST, np.float64, inward(first[HIGHEST], batch.narrow, True))
        call(own, address)
        beyond |= put_row(batch, k, 0, batch.width)
    return beyond


@kernel_part
def inward(bound, narrow, down):
    """A bound as weights of 16 bits hold it, the next one inside where rounding went outside."""
    x, none, r = np.float32(bound), word(0), word(0)
    if abs(x) == INFINITY:
        return np.float64(x)
    code = round_to_float16(x, none, r) if narrow == 1 else round_to_bfloat16(x, none, r)
    found = decode_float16(code, none) if narrow == 1 else decode_bfloat16(code, none)
    outside = found > x if down else found < x
    if outside:  # of the codes of one sign the larger is farther from 0, and 0 has two
        away = (found < np.float32(0.0)) == down
        sign = word(0x8000 if down else 0)
        code = word(sign | 1) if found == np.float32(0.0) else word(code + 1) if away else word(code - 1)
        found = decode_float16(code, none) if narrow == 1 else decode_bfloat16(code, none)
    return np.float64(found)


@kernel_part
def put_row(batch, k, first, end):
    """Put some of the coefficients of the wide row into row number `k`; 1 if one is beyond the range of the weights."""
    wide, size, beyond = reals_at(batch.wide, batch.width), batch.weight_size, 0
    for j in range(first, end):
        place = batch.coef + (k * batch.width + j) * size
        if size == 4:
            store(place, np.float32, wide[j])
            if abs(np.float32(wide[j])) == INFINITY and abs(wide[j]) < INFINITY and j != BOUND:
                beyond = 1
        else:
            store(place, np.float64, wide[j])
    return beyond


def packer(coef):
    """The function `(row, values)` that writes a row of coefficients; ValueError for one beyond their dtype's range."""
    row = struct.Struct(f"={coef.shape[1]}{coef.dtype.char}")  # "=" tests the range; NumPy would write infinity
    write, size = row.pack_into, row.size

    def pack(k, values):
        try:
            write(coef, k * size, *values)
        except (OverflowError, struct.error):
            count = coef.shape[1] - AROUND
            raise ValueError(f"expected {count} coefficients within {coef.dtype}, not {values[AROUND:]}") from None

    return pack
