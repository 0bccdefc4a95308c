"""Copies and pickles of an optimizer: what goes into them, and their arrays in memory that can be written to."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .groups import Members, NumberedGroups
from .hyperparameters import renamed
from .layout import is_plain
from .per_weight import NumberedArrays
from .tree import Tree


def refuse_deep(tree: Tree) -> None:
    """Raise ValueError for more containers in each other than Python, whose copies and pickles call themselves, can do.

    `copy.deepcopy` takes two calls for each.
    """
    depth, most = max(map(len, tree.keys)), (sys.getrecursionlimit() - _frames() - 20) // 2
    if depth > most:
        raise ValueError(
            f"params: expected at most {most} containers in each other where they are copied or pickled, not {depth}; "
            "sys.setrecursionlimit lets Python go deeper"
        )


def made(
    cls: Callable,
    params: Any,
    groups: dict,
    capturable: bool,
    hyper: dict,
    chosen: list[int] | None,
    arrays: dict[str, list] | None,
) -> Any:
    """The optimizer of these parts before it has a state; those of version 0.1.0 have no `chosen` and no `arrays`."""
    groups = NumberedGroups({selector: renamed(cls, own) for selector, own in groups.items()}, chosen)
    arrays = NumberedArrays(arrays or {})
    return cls(params, groups=groups, per_weight=arrays, capturable=capturable, **renamed(cls, hyper))


def writeable(params: Any, groups: dict) -> Any:
    """The parameters, with copies of the arrays that cannot be written to, for groups that select arrays as well.

    joblib hands large arrays over as read-only memory maps, and pickles' own buffers may be read-only.
    """
    tree = Tree(params)
    arrays = tree.leaves(params, "params")
    new = {id(array): _copy(array) for array in arrays if is_plain(type(array)) and not array.flags.writeable}
    if not new:
        return params
    for selector in groups:
        if isinstance(selector, Members):
            selector.exchange(new)
    return tree.exchange(params, [new.get(id(array), array) for array in arrays])


def _copy(array):
    """A copy in the same order of memory, of the same type unless that is a map of a file."""
    return np.array(array, subok=not isinstance(array, np.memmap))


def _frames():
    """How deep Python's stack is."""
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count
