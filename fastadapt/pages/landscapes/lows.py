"""The minima of a function that nobody knows: the lows of a grid, each followed down."""

from collections.abc import Callable

import numpy as np

RING = 1e-3
"""Of a cell: so far around a minimum the function has values, and none is lower."""

NEIGHBOURS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
ROUNDS = 400
SMALL = 1e-7
"""Of a cell: a triangle that is smaller has arrived."""


def lows_of(value: Callable[[float, float], float], x: tuple, y: tuple, n: int, most: int = 64) -> np.ndarray:
    """The minima inside these ranges, the lowest first: (k, 2). Those narrower than a cell of n × n are not found."""
    xs, ys = np.linspace(*x, n), np.linspace(*y, n)
    z = np.array([[value(a, b) for a in xs] for b in ys])
    z = np.where(np.isfinite(z), z, np.inf)
    cell = np.array([xs[1] - xs[0], ys[1] - ys[0]])
    found = []
    for i, j in sorted(_flat_lows(z), key=lambda at: z[at])[:most]:
        point = _down(value, np.array([xs[j], ys[i]]), cell)
        inside = x[0] < point[0] < x[1] and y[0] < point[1] < y[1]
        # A valley that bends across the grid has several lows, and they are one.
        if inside and _is_low(value, point, cell) and all((abs(point - other) > cell).any() for other in found):
            found.append(point)
    return np.array(sorted(found, key=lambda point: value(*point)), np.float64).reshape(-1, 2)


def _flat_lows(z):
    """Of each low of the grid, one point or many alike, a point in its middle; what reaches the edge is no low."""
    inner = z[1:-1, 1:-1]
    around = [z[1 + i : len(z) - 1 + i, 1 + j : len(z) - 1 + j] for i, j in NEIGHBOURS]
    left = np.zeros(z.shape, bool)
    left[1:-1, 1:-1] = np.all([inner <= other for other in around], axis=0) & np.isfinite(inner)
    for first in zip(*np.nonzero(left), strict=True):
        if left[first]:
            points = _alike(z, first)
            low = all(left[at] for at in points)
            left[tuple(np.transpose(points))] = False
            if low:
                middle = np.mean(points, axis=0)
                yield min(points, key=lambda at: np.hypot(*(at - middle)))


def _alike(z, first):
    """The points of the grid that have the value of one, and are joined to it."""
    known, waiting = {first}, [first]
    while waiting:
        i, j = waiting.pop()
        for at in ((i + k, j + m) for k, m in NEIGHBOURS):
            if at not in known and 0 <= at[0] < len(z) and 0 <= at[1] < len(z) and z[at] == z[first]:
                known.add(at)
                waiting.append(at)
    return sorted(known)


def _is_low(value, point, cell):
    """Whether the function has values all around a point, and none is lower than there, but for rounding."""
    here = value(*point)
    ring = [value(*(point + RING * cell * (i, j))) for i, j in NEIGHBOURS]
    return bool(np.isfinite([here, *ring]).all() and min(ring) >= here - 1e-12 * abs(here))


def _down(value, start, cell):
    """Follow a low down by a triangle that flips, grows and shrinks (Nelder and Mead), which follows bent valleys."""
    corners = sorted(((value(*at), *at) for at in (start, start + cell * [1, 0], start + cell * [0, 1])), key=_height)
    for _ in range(ROUNDS):
        points = np.array([corner[1:] for corner in corners])
        if (np.ptp(points, axis=0) < SMALL * cell).all():
            break
        middle, worst = points[:2].mean(axis=0), points[2]

        def tried(times, middle=middle, worst=worst):
            at = middle + times * (worst - middle)
            return value(*at), *at

        best = tried(-1.0)
        if _height(best) < _height(corners[0]):
            best = min(best, tried(-2.0), key=_height)
        elif _height(best) >= _height(corners[1]):
            best = min(tried(-0.5), tried(0.5), key=_height)
        if _height(best) < _height(corners[2]):
            corners[2] = best
        else:
            nearer = points[0] + (points[1:] - points[0]) / 2
            corners[1:] = [(value(*at), *at) for at in nearer]
        corners.sort(key=_height)
    return np.array(corners[0][1:])


def _height(corner):
    """The value at a corner; what is no number is above all."""
    return corner[0] if np.isfinite(corner[0]) else np.inf
