"""A reader's function on page 1, in plain Python: where it begins, its lows, and derivatives that are not its own."""

import numpy as np
import pytest

pytest.importorskip("plotly")
pytest.importorskip("matplotlib")
pytest.importorskip("rich")

from conftest import SLOW

from fastadapt.pages.checks import RequestError
from fastadapt.pages.contenders import contenders
from fastadapt.pages.jobs import Quiet
from fastadapt.pages.landscapes import saving
from fastadapt.pages.landscapes.answers import judge_answer
from fastadapt.pages.landscapes.backend import Landscape
from fastadapt.pages.landscapes.chosen import Chosen
from fastadapt.pages.landscapes.firstrates import best_rate
from fastadapt.pages.landscapes.firstscene import find_first_rates, first_request
from fastadapt.pages.landscapes.lows import lows_of
from fastadapt.pages.landscapes.many import RATES, Basins
from fastadapt.pages.landscapes.ownsurface import own_surface
from fastadapt.pages.landscapes.problem import Problem, Settings

SIDE = (-5.0, 5.0)


def quiet(function):
    """The function without warnings of NumPy's."""

    def value(x, y):
        with np.errstate(all="ignore"):
            return float(function(np.float64(x), np.float64(y)))

    return value


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: np.nan,
        lambda x, y: np.inf,
        lambda x, y: 3.0,
        lambda x, y: x * x,
        lambda x, y: -x - y,
        lambda x, y: np.log(x) + y * y,
        lambda x, y: np.sqrt(x) + y * y,
    ],
)
def test_what_has_no_minimum_inside_has_none_found(function):
    assert lows_of(quiet(function), SIDE, SIDE, 41).shape == (0, 2)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, y: x * np.log(x) + y * y, [[np.exp(-1), 0.0]]),
        (lambda x, y: max(0.0, (x - 1.0) ** 2 + y * y - 2.0), [[1.0, 0.0]]),
        (lambda x, y: (x - 0.3) ** 2 + 100 * (y - x) ** 2, [[0.3, 0.3]]),
        (lambda x, y: (x * x - 1) ** 2 + 0.1 * x + y * y, [[-1.0122, 0.0], [0.9871, 0.0]]),
    ],
)
def test_each_minimum_is_found_once_the_lowest_first(function, expected):
    np.testing.assert_allclose(lows_of(quiet(function), SIDE, SIDE, 41), expected, atol=1e-3)


def test_where_there_is_no_finite_value_the_function_is_named():
    def nowhere(x, y):
        return np.nan

    for given, where in [({}, "somewhere in its ranges"), ({"start": (1, 2)}, r"at start \(1.0, 2.0\)")]:
        with pytest.raises(ValueError, match=f"nowhere: expected a finite value {where}, not nan"):
            own_surface(nowhere, SIDE, SIDE, **given)


def test_a_function_that_is_nan_on_a_half_begins_on_the_other():
    start = own_surface(lambda x, y: np.log(x) + y * y, SIDE, SIDE).surface.start
    assert start == (1.0, 3.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x * x + y * y, -2 * x, 2 * y),
        lambda p: (p @ p, np.array([2.0 * p[0], p[1]])),
        lambda x, y: (x * x + y * y, np.nan, 2 * y),
    ],
)
def test_derivatives_that_are_not_those_of_the_value_are_refused_with_both_numbers(function):
    message = (
        r"<lambda>: expected the derivatives of its value, but at \(-3.5, 3\) that by [xy] is \S+, and differences"
    )
    with pytest.raises(ValueError, match=message + r" of the value give -?[67]"):
        own_surface(function, SIDE, SIDE)


def test_right_derivatives_are_taken_and_so_is_any_at_a_kink():
    for start in (None, (0.0, 0.0)):
        own_surface(lambda x, y: (max(x, 0.0) + y * y, float(x > 0), 2 * y), SIDE, SIDE, start=start)


@pytest.mark.parametrize("x", [(-1e308, 1e308), (1.0, 1.0 + 1e-12)])
def test_a_range_too_far_or_too_narrow_is_refused_by_its_name(x):
    with pytest.raises(ValueError, match=r"landscape: expected x to be within 1e\+06 of zero, and wider"):
        own_surface(lambda x, y: x * x + y * y, x, SIDE)


