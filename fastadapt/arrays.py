"""Arrays as users give them: which can be parameters and gradients, and what to say of the others."""

import sys
from typing import Any

import numpy as np

from .layout import (
    COMPLEX_TYPES,
    GRADIENT_TYPES,
    NARROW_TYPES,
    PARAMETER_TYPES,
    Layout,
    is_tensor,
    layout,
    name_of,
)


def parameter(array: Any, path: str, in_place: bool = True) -> Layout:
    """The layout of a parameter, which can be updated in place if that is asked for.

    Raises
    ------
    TypeError, ValueError
        It is not one, or it cannot be updated.
    """
    if isinstance(array, np.generic):
        raise TypeError(f"params{path}: expected an array, which can be updated in place, not the scalar {array!r}")
    found = layout(array)
    narrow = found is not None and found.dtype in NARROW_TYPES and not found.cuda
    if found is None or not (narrow or found.dtype in (*PARAMETER_TYPES, *COMPLEX_TYPES)):
        kind = _kind_of(array) if found is None else f"one of {name_of(found.dtype)}"
        raise TypeError(
            f"params{path}: expected a NumPy or CUDA array, or a tensor, of float32, float64, complex64 or complex128, "
            f"or on the CPU float16 or bfloat16, not {kind}"
        )
    if found.dtype in COMPLEX_TYPES:
        found = found.in_parts
    if not in_place:
        return found
    if not found.writeable:
        raise ValueError(f"params{path}: expected a writeable array, not a read-only one")
    if found.overlaps_itself():
        raise ValueError(
            f"params{path}: expected an array whose elements lie apart, not a broadcast or overlapping one "
            f"(shape {found.given_shape}, strides {found.strides[: len(found.given_shape)]})"
        )
    return found


def _kind_of(array):
    """What to call an array that cannot be a parameter."""
    if not is_tensor(array):
        return type(array).__name__
    flags = "conjugated " * array.is_conj() + "negated " * array.is_neg()
    return f"a {flags}tensor of {array.dtype}, {array.layout}"


def gradient(array: Any, param: Layout, name: str) -> Layout:
    """The layout of the gradient of a parameter, which is called `name` in errors.

    Raises
    ------
    TypeError, ValueError
        It does not fit the parameter.
    """
    found = layout(array)
    if found is None and not param.cuda:
        found = _converted(array, name)
    if found is None:
        expected = "CUDA" if param.cuda else "NumPy"
        raise TypeError(f"{name}: expected a gradient that is a {expected} array, not {type(array).__name__}")
    if found.cuda != param.cuda:
        raise TypeError(f"{name}: expected a gradient on the parameter's device, {param.device}, not {found.device}")
    native = found.dtype if found.cuda else found.dtype.newbyteorder("=")
    if native not in (COMPLEX_TYPES if param.complex else GRADIENT_TYPES):
        expected = "complex64 or complex128" if param.complex else "float32, float64, float16 or bfloat16"
        whose = f", for a parameter of {param.given_dtype}" if param.complex or native.kind == "c" else ""
        raise TypeError(f"{name}: expected a gradient of {expected}{whose}, not {name_of(found.dtype)}")
    if found.shape != param.given_shape:
        raise ValueError(f"{name}: expected gradient of shape {param.given_shape}, not {found.shape}")
    if not found.dtype.isnative:
        found = layout(found.numbers.astype(native))
    return found.in_parts if param.complex else found


def refuse_masked(name: str, array: Any, what: str = "an array") -> None:
    """Raise TypeError for an array with a mask, which would be lost."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected {what} without a mask, not MaskedArray: fill it first (`g.filled(0)`)")


def _converted(array: Any, name: str) -> Layout | None:
    """The layout of the NumPy array that an object makes of itself by `__array__` or DLPack; None if it makes none."""
    refuse_masked(name, array, "a gradient")
    plain = array.detach() if hasattr(array, "detach") else array  # PyTorch's that require a gradient refuse to
    if is_tensor(plain) and plain.dtype.is_floating_point | plain.is_complex():
        plain = plain.resolve_conj().resolve_neg()
        if (found := layout(plain)) is not None:
            return found
        if plain.layout == sys.modules["torch"].strided and plain.numel() and plain.data_ptr() == 0:
            raise TypeError(f"{name}: expected a gradient with memory, not one whose storage was freed")
    convert = np.asarray if hasattr(plain, "__array__") else np.from_dlpack if hasattr(plain, "__dlpack__") else None
    try:
        return convert and layout(convert(plain))
    except Exception as error:  # whatever its conversion raises
        raise TypeError(
            f"{name}: expected a gradient that can be made a NumPy array, but {type(array).__name__} says: {error}"
        ) from error
