"""The minima of a function that nobody knows: the lows of a grid, each followed down."""

from collections.abc import Callable

import numpy as np

ROUNDS = 60


def lows_of(value: Callable[[float, float], float], x: tuple, y: tuple, n: int, most: int = 64) -> np.ndarray:
    """The minima inside these ranges, the lowest first: (k, 2). Those narrower than a cell of n × n are not found."""
    xs, ys = np.linspace(*x, n), np.linspace(*y, n)
    z = np.array([[value(a, b) for a in xs] for b in ys])
    z = np.where(np.isfinite(z), z, np.inf)
    inner = z[1:-1, 1:-1]
    around = [z[1 + i : n - 1 + i, 1 + j : n - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    rows, columns = np.nonzero(np.all([inner <= other for other in around], axis=0))
    cell = xs[1] - xs[0], ys[1] - ys[0]
    found = []
    for i, j in sorted(zip(rows, columns, strict=True), key=lambda at: inner[at])[:most]:
        point = _down(value, xs[j + 1], ys[i + 1], cell)
        # A flat low has several points; they are one.
        if all(abs(point[0] - a) > cell[0] or abs(point[1] - b) > cell[1] for a, b in found):
            found.append(point)
    return np.array(sorted(found, key=lambda point: value(*point)), np.float64).reshape(-1, 2)


def _down(value, x, y, cell):
    """Follow a low down by comparing with four neighbours, ever nearer."""
    lowest, (a, b) = value(x, y), cell
    for _ in range(ROUNDS):
        tried = [(value(x + u, y + v), x + u, y + v) for u, v in ((a, 0), (-a, 0), (0, b), (0, -b))]
        better = min(tried)
        if better[0] < lowest:
            lowest, x, y = better
        else:
            a, b = a / 2, b / 2
    return x, y
