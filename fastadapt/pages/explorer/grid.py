"""The losses and errors on a grid of a plane, coarse to fine, each computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from .model import Model, Values
from .plane import Plane
from .store import Store

STAGES = (11, 21, 41)
"""Points a side of the grids one after the other; each holds those of the one before."""

REMEMBERED = 64
"""Grids that are kept in memory."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Values on a grid: `a` (n,) and `b` (n,) coordinates, `values` by name of the metric (n, n), a row for each b."""

    a: np.ndarray
    b: np.ndarray
    values: dict[str, np.ndarray]


class Grids:
    """The grids of one model, remembered by what they are computed of."""

    def __init__(self, model: Model):
        self._model, self._known = model, Store(REMEMBERED)

    def known(self, plane: Plane, box: tuple[float, ...], side: int) -> Grid | None:
        """The grid, if it was computed before."""
        return self._known.find(self._key(plane, box, side))

    def compute(
        self,
        plane: Plane,
        box: tuple[float, ...],
        side: int,
        tell: Callable[[float], None] = lambda share: None,
        show: Callable[[Grid], None] = lambda grid: None,
    ) -> Grid:
        """The grid of `side` points a side in the box (a from, a to, b from, b to), one of `STAGES`.

        `tell` hears the share that is done, and may raise to stop; `show` gets each coarser grid when it is whole.
        """
        stages = STAGES[: STAGES.index(side) + 1]
        points, found = stages[-1] ** 2, None
        with self._model.computing():
            for stage in stages:
                grid = self.known(plane, box, stage)
                if grid is None:
                    grid = self._refined(plane, box, stage, found, lambda n: tell(n / points))
                    self._known.put(self._key(plane, box, stage), grid)
                found = grid
                tell(stage**2 / points)
                if stage != side:
                    show(grid)
        return found

    def _refined(self, plane, box, side, coarse, count):
        """A grid whose every second point is taken from a coarser one."""
        a, b = np.linspace(box[0], box[1], side), np.linspace(box[2], box[3], side)
        values = np.full((len(Values._fields), side, side), np.nan)
        missing = np.ones((side, side), bool)
        if coarse is not None:
            for k, name in enumerate(Values._fields):
                values[k, ::2, ::2] = coarse.values[name]
            missing[::2, ::2] = False
        before = side**2 - missing.sum()
        for n, (row, column) in enumerate(np.argwhere(missing)):
            values[:, row, column] = self._model.evaluate(plane.at(a[column], b[row]))
            if n % 8 == 0:
                count(int(before) + n)
        return Grid(a, b, dict(zip(Values._fields, values, strict=True)))

    def _key(self, plane, box, side):
        digest = blake2b(repr((self._model.key, box, side)).encode(), digest_size=16)
        digest.update(plane.origin.tobytes())
        digest.update(plane.basis.tobytes())
        return digest.digest()


def box_around(coordinates: list[np.ndarray], margin: float = 0.2) -> tuple[float, float, float, float]:
    """The box of a grid around all paths, (a from, a to, b from, b to), a square."""
    points = np.concatenate(coordinates)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, (high - low) / 2
    reach = np.full(2, reach.max()) * (1 + margin)
    reach = np.where(reach > 0, reach, 1.0)
    (a, b), (u, v) = middle, reach
    return float(a - u), float(a + u), float(b - v), float(b + v)


assert all(fine == 2 * coarse - 1 for coarse, fine in pairwise(STAGES))