def test_a_function_that_returns_nothing_is_told_what_is_expected():
    with pytest.raises(TypeError, match="expected a value, or a value and two derivatives, not None"):
        own_surface(lambda x, y: None, SIDE, SIDE)


def steep(x, y):
    return 0.5 * (x - 0.3) ** 2 + 50 * (y - x) ** 2


def problem_of(value, gradient, steps):
    """A problem in plain Python."""

    def direct(p, g, *more):
        g[:] = gradient(*p)
        return value(*p)

    return Problem(own_surface(value, SIDE, SIDE).surface, Settings(steps=steps), None, direct, np.empty((0, 2)))


def ends_of(value, gradient, start, rates, steps):
    """For each rate the mean value over the last tenth of the steps of gradient descent; infinite out of view."""
    for rate in rates:
        points = [np.array(start)]
        for _ in range(steps):
            points.append(points[-1] - rate * np.array(gradient(*points[-1])))
        seen = np.abs(points).max() <= 10
        yield np.mean([value(*p) for p in points[-(steps + 1) // 10 :]]) if seen else np.inf


@pytest.mark.skipif(SLOW, reason="descends with compiled kernels")
def test_a_rule_begins_with_the_best_of_the_rates_that_keep_it_in_view():
    def gradient(x, y):
        return x - 0.3 - 100 * (y - x), 100 * (y - x)

    problem, start = problem_of(steep, gradient, 49), (-3.5, 3.0)
    with np.errstate(all="ignore"):
        ends = list(ends_of(steep, gradient, start, RATES, 49))
    best = best_rate(problem, Chosen(contenders()["SGD"], {}), start)
    assert best == pytest.approx(RATES[np.argmin(ends)], rel=0.005)
    assert 0.001 < best < 2 / 200
    away = problem_of(lambda x, y: -np.cosh(x), lambda x, y: (-np.sinh(x), 0.0), 400)
    assert best_rate(away, Chosen(contenders()["RMSProp"], {}), (4.9, 0.0)) < 0.1
    assert best_rate(away, Chosen(contenders()["SGD"], {}), (4.9, 3e8)) is None


@pytest.mark.skipif(SLOW, reason="descends with compiled kernels")
def test_the_rates_that_are_found_are_those_of_the_page_and_of_what_is_saved():
    page = Landscape(own_surface(lambda x, y: steep(*reversed([y, x])), SIDE, SIDE), shown=["SGD"])
    assert page.describe()["own"]["tuned"] is False
    told = []
    find_first_rates(page, lambda share, doing: told.append(doing))
    rate = page.rates_found["SGD"]
    assert 0.001 < rate < 2 / 100
    assert told[-1] == "finding a learning rate for SGD"
    assert page.describe()["own"]["tuned"] is True
    assert page.describe()["surfaces"]["own"]["rates"]["SGD"] == rate
    assert first_request(page)["rules"] == {"SGD": {"lr": rate}}
    scene = page.scene({"do": "rates", "surface": "own", "rules": {"SGD": {}}})
    assert page.find_rates(Quiet(), scene) == {"rules": {"SGD": rate}}
    with pytest.raises(RequestError, match="surface: expected own, not bowl"):
        page.rates({"do": "rates", "client": "me", "surface": "bowl", "rules": {"SGD": {}}})


def test_where_no_minimum_is_known_no_share_is_told(monkeypatch):
    found = Basins(np.full((2, 2), -1), np.zeros((2, 2)))
    monkeypatch.setattr("fastadapt.pages.landscapes.answers.basins", lambda *given: found)
    problem = problem_of(lambda x, y: -x, lambda x, y: (-1.0, 0.0), 1)
    assert judge_answer(problem, None, None, None) == {"share": None, "median": None}


def test_the_progress_of_a_file_never_goes_back(tmp_path, monkeypatch):
    def rates(page, tell):
        tell(1.0, "rates")

    def picture(page, file, tell):
        tell(0.0, "basins")
        tell(1.0, "done")

    told = []
    monkeypatch.setattr(saving, "find_first_rates", rates)
    monkeypatch.setattr(saving, "draw_picture", picture)
    saving.save_page(Landscape(), tmp_path / "a.png", lambda share, doing: told.append(share))
    assert told == sorted(told)
    assert (len(told), told[-1]) == (3, 1.0)
