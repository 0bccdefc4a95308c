"""Where the minima of the surfaces are, the lowest first."""

from itertools import product
from math import cos, log, sin, tau

import numpy as np

from .catalogue import Surface


def minima_of(surface: Surface, k: float, data: np.ndarray) -> np.ndarray:
    """The minima of a surface with the parameter k, and of the line fit with its data: (n, 2)."""
    found = FINDERS[surface.name](surface, k, data) if surface.name in FINDERS else surface.minima
    return np.array(found, np.float64).reshape(-1, 2)


def _cliff(surface, k, data):
    return [(1.5 + log(0.3 / k) / k, 0.0)]


def _wells(surface, k, data):
    roots = np.roots([4.0, 0.0, -4.0, k])
    lows = [root.real for root in roots if abs(root.imag) < 1e-9 and 12.0 * root.real**2 > 4.0]
    return [(x, 0.0) for x in sorted(lows, key=lambda x: (x * x - 1.0) ** 2 + k * x)]


def _rastrigin(surface, k, data):
    """One beside each pair of whole numbers that is in view."""
    most = int(surface.x[1])
    lows = sorted((_rastrigin_low(i, k) for i in range(-most, most + 1)), key=abs)
    return sorted(product(lows, lows), key=lambda low: low[0] ** 2 + low[1] ** 2)


def _rastrigin_low(i, k):
    x = float(i)
    for _ in range(50):
        x -= (2.0 * x + k * tau * sin(tau * x)) / (2.0 + k * tau * tau * cos(tau * x))
    return x


def _line(surface, k, data):
    columns = np.column_stack([data[:, 0], np.ones(len(data))])
    return [np.linalg.lstsq(columns, data[:, 1], rcond=None)[0]]


FINDERS = {"cliff": _cliff, "wells": _wells, "rastrigin": _rastrigin, "line": _line}
