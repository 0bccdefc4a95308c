"""Page 1's descents: they are those of the library's own steps, and its surfaces, minima and numbers are right."""

from math import nan

import numpy as np
import pytest
from conftest import SLOW, for_maintainers

import fastadapt as fa
from fastadapt.commands import optimizers
from fastadapt.pages.contenders import contenders
from fastadapt.pages.landscapes import many
from fastadapt.pages.landscapes.builtin import builtin_problem
from fastadapt.pages.landscapes.catalogue import SURFACES
from fastadapt.pages.landscapes.chosen import Chosen
from fastadapt.pages.landscapes.descent import descend
from fastadapt.pages.landscapes.many import RATES, basins, tune
from fastadapt.pages.landscapes.numbers import numbers_of
from fastadapt.pages.landscapes.ownsurface import own_surface
from fastadapt.pages.landscapes.problem import Settings

pytestmark = pytest.mark.skipif(SLOW, reason="descends with compiled kernels")

RULES = contenders()


def chosen(name, decay=0.0, **hyper):
    return Chosen(RULES[name], RULES[name].given | hyper, decay)


def rosenbrock(p, k=100.0):
    x, y = p
    return np.array([-2 * (1 - x) - 4 * k * x * (y - x * x), 2 * k * (y - x * x)])


@pytest.mark.parametrize("name", ["SGD+momentum", "Adam", *for_maintainers(*optimizers())])
def test_a_path_is_that_of_opt_step_to_the_bit_state_included(name):
    problem = builtin_problem("rosenbrock", Settings(steps=25))
    descent = descend(problem, chosen(name, lr=1e-3), (-1.5, 2.4))
    x = np.array([-1.5, 2.4])
    opt = RULES[name].rule(x, lr=1e-3, **RULES[name].given)
    for k in range(26):
        assert descent.points[k].tolist() == x.tolist()
        assert {state: kept[k].tolist() for state, kept in descent.states.items()} == {
            state: array.tolist() for state, array in opt.state.items()
        }
        # The gradient is that of the surface's own formula: another order of its operations rounds otherwise.
        np.testing.assert_allclose(descent.gradients[k], rosenbrock(x), rtol=1e-12, atol=1e-12)
        opt.step(descent.gradients[k].copy())


def test_the_rate_decays_by_its_formula_and_for_its_rule_alone():
    problem = builtin_problem("bowl", Settings(steps=10))
    decayed = descend(problem, chosen("SGD", decay=0.5, lr=0.01), (1.0, 1.0))
    steps = (decayed.points[:-1] - decayed.points[1:]) / decayed.gradients[:-1]
    np.testing.assert_allclose(steps[:, 0], [0.01 / (1 + 0.5 * k) for k in range(10)], rtol=1e-9)


@pytest.mark.parametrize("slab", for_maintainers(7, 25))
def test_basins_are_where_paths_from_the_same_starts_end(slab, monkeypatch):
    monkeypatch.setattr(many, "slab_of", lambda steps: slab)
    problem = builtin_problem("himmelblau", Settings(steps=80))
    found = basins(problem, chosen("Adam", decay=0.01, lr=0.1), 5)
    for j, y in enumerate(np.linspace(-5, 5, 5)):
        for i, x in enumerate(np.linspace(-5, 5, 5)):
            path = descend(problem, chosen("Adam", decay=0.01, lr=0.1), (x, y)).points
            far = np.linalg.norm(path[:, None] - problem.minima[None], axis=2) > problem.surface.near
            end = next((m for m in range(4) if not far[-1, m]), -1)
            assert found.ends[j, i] == end
            if end >= 0:
                outside = np.flatnonzero(far[:, end])
                assert found.since[j, i] == (outside[-1] + 1 if len(outside) else 0)
    assert found.share == pytest.approx((found.ends >= 0).mean())


