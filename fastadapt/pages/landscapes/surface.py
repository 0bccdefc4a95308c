"""One compiled function for all surfaces, as `fa.minimize_many` calls it: a rule compiles once, not once for each."""

from collections.abc import Callable
from functools import cache

from numba import njit

from . import formulas
from .formulas import beale, bowl, cliff, himmelblau, line, plateau, rastrigin, rosenbrock, saddle, wells

LINE = len(formulas.FORMULAS)
"""The number of the line fit; the other surfaces are numbered as in FORMULAS."""


@cache
def builtin() -> Callable:
    """The objective `(x, g, t, shared...) -> value` of the library's own surfaces.

    which, k : number and parameter of the surface
    noises : what is added to the gradient before each step
    whole, batches : of the line fit, the means of u, v, u², u*v and v² over all points (u, v), and over each step's
    """

    @njit(error_model="numpy")
    def surface(x, g, t, which, k, noises, whole, batches):
        a, b = x[0], x[1]
        value, by_x, by_y = 0.0, 0.0, 0.0
        # Of conditions alone, LLVM computes all surfaces and then chooses; loops of no or one round it takes out of the
        # loop over problems, if they stand in this function. 40,000 descents of 300 steps of Adam on Himmelblau, by
        # two cores: 0.35 s or 0.03 s.
        for _ in range(1 if which == 0 else 0):
            value, by_x, by_y = bowl(a, b, k)
        for _ in range(1 if which == 1 else 0):
            value, by_x, by_y = saddle(a, b, k)
        for _ in range(1 if which == 2 else 0):
            value, by_x, by_y = plateau(a, b, k)
        for _ in range(1 if which == 3 else 0):
            value, by_x, by_y = cliff(a, b, k)
        for _ in range(1 if which == 4 else 0):
            value, by_x, by_y = wells(a, b, k)
        for _ in range(1 if which == 5 else 0):
            value, by_x, by_y = beale(a, b, k)
        for _ in range(1 if which == 6 else 0):
            value, by_x, by_y = rosenbrock(a, b, k)
        for _ in range(1 if which == 7 else 0):
            value, by_x, by_y = himmelblau(a, b, k)
        for _ in range(1 if which == 8 else 0):
            value, by_x, by_y = rastrigin(a, b, k)
        for _ in range(1 if which == LINE else 0):
            value = line(a, b, whole)[0]
            _, by_x, by_y = line(a, b, batches[t - 1])
        g[0], g[1] = by_x + noises[t - 1, 0], by_y + noises[t - 1, 1]
        return value

    return surface


def around(evaluate: Callable) -> Callable:
    """The objective over a reader's function `evaluate(x, y) -> value, derivatives`, called like `builtin()`."""

    @njit(error_model="numpy")
    def surface(x, g, t, which, k, noises, whole, batches):
        value, by_x, by_y = evaluate(x[0], x[1])
        g[0], g[1] = by_x + noises[t - 1, 0], by_y + noises[t - 1, 1]
        return value

    return surface
