"""The surfaces at the ends of their sliders: gradients against differences, and minima."""

import numpy as np
import pytest
from conftest import SLOW

from fastadapt.pages.landscapes.builtin import builtin_problem
from fastadapt.pages.landscapes.catalogue import SURFACES
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
