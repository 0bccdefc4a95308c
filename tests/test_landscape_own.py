"""A reader's function on page 1, in plain Python: where it begins, its lows, and derivatives that are not its own."""

import numpy as np
import pytest

pytest.importorskip("plotly")

from fastadapt.pages.landscapes.lows import lows_of
from fastadapt.pages.landscapes.ownsurface import own_surface

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
