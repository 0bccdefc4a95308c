"""The surfaces: each is its value and its gradient in two lines, compiled by Numba."""

from math import cos, exp, sin, tau

from ...kernels.cache import jitable


@jitable
def bowl(x, y, k):
    return 0.5 * (x * x + k * y * y), x, k * y


@jitable
def saddle(x, y, k):
    return 0.5 * (x * x - y * y) + k * y**4 / 16.0, x, k * y**3 / 4.0 - y


@jitable
def plateau(x, y, k):
    r = x * x + y * y
    return r / (k + r), 2.0 * k * x / (k + r) ** 2, 2.0 * k * y / (k + r) ** 2


@jitable
def cliff(x, y, k):
    wall = exp(k * (x - 1.5))
    return wall - 0.3 * x + 0.2 * y * y, k * wall - 0.3, 0.4 * y


@jitable
def wells(x, y, k):
    a = x * x - 1.0
    return a * a + k * x + y * y, 4.0 * x * a + k, 2.0 * y


@jitable
def beale(x, y, k):
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    slope = 2.0 * (a * (y - 1.0) + b * (y**2 - 1.0) + c * (y**3 - 1.0))
    return a * a + b * b + c * c, slope, 2.0 * x * (a + 2.0 * y * b + 3.0 * y**2 * c)


@jitable
def rosenbrock(x, y, k):
    a, b = 1.0 - x, y - x * x
    return a * a + k * b * b, -2.0 * a - 4.0 * k * x * b, 2.0 * k * b


@jitable
def himmelblau(x, y, k):
    a, b = x * x + y - 11.0, x + y * y - 7.0
    return a * a + b * b, 4.0 * x * a + 2.0 * b, 2.0 * a + 4.0 * y * b


@jitable
def rastrigin(x, y, k):
    value = x * x + y * y + k * (2.0 - cos(tau * x) - cos(tau * y))
    return value, 2.0 * x + k * tau * sin(tau * x), 2.0 * y + k * tau * sin(tau * y)


FORMULAS = (bowl, saddle, plateau, cliff, wells, beale, rosenbrock, himmelblau, rastrigin)
"""All but the line fit."""


@jitable
def line(w, b, moments):
    """Half the mean squared error of w * u + b at points (u, v), by the means of u, v, u², u*v and v²."""
    u, v, uu, uv, vv = moments[0], moments[1], moments[2], moments[3], moments[4]
    value = w * (0.5 * w * uu + b * u - uv) + b * (0.5 * b - v) + 0.5 * vv
    return value, w * uu + b * u - uv, w * u + b - v
