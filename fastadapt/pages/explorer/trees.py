"""Trees of arrays as vectors: of one structure, each checked by name before anything is drawn from it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...tree import Tree

FEWEST = 2
"""Points that a path needs: where it begins, and where it ends."""


class Structure:
    """What a tree of arrays looks like: its containers, and the shape and dtype of each array.

    `size` is the number of weights, `dtype` that of their vector.
    """

    def __init__(self, tree: Any, name: str = "start"):
        self.containers = Tree(tree)
        leaves = self.containers.leaves(tree)
        if not leaves:
            raise ValueError(f"{name}: expected at least one array")
        arrays = [_array(leaf, f"{name}{path}") for leaf, path in zip(leaves, self.containers.paths, strict=True)]
        self.shapes = [array.shape for array in arrays]
        self.dtypes = [array.dtype for array in arrays]
        self.dtype = np.result_type(*self.dtypes)
        self.size = sum(array.size for array in arrays)
        self._ends = np.cumsum([array.size for array in arrays])[:-1]
        if not self.size:
            raise ValueError(f"{name}: expected at least one weight, not only empty arrays")

    def vector(self, tree: Any, name: str) -> np.ndarray:
        """The weights of a tree in one vector; TypeError or ValueError, by name, if it is of another structure."""
        leaves = self.containers.leaves(tree, name)
        paths = zip(leaves, self.containers.paths, self.shapes, strict=True)
        parts = [self._part(leaf, f"{name}{path}", shape) for leaf, path, shape in paths]
        return np.concatenate(parts).astype(self.dtype, copy=False)

    def _part(self, leaf, name, shape):
        array = _array(leaf, name)
        if array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, as in start, not {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite weights, not {array[~np.isfinite(array)].flat[0]}")
        return array.ravel()

    def split(self, vector: np.ndarray) -> list[np.ndarray]:
        """The vector cut into arrays of the leaves' shapes, views of it."""
        pieces = np.split(vector, self._ends)
        return [piece.reshape(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def tree(self, vector: np.ndarray) -> Any:
        """A new tree of the user's containers and dtypes, which may be written to."""
        pairs = zip(self.split(vector), self.dtypes, strict=True)
        leaves = [np.array(piece, dtype) for piece, dtype in pairs]
        return leaves[0] if self.containers.single else self.containers.build(leaves)


def path_vectors(
    structure: Structure, start: np.ndarray, points: Sequence | np.ndarray, name: str, kept: Callable[[int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Which points of a path are kept, `kept(last)` of them, and these as rows; the first has to be the start.

    Raises
    ------
    TypeError, ValueError
        A point does not fit, is not finite, or there are too few; the message names the path and the array.
    """
    if isinstance(points, np.ndarray) and points.ndim > 0 and structure.containers.single:
        points = list(points)
    if not isinstance(points, Sequence):
        raise TypeError(f"{name}: expected a list of points, each like start, not {type(points).__name__}")
    if len(points) < FEWEST:
        raise ValueError(f"{name}: expected at least {FEWEST} points, the start and the end, not {len(points)}")
    numbers = kept(len(points) - 1)
    wanted, rows = set(numbers.tolist()), []
    for k, point in enumerate(points):
        row = structure.vector(point, f"{name}[{k}]")
        if k in wanted:
            rows.append(row)
    if not np.array_equal(rows[0], start):
        distance = np.linalg.norm(rows[0].astype(np.float64) - start)
        raise ValueError(f"{name}[0]: expected the start, where all paths begin, not a point {distance:.3g} from it")
    return numbers, np.stack(rows)


def _array(leaf, name):
    if leaf is None:
        raise TypeError(f"{name}: expected an array, not None")
    array = np.asarray(leaf)
    if array.dtype.kind != "f":
        raise TypeError(f"{name}: expected an array of floats, not {type(leaf).__name__} of {array.dtype}")
    return array
