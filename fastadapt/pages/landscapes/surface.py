"""One compiled function for all surfaces, as `fa.minimize_many` calls it: a rule compiles once, not once for each."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from . import formulas
from .formulas import beale, bowl, cliff, himmelblau, njit, plateau, rastrigin, rosenbrock, saddle, wells

LINE = len(formulas.FORMULAS)
"""The number of the line fit; the other surfaces are numbered as in FORMULAS."""


@njit
def value_of(x, y, which, k):
    """Value and gradient of the surface number `which` with the parameter k."""
    value, by_x, by_y = 0.0, 0.0, 0.0
    # Within a condition alone, LLVM computes exp, sin and cos of every surface and then chooses: a loop of no or one
    # round it does not. 40,000 descents of 300 steps: 0.4 s or less than 0.1 s.
    for _ in range(1 if which == 3 else 0):
        value, by_x, by_y = cliff(x, y, k)
    for _ in range(1 if which == 8 else 0):
        value, by_x, by_y = rastrigin(x, y, k)
    if which == 0:
        return bowl(x, y, k)
    if which == 1:
        return saddle(x, y, k)
    if which == 2:
        return plateau(x, y, k)
    if which == 4:
        return wells(x, y, k)
    if which == 5:
        return beale(x, y, k)
    if which == 6:
        return rosenbrock(x, y, k)
    if which == 7:
        return himmelblau(x, y, k)
    return value, by_x, by_y


@cache
def builtin() -> Callable:
    """The objective `(x, g, t, shared...) -> value` of the library's own surfaces.

    which, k : number and parameter of the surface
    noises : what is added to the gradient before each step
    moments : of the data (u, v) of the line fit, the means of u, v, u², u*v and v²
    data, order : the data, and the rows of the batch of each step; of no rows where a batch is all data
    """
    version = _version()

    @njit
    def surface(x, g, t, which, k, noises, moments, data, order):
        version  # noqa: B018  the key of the disk cache is made of what is read here
        a, b = x[0], x[1]
        if which == LINE:
            u, v, uu, uv, vv = moments[0], moments[1], moments[2], moments[3], moments[4]
            value, by_x, by_y = a * (0.5 * a * uu + b * u - uv) + b * (0.5 * b - v) + 0.5 * vv, 0.0, 0.0
            n = order.shape[1]
            for i in range(n):
                row = order[t - 1, i]
                error = a * data[row, 0] + b - data[row, 1]
                by_x += error * data[row, 0] / n
                by_y += error / n
            if n == 0:
                by_x, by_y = a * uu + b * u - uv, a * u + b - v
        else:
            value, by_x, by_y = value_of(a, b, which, k)
        g[0], g[1] = by_x + noises[t - 1, 0], by_y + noises[t - 1, 1]
        return value

    return surface


def around(evaluate: Callable) -> Callable:
    """The objective over a reader's function `evaluate(x, y) -> value, derivatives`, called like `builtin()`."""

    @njit
    def surface(x, g, t, which, k, noises, moments, data, order):
        value, by_x, by_y = evaluate(x[0], x[1])
        g[0], g[1] = by_x + noises[t - 1, 0], by_y + noises[t - 1, 1]
        return value

    return surface


@cache
def _version():
    texts = [Path(file).read_bytes() for file in (__file__, formulas.__file__)]
    return sha256(b"".join(texts)).hexdigest()