@pytest.mark.parametrize("name", SURFACES)
def test_the_gradient_of_a_surface_is_that_of_its_value(name):
    problem = builtin_problem(name, Settings())
    rng = np.random.default_rng(0)
    low, high = zip(problem.surface.x, problem.surface.y, strict=True)
    for x, y in rng.uniform(low, high, (6, 2)):
        h = 1e-6
        by_x = (problem.at((x + h, y))[0] - problem.at((x - h, y))[0]) / (2 * h)
        by_y = (problem.at((x, y + h))[0] - problem.at((x, y - h))[0]) / (2 * h)
        # h**2 times third derivatives, and the value's rounding divided by h.
        np.testing.assert_allclose(problem.at((x, y))[1], [by_x, by_y], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", SURFACES)
def test_a_minimum_is_lower_than_all_around_it_and_its_gradient_is_zero(name):
    problem = builtin_problem(name, Settings())
    assert len(problem.minima)
    values = [problem.at(point)[0] for point in problem.minima]
    # Equal minima differ by rounding.
    assert min(values) == pytest.approx(values[0], abs=1e-9)
    for point, value in zip(problem.minima, values, strict=True):
        np.testing.assert_allclose(problem.at(point)[1], 0.0, atol=1e-9)
        for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
            assert problem.at(point + 1e-3 * np.array([np.cos(angle), np.sin(angle)]))[0] > value


def test_a_step_of_the_line_fit_sees_its_batch_and_an_epoch_sees_each_point_once():
    settings = Settings(points=12, batch=4, steps=5, seed=3)
    problem = builtin_problem("line", settings)
    u, v = problem.data.T
    gradients = []
    for t in (1, 2, 3):
        g = np.zeros(2)
        value = problem.direct(np.array([0.3, -0.2]), g, t, *problem.shared)
        error = 0.3 * u - 0.2 - v
        assert value == pytest.approx((error**2).mean() / 2)
        gradients.append(g)
    assert np.ptp(gradients, axis=0).min() > 0
    np.testing.assert_allclose(np.mean(gradients, axis=0), [(error * u).mean(), error.mean()], rtol=1e-12)


def test_noise_is_added_to_the_gradient_and_not_to_the_value():
    still, noisy = (builtin_problem("bowl", Settings(noise=noise, seed=1, steps=400)) for noise in (0.0, 0.5))
    added = []
    for t in range(1, 401):
        a, b = np.zeros(2), np.zeros(2)
        assert still.direct(np.ones(2), a, t, *still.shared) == noisy.direct(np.ones(2), b, t, *noisy.shared)
        added.append(b - a)
    # 800 draws: a standard deviation is known to 1 / sqrt(1600) = 2.5%; five times that.
    assert np.std(added) == pytest.approx(0.5, rel=0.125)


@pytest.mark.maintainer
def test_the_best_rate_is_the_one_whose_last_tenth_is_lowest_and_divergence_is_no_warning():
    problem = builtin_problem("bowl", Settings(steps=100))
    found = tune(problem, chosen("SGD"), (-3.4, 2.2))
    means = []
    for lr in RATES:
        x, values = np.array([-3.4, 2.2]), []
        with np.errstate(all="ignore"):
            for _ in range(101):
                values.append(0.5 * (x[0] ** 2 + 20 * x[1] ** 2))
                x = x - lr * np.array([x[0], 20 * x[1]])
            means.append(np.mean(values[-10:]) if np.isfinite(values).all() else np.inf)
    assert found.best == RATES[np.argmin(means)]
    finite = np.isfinite(found.values)
    np.testing.assert_allclose(found.values[finite], np.array(means)[finite], rtol=1e-6)
    assert not finite[-1]


def test_the_numbers_of_adams_lines_are_those_of_its_formula():
    problem = builtin_problem("himmelblau", Settings(steps=12))
    descent = descend(problem, chosen("Adam", lr=0.1), (-0.6, -1.0))
    numbers = numbers_of(chosen("Adam", lr=0.1), descent)
    m = v = np.zeros(2)
    for k in range(12):
        g = descent.gradients[k]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g

        def number(key, k=k):
            where, *rest = numbers.keys[key]
            if where == "coefficients":
                return numbers.coefficients[k, rest[0]]
            record = descent.states[rest[0]] if where == "states" else getattr(descent, where)
            return record[k + rest[-1]]

        np.testing.assert_allclose(number("m.1"), m, rtol=1e-12)
        np.testing.assert_allclose(number("v.1"), v, rtol=1e-12)
        step = 0.1 / (1 - 0.9 ** (k + 1)) * m / (np.sqrt(v / (1 - 0.999 ** (k + 1))) + 1e-8)
        np.testing.assert_allclose(number("p.new") - number("p.0"), -step, rtol=1e-6)
        assert number("b1.0") == 0.9
    read = [token[1] for line in numbers.formula.lines for token in line.tokens if not isinstance(token, str)]
    assert set(read) <= set(numbers.keys)


def test_what_no_record_has_is_traced_through_the_lines():
    problem = builtin_problem("bowl", Settings(steps=3))
    rule = chosen("RMSProp", lr=0.01, centered=True)
    descent = descend(problem, rule, (1.0, 1.0))
    numbers = numbers_of(rule, descent)
    where, i = numbers.keys["d.1"]
    assert where == "traced"
    np.testing.assert_allclose(numbers.traced[i], descent.gradients[:-1] - descent.states["mean"][:-1])


def test_every_rule_and_variant_can_be_shown():
    assert set(optimizers()) < set(RULES)
    for name, contender in RULES.items():
        assert contender.described()[0]["name"] == "lr", name


def value_only(x, y):
    return (x - 1.0) ** 2 + 2.0 * (y + 0.5) ** 2


def with_gradient(p):
    return (p[0] - 1.0) ** 2 + 2.0 * (p[1] + 0.5) ** 2, np.array([2.0 * (p[0] - 1.0), 4.0 * (p[1] + 0.5)])


def in_python(x, y):
    return value_only(*reversed([y, x]))


def test_a_function_in_python_overflows_without_a_warning():
    problem = own_surface(in_python, (-3, 3), (-3, 3)).problem(Settings(steps=1))
    assert problem.at(np.array([1e200, 0.0]))[0] == np.inf


def test_a_bent_valley_has_one_minimum_though_a_grid_shows_many_lows():
    valley = own_surface(lambda x, y: (x - 1) ** 2 + 100 * (y - x * x) ** 2, (-2, 2), (-1, 3))
    np.testing.assert_allclose(valley.problem(Settings(steps=1)).minima, [[1.0, 1.0]], atol=1e-4)


@pytest.mark.parametrize("function", [value_only, with_gradient, in_python])
def test_a_function_of_ones_own_has_its_gradient_and_its_minimum_found(function):
    own = own_surface(function, (-3, 3), (-3, 3))
    problem = own.problem(Settings(steps=200))
    np.testing.assert_allclose(problem.minima, [[1.0, -0.5]], atol=1e-6)
    value, g = problem.at((0.3, 0.7))
    assert value == pytest.approx(0.49 + 2 * 1.44)
    np.testing.assert_allclose(g, [-1.4, 4.8], rtol=1e-7)
    assert own.told()["differences"] == (function is not with_gradient)
    assert bool(own.why) == (function is in_python)
    path = descend(problem, chosen("Adam", lr=0.1), (-2.0, 2.0)).points
    np.testing.assert_allclose(path[-1], [1.0, -0.5], atol=0.01)


def test_where_a_function_of_ones_own_divides_by_zero_or_is_nan_the_value_is_nan():
    def outside(x, y):
        return [1.0 / 0.0 if x > 0 else x * x + y * y][0]

    def hole(x, y):
        return nan if x > 0 else x * x + y * y

    for function in (outside, hole):
        problem = own_surface(function, (-3, 3), (-3, 3), start=(-1, 1)).problem(Settings(steps=5))
        assert not np.isfinite(problem.at((1.0, 0.0))[0])
        assert problem.at((-1.0, 0.0))[0] == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": (3, -3)}, "x to go from low to high"),
        ({"x": 3}, "x to be two numbers"),
        ({"y": (0, float("inf"))}, "y to be finite"),
        ({"start": (1, 2, 3)}, "start to be two numbers"),
        ({"minima": [1, 2, 3]}, "minima to be pairs"),
        ({"function": lambda x, y, z: 0.0}, "a function of x and y"),
        ({"function": lambda x, y: "a"}, "expected a value"),
        ({"function": lambda x, y: (1.0, 2.0)}, "a value and two derivatives"),
        ({"function": lambda p: (1.0, np.zeros(3))}, "a gradient of shape"),
    ],
)
def test_a_function_of_ones_own_that_does_not_fit_is_an_error_by_name(given, message):
    given = {"function": value_only, "x": (-3, 3), "y": (-3, 3)} | given
    with pytest.raises((TypeError, ValueError), match=message):
        own_surface(**given)


def test_the_package_is_the_library_that_is_shown():
    assert all(contender.rule is getattr(fa, contender.rule.__name__) for contender in RULES.values())
