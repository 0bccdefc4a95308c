"""The kernel of a rule as a function: on flat buffers from Python, and inlined in a user's `@njit` code."""

from collections.abc import Callable
from functools import cache, wraps
from operator import attrgetter

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload, register_jitable
from numba.np.numpy_support import as_dtype

from ..devices import module_of
from ..devices.cpu import PARALLEL_FROM
from ..kernels.cache import named
from ..kernels.coefficients import packer
from ..kernels.flat import FlatKernels
from ..kernels.streams import plain_storage
from ..kernels.table import FIRST, NO_CLOCK, STATE, P, make_table
from ..kernels.tuples import cast
from ..kernels.weight import AROUND, loop_of, summing_loop
from ..raising import refuse_errors
from ..rule import Rule
from ..threads import STEPPING
from .kernel_arguments import check_count, layouts_of

INFINITY = float("inf")
DTYPE = attrgetter("dtype")
NO_MATCH = "No matching definition", "cannot compute fingerprint"
"""How Numba's errors begin for arguments that nothing is compiled for."""


@cache
def compilable(function: Callable) -> Callable:
    """Let `@njit` code call `function`, which stays a Python function."""
    return register_jitable(function)


def from_one(name: str, function: Callable) -> Callable:
    """The function `coefficients` of a rule, which says that steps count from 1; `@njit` code calls it as it is."""

    @wraps(function)
    def coefficients(t, *given, **named):
        if not t >= 1:
            raise ValueError(f"{name}: expected the number of a step, which counts from 1, not {t!r}")
        return function(t, *given, **named)

    overload(coefficients, strict=False)(lambda *given, **named: function)
    return coefficients


def make_kernel(name: str, rule: Rule) -> Callable:
    """The function `kernel(p, g, state, coef, scale=1, decay=0, keep=1, bound=inf, lower=-inf, upper=inf)`."""
    update, states, coefs, terms = rule.update, rule.states, rule.coefs, rule.terms
    refuse_errors(name.replace("kernel", "update"), update)
    flat, arrays = FlatKernels(update, len(states), coefs, terms), (np.ndarray,) * (2 + len(states))

    # fmt: off
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=INFINITY, lower=-INFINITY, upper=INFINITY, *,
        stream=None,
    ):
        # fmt: on
        around = scale, decay, keep, bound, 1.0, lower, upper, 1.0
        # Most calls are of few weights on the CPU; what is unusual in them is left to the other way, which names it.
        plain = stream is None and type(state) is type(coef) is tuple
        if plain and (type(p), type(g), *map(type, state)) == arrays and (p.size < PARALLEL_FROM or terms):
            try:
                with STEPPING:
                    found = flat[(p.dtype, g.dtype, *map(DTYPE, state))](p, g, state, coef, *around)
                if found is True:
                    return None
                if found and found[0]:
                    return found[1]
            except (TypeError, ValueError) as error:  # Numba's, or a signal's handler's, which may come after the call
                if not str(error).startswith(NO_MATCH):
                    raise
        by_table(p, g, state, coef, around, stream)
        return None

    def by_table(p, g, state, coef, around, stream):
        check_count(f"{name}: state", state, len(states), f"arrays ({', '.join(states)})")
        check_count(f"{name}: coef", coef, coefs, "coefficients")
        given = dict(zip(("p", "g", *states), (p, g, *state), strict=True))
        layouts = layouts_of(name, given)
        if terms:
            raise TypeError(f"{name}: expected NumPy arrays, and tuples of state and coefficients: it returns sums")
        dtype = layouts[0].dtype
        table = make_table([layouts[0].size], len(states))
        table[0, P : STATE + len(states)] = [found.address for found in layouts]
        device = module_of(layouts[0].cuda)
        rows, given_rows = device.rows(1, AROUND + coefs, dtype)
        packer(rows)(0, (*around, *coef))
        held = plain_storage(dtype, len(states))
        stream = device.stream_of(p, stream)
        with STEPPING:
            run = device.runner(update, held, coefs, dtype, layouts[1].dtype, int(table[-1, FIRST]))
            device.carry_out([run(table, given_rows, NO_CLOCK, stream)])

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"""One fused pass of `{name.replace("kernel", "update")}` over flat buffers, in place.

    p, g : one-dimensional contiguous arrays, on the CPU or on CUDA; g may be of another float type
    state : tuple of ({", ".join(states)}), arrays like p
    coef : what `coefficients(t, ...)` returns, and behind it the first of what `combine` does, if the rule has one
    scale : multiplies the gradient
    decay : coupled weight decay, `g + decay * p`
    keep : decoupled weight decay, `keep * p` where keep is `1 - lr * weight_decay`
    bound : the scaled gradient is clipped to it by value
    lower, upper : what the new weight is at least and at most
    stream : for CUDA arrays, the stream to run on

    From `@njit` code it runs on the calling thread. Of a rule with `sums_after` it returns these sums, a tuple.
    """
    _overload(kernel, update, states, coefs, terms)
    return kernel


def fits(arrays, n):
    """Whether each array has the size `n`."""
    return all(array.size == n for array in arrays)


@overload(fits)
def _fits(arrays, n):
    if len(arrays) == 0:
        return lambda arrays, n: True
    return lambda arrays, n: arrays[0].size == n and fits(arrays[1:], n)


def _overload(kernel, update, states, coefs, terms):
    """Let `@njit` code call the kernel: the loop over the weights, inlined there."""

    @overload(kernel, strict=False)
    def compiled(p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=INFINITY, lower=-INFINITY, upper=INFINITY):
        if len(state) != len(states) or len(coef) != coefs:
            raise TypingError(f"{kernel.__name__}: expected {len(states)} states and {coefs} coefficients")
        for name, array in zip(("p", "g", *states), (p, g, *state), strict=True):
            flat = isinstance(array, types.Array) and array.ndim == 1
            known = flat and array.dtype in (types.float32, types.float64)
            if not known or (name != "g" and array.dtype != p.dtype):
                raise TypingError(
                    f"{kernel.__name__}: {name}: expected a flat array of float32 or float64, all but g alike, "
                    f"not {array}"
                )
        dtype = as_dtype(p.dtype).type
        loop = (summing_loop if terms else loop_of)(update, plain_storage(as_dtype(p.dtype), len(states), terms))

        def body(p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=INFINITY, lower=-INFINITY, upper=INFINITY):
            if not fits((g, *state), p.size):
                raise ValueError("expected g and state of the size of p")
            around = (scale, decay, keep, bound, 1.0, lower, upper, 1.0)
            return loop(p, g, state, cast(around + coef, dtype), dtype)

        return named(body)
