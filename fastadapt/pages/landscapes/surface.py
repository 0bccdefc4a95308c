"""One compiled function for all surfaces, as `fa.minimize_many` calls it: a rule compiles once, not once for each."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from . import formulas
from .formulas import beale, bowl, cliff, himmelblau, line, njit, plateau, rastrigin, rosenbrock, saddle, wells

LINE = len(formulas.FORMULAS)
"""The number of the line fit; the other surfaces are numbered as in FORMULAS."""


@njit
def value_of(x, y, which, k, data, rows):
    """Value and gradient of the surface number `which` with the parameter k."""
    if which == 0:
        return bowl(x, y, k)
    if which == 1:
        return saddle(x, y, k)
    if which == 2:
        return plateau(x, y, k)
    if which == 3:
        return cliff(x, y, k)
    if which == 4:
        return wells(x, y, k)
    if which == 5:
        return beale(x, y, k)
    if which == 6:
        return rosenbrock(x, y, k)
    if which == 7:
        return himmelblau(x, y, k)
    if which == 8:
        return rastrigin(x, y, k)
    return line(x, y, data, rows)


@njit
def watch(x, y, t, stay, minima, near):
    """Keep in `stay` near which minimum the point is, and since which step it has been there without a break."""
    closest, at = near * near, -1.0
    for i in range(len(minima)):
        dx, dy = x - minima[i, 0], y - minima[i, 1]
        if dx * dx + dy * dy <= closest:
            closest, at = dx * dx + dy * dy, float(i)
    if at != stay[0]:
        stay[0], stay[1] = at, t - 1.0


def make(evaluate: Callable) -> Callable:
    """The objective for `fa.minimize_many`: `(x, g, t, stay, shared...) -> value`.

    stay : two numbers of each problem, which `watch` keeps
    which, k : number and parameter of the surface
    noises : what is added to the gradient before each step
    data, order : the points of the line fit, and the rows of the batch of each step
    everything : all rows, of which the value is
    minima, near : where the minima are, and within which distance a point counts as there
    """
    version = _version()

    @njit
    def surface(x, g, t, stay, which, k, noises, data, order, everything, minima, near):
        version  # noqa: B018  the key of the disk cache is made of what is read here
        a, b = x[0], x[1]
        value, by_x, by_y = evaluate(a, b, which, k, data, everything)
        if order.shape[1] < len(everything):
            _, by_x, by_y = evaluate(a, b, which, k, data, order[t - 1])
        g[0], g[1] = by_x + noises[t - 1, 0], by_y + noises[t - 1, 1]
        watch(a, b, t, stay, minima, near)
        return value

    return surface


@cache
def _version():
    texts = [Path(file).read_bytes() for file in (__file__, formulas.__file__)]
    return sha256(b"".join(texts)).hexdigest()


@cache
def builtin() -> Callable:
    """The objective of the library's own surfaces."""
    return make(value_of)
