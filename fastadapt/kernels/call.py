"""The kernel of a rule as a function: on flat buffers from Python, and inlined in a user's `@njit` code."""

from collections.abc import Callable

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload, register_jitable
from numba.np.numpy_support import as_dtype

from ..arrays import PARAMETER_TYPES, gradient, layout
from .table import FIRST, STATE, P, make_table
from .tile import cast, sweep_of

_registered: set = set()


def compilable(function: Callable) -> Callable:
    """Let `@njit` code call `function`, which stays a Python function."""
    if function not in _registered:
        register_jitable(function)
        _registered.add(function)
    return function


def make_kernel(name: str, update: Callable, states: tuple[str, ...], coefs: int) -> Callable:
    """The function `kernel(p, g, state, coef, scale=1, decay=0, keep=1)` of a rule."""

    def kernel(p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, *, stream=None):
        if len(state) != len(states) or len(coef) != coefs:
            raise ValueError(
                f"{name}: expected state ({', '.join(states)}) and {coefs} coefficients, "
                f"not {len(state)} and {len(coef)}"
            )
        given = dict(zip(("p", "g", *states), (p, g, *state), strict=True))
        layouts = _flat(name, given)
        dtype = layouts[0].dtype
        table = make_table([layouts[0].size], len(states))
        table[0, P : STATE + len(states)] = [found.address for found in layouts]
        rows = np.array([[scale, decay, keep, *coef]], dtype)
        if layouts[0].cuda:
            from . import cuda as device
        else:
            from . import cpu as device
        run = device.runner(update, len(states), coefs, dtype, layouts[1].dtype, int(table[-1, FIRST]))
        run(table, rows, device.stream_of(p, stream))

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"""One fused pass of `{name.replace("kernel", "update")}` over flat buffers, in place.

    p, g : one-dimensional contiguous arrays, on the CPU or on CUDA; g may be of another float type
    state : tuple of ({", ".join(states)}), arrays like p
    coef : what `coefficients(t, ...)` returns
    scale : multiplies the gradient
    decay : coupled weight decay, `g + decay * p`
    keep : decoupled weight decay, `keep * p` where keep is `1 - lr * weight_decay`
    stream : for CUDA arrays, the stream to run on

    From `@njit` code it runs on the calling thread.
    """
    _overload(kernel, update, states, coefs)
    return kernel


def _flat(name, arrays):
    layouts = []
    for which, array in arrays.items():
        found = layout(array)
        if found is None:
            raise TypeError(f"{name}: {which}: expected a NumPy or CUDA array, not {type(array).__name__}")
        if len(found.shape) != 1 or not found.dense():
            raise ValueError(f"{name}: {which}: expected a flat, contiguous array, not shape {found.shape}")
        if which == "g":
            gradient(array, layouts[0], "")
        elif found.dtype not in PARAMETER_TYPES or found.dtype != (layouts or [found])[0].dtype:
            expected = layouts[0].dtype if layouts else "float32 or float64"
            raise TypeError(f"{name}: {which}: expected an array of {expected}, not {found.dtype}")
        if found.shape != (layouts or [found])[0].shape or found.cuda != (layouts or [found])[0].cuda:
            raise ValueError(f"{name}: {which}: expected {layouts[0].shape} on {layouts[0].device}, as p")
        if which != "g" and not found.writeable:
            raise ValueError(f"{name}: {which}: expected a writeable array")
        layouts.append(found)
    return layouts


def _overload(kernel, update, states, coefs):
    @overload(kernel, strict=False)
    def compiled(p, g, state, coef, scale=1.0, decay=0.0, keep=1.0):
        arrays = [p, g, *state]
        if not all(isinstance(array, types.Array) and array.ndim == 1 for array in arrays):
            raise TypingError(f"{kernel.__name__}: expected one-dimensional arrays")
        if len(state) != len(states) or len(coef) != coefs:
            raise TypingError(f"{kernel.__name__}: expected {len(states)} states and {coefs} coefficients")
        dtype, sweep = as_dtype(p.dtype).type, sweep_of(update)

        def body(p, g, state, coef, scale=1.0, decay=0.0, keep=1.0):
            if g.size != p.size:
                raise ValueError("expected g of the size of p")
            for array in state:
                if array.size != p.size:
                    raise ValueError("expected state of the size of p")
            sweep(p, g, state, dtype(scale), dtype(decay), dtype(keep), cast(coef, dtype), dtype)

        return body
