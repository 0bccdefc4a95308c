"""Descents on surfaces: those of `opt.step` to the bit, the numbers in their formulas, basins, and tuning."""

from itertools import product

import numpy as np
import pytest
from conftest import SLOW, for_maintainers

from fastadapt.pages.landscapes.builtin import builtin_problem
from fastadapt.pages.landscapes.contenders import Chosen, contenders
from fastadapt.pages.landscapes.descent import descend
from fastadapt.pages.landscapes.many import RATES, basins, tune
from fastadapt.pages.landscapes.numbers import numbers_of
from fastadapt.pages.landscapes.problem import Settings

pytestmark = pytest.mark.skipif(SLOW, reason="descends by compiled kernels")

STEPS = 60
MINIMA = np.array([(3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)])
ALL = contenders()


def value_at(x, y):
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def gradient_at(x, y):
    a, b = x * x + y - 11, x + y * y - 7
    return np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])


def walked(rule, start, steps, decay=0.0, **hyper):
    """Points, gradients and states of calls of `opt.step` on Himmelblau's function."""
    x = np.array(start, np.float64)
    opt = rule(x, **hyper)
    lr, points, gradients, states = opt.lr, [], [], []
    for k in range(steps + 1):
        points.append(x.copy())
        gradients.append(gradient_at(*x))
        states.append({name: state.copy() for name, state in opt.state.items()})
        if decay:
            opt.lr = lr / (1 + decay * k)
        if k < steps:
            opt.step(gradients[-1])
    return np.array(points), np.array(gradients), states


def himmelblau(steps=STEPS, **settings):
    return builtin_problem("himmelblau", Settings(steps=steps, **settings))


def rate_of(name):
    return {"SGD": 1e-3, "SGD+momentum": 1e-3}.get(name, ALL[name].first_rate(himmelblau().surface))


@pytest.mark.parametrize("name", ["Adam", *for_maintainers(*(name for name in ALL if name != "Adam"))])
def test_a_descent_is_that_of_opt_step_to_the_bit_with_its_states(name):
    rule, hyper = ALL[name].rule, {**ALL[name].given, "lr": rate_of(name)}
    found = descend(himmelblau(), Chosen(ALL[name], hyper), (-0.6, -1.0))
    points, gradients, states = walked(rule, (-0.6, -1.0), STEPS, **hyper)
    assert found.points.tolist() == points.tolist()
    assert found.gradients.tolist() == gradients.tolist()
    assert {each: state.tolist() for each, state in found.states.items()} == {
        each: [state[each].tolist() for state in states] for each in states[0]
    }
    assert found.values == pytest.approx([value_at(*point) for point in points], rel=1e-12)
    assert np.abs(points[-1] - points[0]).max() > 0


def test_the_rate_of_a_rule_decays_as_it_says():
    found = descend(himmelblau(), Chosen(ALL["Adam"], {"lr": 0.3}, decay=0.5), (-0.6, -1.0))
    assert found.points.tolist() == walked(ALL["Adam"].rule, (-0.6, -1.0), STEPS, 0.5, lr=0.3)[0].tolist()
    assert found.points.tolist() != walked(ALL["Adam"].rule, (-0.6, -1.0), STEPS, lr=0.3)[0].tolist()


def test_noise_is_the_same_for_a_seed_and_no_part_of_the_value():
    chosen = Chosen(ALL["Adam"], {"lr": 0.1})
    first, again = (descend(himmelblau(noise=5.0, seed=3), chosen, (1, 1)) for _ in range(2))
    other = descend(himmelblau(noise=5.0, seed=4), chosen, (1, 1))
    assert first.points.tolist() == again.points.tolist() != other.points.tolist()
    assert first.values == pytest.approx([value_at(*point) for point in first.points], rel=1e-12)
    off = first.gradients - [gradient_at(*point) for point in first.points]
    assert 3 < off.std() < 7


def number_of(numbers, descent, key, k, j):
    """As the page finds a number: by the place that is told for its key."""
    where, *more = numbers.keys[key]
    if where == "coefficients":
        return numbers.coefficients[k, more[0]]
    if where == "traced":
        return numbers.traced[more[0], k, j]
    if where == "states":
        return descent.states[more[0]][k + more[1], j]
    return getattr(descent, where)[k + more[0], j]


