"""A rule over flat buffers on the CPU: one call into compiled code, which checks there what it is given."""

from functools import cache

import numpy as np
from numba import config, types
from numba.np.numpy_support import from_dtype

from ..layout import PARAMETER_TYPES
from .cache import jit, jitable
from .denormal import flush, restore
from .streams import plain_storage
from .tuples import cast
from .weight import AROUND, loop_of, summing_loop

INFINITY = np.inf


@cache
def build_flat(update, states, coefs, dtype, g_dtype, terms):
    """The function `(p, g, state, coef, *around)` that applies `update` to weights.

    It returns False, and has done nothing, where sizes differ, an array is not aligned or shares memory, or a
    coefficient is beyond the range of `dtype`. Of a rule with so many terms of sums it returns the sums as well. Numba
    raises TypeError for arguments of other types.
    """
    fits, kind = _fits(dtype, g_dtype), dtype.type
    loop = (summing_loop if terms else loop_of)(update, plain_storage(dtype, states, terms))
    nothing = (0.0,) * terms

    def flat(p, g, state, coef, scale, decay, keep, bound, again, lower, upper, weight):
        given = (scale, decay, keep, bound, again, lower, upper, weight) + coef
        values = cast(given, kind)  # before denormal results become zero, as where coefficients are packed
        if not fits(p, g, state, given, values):
            return False
        control = flush()
        loop(p, g, state, values, kind)
        restore(control)
        return True

    def summed(p, g, state, coef, scale, decay, keep, bound, again, lower, upper, weight):
        given = (scale, decay, keep, bound, again, lower, upper, weight) + coef
        values = cast(given, kind)
        if not fits(p, g, state, given, values):
            return False, nothing
        control = flush()
        sums = loop(p, g, state, values, kind)
        restore(control)
        return True, sums

    array, number = types.Array(from_dtype(dtype), 1, "C"), types.float64
    read = types.Array(from_dtype(g_dtype), 1, "C", readonly=True)
    state, coef = types.BaseTuple.from_types((array,) * states), types.BaseTuple.from_types((number,) * coefs)
    given = array, read, state, coef, *(number,) * AROUND
    if terms:
        return jit(summed, types.Tuple((types.boolean, types.UniTuple(number, terms)))(*given))
    return jit(flat, types.boolean(*given))


def _fits(dtype, g_dtype):
    """The function `(p, g, state, given, values)` that says whether `build_flat`'s can do what it is asked to."""
    size, g_size, alike = dtype.itemsize, g_dtype.itemsize, dtype == g_dtype

    @jitable
    def fits(p, g, state, given, values):
        n, written, start = p.size, (p,) + state, np.int64(g.ctypes.data)
        if g.size != n or start % g_size:
            return False
        for i in range(len(written)):
            address = np.int64(written[i].ctypes.data)
            if written[i].size != n or address % size:
                return False
            same = alike and i == 0 and start == address
            if start < address + n * size and address < start + n * g_size and not same:
                return False
            for j in range(i):
                if abs(np.int64(written[j].ctypes.data) - address) < n * size:
                    return False
        lost = 0
        for k in range(len(given)):
            lost += abs(values[k]) == INFINITY and abs(given[k]) < INFINITY
        return lost == 0

    return fits


class FlatKernels(dict):
    """The compiled functions of a rule, by the dtypes of p, g and each state.

    Numba itself takes arrays in a tuple for what they are not: those with a mask, or in the other byte order.
    """

    def __init__(self, update, states, coefs, terms):
        super().__init__()
        self._rule, self._terms = (update, states, coefs), terms

    def __missing__(self, dtypes):
        dtype, g_dtype, *others = dtypes
        known = dtype in PARAMETER_TYPES and g_dtype in PARAMETER_TYPES and others == [dtype] * len(others)
        compiles = known and (self._terms or not config.DISABLE_JIT)  # of others the table takes care
        self[dtypes] = build_flat(*self._rule, dtype, g_dtype, self._terms) if compiles else nothing
        return self[dtypes]


def nothing(*given):
    """What is called for dtypes that nothing is compiled for."""
    return False
