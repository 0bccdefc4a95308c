"""Arrays by weight: rates and bounds that a user gives for each weight, and may change in place between steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .groups import matching
from .layout import NARROW_TYPES, Layout, layout, name_of, strides_of
from .sharing import Spans, shared
from .tree import Tree, is_container

RATE, *_ = NAMES = "lr", "lower", "upper"
"""What they are for, in the order in which a step reads them."""

LISTED = ", ".join(map(repr, NAMES))


class NumberedArrays(dict):
    """The arrays of a copy, by what they are for and by number; in a copy a parameter may have another memory order."""


def per_weight_of(given: Any, tree: Tree, params: list[Layout]) -> list[dict[str, Layout]]:
    """The arrays by weight of each parameter, by what they are for, checked but for their values.

    Raises
    ------
    TypeError, ValueError
        One does not fit its parameter, or shares memory with one; the message names it.
    """
    found: list[dict[str, Layout]] = [{} for _ in params]
    if given is None:
        return found
    if not isinstance(given, dict):
        raise TypeError(f"per_weight: expected a dict with some of {LISTED}, not {given!r}")
    if unknown := [name for name in given if name not in NAMES]:
        raise ValueError(f"per_weight: expected some of {LISTED}, not {unknown[0]!r}")
    spans = Spans(p.bounds() for p in params if p.size and given)
    for name in (name for name in NAMES if name in given):
        for i, array in enumerate(_leaves(name, given, tree, params)):
            if array is not None:
                where, param = f"per_weight[{name!r}]{tree.paths[i]}", params[i]
                if param.dtype in NARROW_TYPES and name != RATE:
                    raise ValueError(f"{where}: expected none for params{tree.paths[i]}, of {name_of(param.dtype)}")
                if param.complex and name != RATE:
                    raise ValueError(f"{where}: expected none for params{tree.paths[i]}, which is complex, of no order")
                found[i][name] = _fitting(array, param, where, f"params{tree.paths[i]}")
                if found[i][name].size and spans.meet(*found[i][name].bounds()):
                    _refuse_shared(found[i][name], where, tree, params)
    return found


def check_values(found: list[dict[str, Layout]], tree: Tree, device: Any) -> None:
    """Raise ValueError for a rate that is negative or not finite, or a lower bound above its upper."""
    for arrays, path in zip(found, tree.paths, strict=True):
        values = {name: device.on_host(array) for name, array in arrays.items()}
        if "lr" in values:
            wrong = values["lr"][~((values["lr"] >= 0) & np.isfinite(values["lr"]))]
            if wrong.size:
                raise ValueError(f"per_weight['lr']{path}: expected rates from 0 on, and finite, not {wrong.flat[0]}")
        if {"lower", "upper"} <= values.keys():
            wrong = np.argwhere(values["lower"] > values["upper"])
            if wrong.size:
                place = tuple(wrong[0].tolist())
                low, high = (values[name][place] for name in ("lower", "upper"))
                raise ValueError(
                    f"per_weight['lower']{path}: expected bounds no more than the upper ones, not {low} and {high} "
                    f"at {list(place)}"
                )


def by_number(found: list[dict[str, Layout]]) -> dict[str, list]:
    """By what they are for the array of each parameter, or None."""
    named = {name for arrays in found for name in arrays}
    return {
        name: [arrays[name].array if name in arrays else None for arrays in found] for name in NAMES if name in named
    }


def _leaves(name, given, tree, params):
    """The array for each parameter, or None: of a tree, or by patterns over the names."""
    value = given[name]
    if isinstance(given, NumberedArrays):
        return [array if array is None else _in_order(array, p) for array, p in zip(value, params, strict=True)]
    try:
        return tree.leaves(value, f"per_weight[{name!r}]")
    except (TypeError, ValueError):
        patterns = isinstance(value, Mapping) and not any(map(is_container, value.values()))
        if not (patterns and all(isinstance(key, str) or callable(key) for key in value)):
            raise
    arrays = [None, *value.values()]
    return [arrays[k] for k in matching(f"per_weight[{name!r}]", "pattern", list(value), tree, params)]


def _fitting(array, param, where, whose):
    """The layout of an array that a step can read beside a parameter."""
    found = layout(array)
    if found is None or found.cuda != param.cuda:
        expected = f"a {'CUDA' if param.cuda else 'NumPy'} array, as {whose}"
        raise TypeError(f"{where}: expected {expected}, not {type(array).__name__}")
    if found.dtype != param.computed:
        what = "the parts of" if param.complex else "as" if param.computed == param.dtype else "as a step computes for"
        raise TypeError(f"{where}: expected an array of {param.computed}, {what} {whose}, not {found.dtype}")
    if found.shape != param.given_shape:
        raise ValueError(f"{where}: expected shape {param.given_shape}, as {whose}, not {found.shape}")
    if param.complex:
        return found  # of which each step takes what it then says, for both parts
    if found.size and found.steps() != param.order():
        strides = strides_of(param.shape, param.order(), found.dtype.itemsize)
        raise ValueError(
            f"{where}: expected strides {strides}, in which a step goes through {whose}, not {found.strides}: a step "
            "reads it where it lies, and copies nothing"
        )
    return found


def _refuse_shared(found, where, tree, params):
    for param, path in zip(params, tree.paths, strict=True):
        if param.size and shared(found, param):
            raise ValueError(f"{where}: expected an array that shares no memory with params{path}")


def _in_order(array, param):
    """The array itself, or a copy of it in the order in which a step goes through its parameter."""
    found = layout(array)
    if found.cuda or param.complex or not found.size or found.steps() == param.order():
        return array
    strides = strides_of(param.shape, param.order(), found.dtype.itemsize)
    copy = np.ndarray(found.shape, found.dtype, np.empty(found.size, found.dtype), 0, strides)
    copy[...] = array
    return copy