def test_the_numbers_in_adams_lines_are_those_of_its_equations():
    chosen = Chosen(ALL["Adam"], {"lr": 0.2, "beta1": 0.8, "beta2": 0.99, "eps": 1e-3})
    descent = descend(himmelblau(), chosen, (-0.6, -1.0))
    numbers = numbers_of(chosen, descent)
    m, v, p = np.zeros(2), np.zeros(2), np.array([-0.6, -1.0])
    for k in range(STEPS):
        g = gradient_at(*p)
        m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g * g
        p = p - 0.2 * (m / (1 - 0.8 ** (k + 1))) / (np.sqrt(v / (1 - 0.99 ** (k + 1))) + 1e-3)
        for key, expected in (("m.1", m), ("v.1", v), ("p.new", p)):
            assert [number_of(numbers, descent, key, k, j) for j in (0, 1)] == pytest.approx(expected, rel=1e-9)
    assert "traced" not in {place[0] for place in numbers.keys.values()}


@pytest.mark.parametrize("name", ["Adam", *for_maintainers(*(name for name in ALL if name != "Adam"))])
def test_every_number_of_every_line_is_known_and_the_last_lines_give_the_step(name):
    chosen = Chosen(ALL[name], {**ALL[name].given, "lr": rate_of(name)})
    descent = descend(himmelblau(), chosen, (-0.6, -1.0))
    numbers = numbers_of(chosen, descent)
    tokens = [token for line in numbers.formula.lines for token in line.tokens if not isinstance(token, str)]
    assert tokens
    assert {key for _, key in tokens} <= numbers.keys.keys()
    last = next(line for line in numbers.formula.lines if line.key == "p.new")
    for k, j in product((0, 1, STEPS - 1), (0, 1)):
        text = "".join(
            token if isinstance(token, str) else f"({float(number_of(numbers, descent, token[1], k, j))!r})"
            for token in last.tokens
        )
        value = eval(text, {"sqrt": np.sqrt, "min": min, "max": max, "abs": abs})
        assert value == pytest.approx(descent.points[k + 1, j], rel=1e-9)


@pytest.mark.parametrize("name", ["Adam", *for_maintainers("SGD+momentum", "RMSProp", "Lion")])
def test_basins_are_where_descents_from_the_same_starts_end(name):
    n, chosen = 7, Chosen(ALL[name], {**ALL[name].given, "lr": rate_of(name)}, decay=0.001)
    found = basins(himmelblau(150), chosen, n)
    for i, j in product(range(n), range(n)):
        start = -5 + 10 * j / (n - 1), -5 + 10 * i / (n - 1)
        points, _, _ = walked(ALL[name].rule, start, 150, 0.001, **chosen.hyper)
        far = np.hypot(*(points[:, np.newaxis] - MINIMA).transpose(2, 0, 1)) > 0.2
        here = np.flatnonzero(~far[-1])
        assert found.ends[i, j] == (here[0] if len(here) else -1)
        if len(here):
            outside = np.flatnonzero(far[:, here[0]])
            assert found.since[i, j] == (outside[-1] + 1 if len(outside) else 0)
    assert found.share == (found.ends >= 0).mean()


@pytest.mark.maintainer
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_best_rate_is_that_of_the_least_mean_over_the_last_tenth(name):
    found = tune(himmelblau(200), Chosen(ALL[name], {}), (-0.6, -1.0))
    expected = []
    for lr in RATES:
        with np.errstate(all="ignore"):
            points = walked(ALL[name].rule, (-0.6, -1.0), 200, lr=lr)[0][::2][-10:]
            value = np.mean([value_at(*point) for point in points])
        expected.append(value if np.isfinite(value) else np.inf)
    assert found.values == pytest.approx(expected, rel=1e-6)
    assert found.best == RATES[int(np.argmin(expected))]


@pytest.mark.maintainer
def test_where_every_rate_leaves_the_numbers_tuning_says_so():
    with pytest.raises(ValueError, match="SGD: the descent leaves the numbers with every learning rate"):
        tune(himmelblau(200), Chosen(ALL["SGD"], {}), (1e6, 1e6))
