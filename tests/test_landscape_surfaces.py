"""The surfaces: their gradients against differences, their minima, and functions of the reader's own."""

from math import exp

import numpy as np
import pytest
from conftest import SLOW

from fastadapt.pages.landscapes.builtin import builtin_problem
from fastadapt.pages.landscapes.catalogue import SURFACES
from fastadapt.pages.landscapes.ownsurface import own_surface
from fastadapt.pages.landscapes.problem import Settings

pytestmark = pytest.mark.skipif(SLOW, reason="compiles surfaces")


def parameters_of(surface):
    """The least, the most and the default of a surface's parameter."""
    parameter = surface.parameter
    return [parameter.least, parameter.default, parameter.most] if parameter else [None]


CASES = [(name, k) for name, surface in SURFACES.items() for k in parameters_of(surface)]


def slopes(value, x, y):
    """Central differences of fourth order."""
    h = 1e-3

    def slope(f):
        return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)

    return [slope(lambda s: value((x + s, y))), slope(lambda s: value((x, y + s)))]


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_the_gradient_of_a_surface_is_that_of_its_value(name, parameter):
    problem = builtin_problem(name, Settings(parameter=parameter))
    rng = np.random.default_rng(0)
    for point in zip(rng.uniform(*problem.surface.x, 20), rng.uniform(*problem.surface.y, 20), strict=True):
        value, gradient = problem.at(point)
        expected = slopes(lambda at: problem.at(at)[0], *point)
        assert gradient == pytest.approx(expected, rel=1e-5, abs=1e-6 * (1 + abs(value)))


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_the_minima_of_a_surface_are_minima_in_view_the_lowest_first(name, parameter):
    problem = builtin_problem(name, Settings(parameter=parameter))
    surface, minima = problem.surface, problem.minima
    assert len(minima) >= 1
    values = [problem.at(low)[0] for low in minima]
    assert values == pytest.approx(sorted(values), abs=1e-9)
    for low, value in zip(minima, values, strict=True):
        assert surface.x[0] < low[0] < surface.x[1]
        assert surface.y[0] < low[1] < surface.y[1]
        assert np.abs(problem.at(low)[1]).max() < 1e-6 * (1 + abs(value))
        around = low + 1e-3 * np.array([(np.cos(a), np.sin(a)) for a in np.linspace(0, 6.3, 12)])
        assert all(problem.at(point)[0] > value for point in around)
    grid = [problem.at((x, y))[0] for x in np.linspace(*surface.x, 41) for y in np.linspace(*surface.y, 41)]
    assert min(grid) >= values[0] - 1e-9


def test_a_batch_of_the_line_fit_is_the_mean_over_some_points_and_an_epoch_over_all():
    problem = builtin_problem("line", Settings(points=12, batch=3, steps=8))
    at, g, found = np.array([0.3, -0.2]), np.zeros(2), []
    for t in range(1, 5):
        value = problem.direct(at, g, t, *problem.shared)
        found.append(g.copy())
    u, v = problem.data.T
    error = 0.3 * u - 0.2 - v
    assert value == pytest.approx(0.5 * np.mean(error**2))
    assert np.mean(found, axis=0) == pytest.approx([np.mean(error * u), np.mean(error)])
    assert np.ptp(found, axis=0).min() > 1e-3


def by_value(x, y):
    return (x - 1) ** 2 + 3 * (y + 2) ** 2


def by_value_and_derivatives(x, y):
    return (x - 1) ** 2 + 3 * (y + 2) ** 2, 2 * (x - 1), 6 * (y + 2)


def of_an_array(p):
    return (p[0] - 1) ** 2 + 3 * (p[1] + 2) ** 2


def of_an_array_with_gradient(p):
    return (p[0] - 1) ** 2 + 3 * (p[1] + 2) ** 2, np.array([2 * (p[0] - 1), 6 * (p[1] + 2)])


def not_for_numba(x, y):
    return (x - 1) ** 2 + 3 * float(str(y + 2)) ** 2


OWN = [by_value, by_value_and_derivatives, of_an_array, of_an_array_with_gradient, not_for_numba]


@pytest.mark.parametrize("function", [OWN[1], *(pytest.param(each, marks=pytest.mark.maintainer) for each in OWN)])
def test_a_function_of_the_readers_has_its_value_gradient_and_minima(function):
    own = own_surface(function, (-4, 4), (-4, 4))
    problem = own.problem(Settings())
    value, gradient = problem.at((2.0, 1.0))
    assert value == pytest.approx(28)
    assert gradient == pytest.approx([2, 18], rel=1e-7)
    assert problem.minima == pytest.approx(np.array([[1.0, -2.0]]), abs=1e-5)
    assert bool(own.why) == (function is not_for_numba)


@pytest.mark.maintainer
def test_a_jitted_function_of_the_readers_is_one_too():
    from numba import njit

    problem = own_surface(njit(by_value), (-4, 4), (-4, 4)).problem(Settings())
    assert problem.at((2.0, 1.0))[0] == pytest.approx(28)


@pytest.mark.maintainer
def test_where_a_readers_function_is_no_number_the_value_is_not_finite():
    def half(x, y):
        return x**1.5 + y * y if x > 0 else np.nan * x

    def overflows(x, y):
        return exp(float(str(1000 * x))) + y * y

    for function, at in ((half, (-1.0, 0.0)), (overflows, (4.0, 0.0))):
        problem = own_surface(function, (-4, 4), (-4, 4), start=(0.5, 0.5), minima=[(0, 0)]).problem(Settings())
        assert not np.isfinite(problem.at(at)[0])


def raising(x, y):
    raise LookupError("no such place")


@pytest.mark.parametrize(
    ("function", "more", "error", "message"),
    [
        (lambda: 1.0, {}, TypeError, "expected a function of x and y"),
        (lambda x, y, z: 1.0, {}, TypeError, "expected a function of x and y"),
        (lambda x, y: "high", {}, TypeError, "expected a value, or a value and two derivatives"),
        (lambda x, y: (x, y), {}, TypeError, "expected a value, or a value and two derivatives"),
        (lambda p: (p[0], np.zeros(3)), {}, ValueError, "expected a gradient of shape"),
        (raising, {}, LookupError, "no such place"),
        (by_value, {"x": (1, -1)}, ValueError, "expected x to go from low to high"),
        (by_value, {"y": (0, np.inf)}, ValueError, "expected y to be finite"),
        (by_value, {"start": (1,)}, TypeError, "expected start to be two numbers"),
        (by_value, {"minima": [1, 2]}, ValueError, "expected minima to be pairs"),
    ],
)
def test_a_function_that_does_not_fit_is_refused_by_name(function, more, error, message):
    with pytest.raises(error, match=message):
        own_surface(function, **{"x": (-4, 4), "y": (-4, 4)} | more)
