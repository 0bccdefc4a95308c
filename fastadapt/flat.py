"""One flat buffer for a tree of arrays, for gradients, norms or checkpoints in one piece."""

from math import prod
from typing import Any

import numpy as np

from .arrays import parameter
from .tree import Tree


def flatten(params: Any) -> tuple[np.ndarray, Any]:
    """A flat buffer with the values of `params`, and the same tree of views into it.

    params : an array, or a list, tuple or dict of arrays, nested; all of one dtype, real or complex, on the CPU

    Returns
    -------
    flat, views
        `flat` is one-dimensional, C-ordered array after array; `views` has the structure and shapes of `params`, and
        shares the memory of `flat`: what is written to the one is in the other.

    Raises
    ------
    TypeError
        Not an array, or arrays of more than one dtype.

    Examples
    --------
    >>> params = {"W": np.ones((2, 3), np.float32), "b": np.zeros(3, np.float32)}
    >>> flat, views = fa.flatten(params)
    >>> flat.shape, views["W"].shape
    ((9,), (2, 3))
    """
    tree = Tree(params)
    layouts = [
        parameter(array, path, in_place=False) for array, path in zip(tree.leaves(params), tree.paths, strict=True)
    ]
    for found, path in zip(layouts, tree.paths, strict=True):
        if found.cuda:
            raise TypeError(f"params{path}: expected a NumPy array: flatten works on the CPU only")
        if found.given_dtype != layouts[0].given_dtype:
            first, dtype = tree.paths[0], found.given_dtype
            raise TypeError(f"params{path}: expected {layouts[0].given_dtype}, as params{first}, not {dtype}")
    dtype, shapes = layouts[0].given_dtype if layouts else np.float32, [found.given_shape for found in layouts]
    flat = np.empty(sum(map(prod, shapes)), dtype)
    views, start = [], 0
    for found, shape in zip(layouts, shapes, strict=True):
        view = flat[start : start + prod(shape)].reshape(shape)
        view[...] = found.array
        views.append(view)
        start += view.size
    return flat, tree.build(views)
