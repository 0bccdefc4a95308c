"""`check_gradient` finds a wrong component, and only that."""

import numpy as np
import pytest
from numba import njit

import fastadapt as fa


def cubes(params):
    """A function of a dict of arrays, and its gradient."""
    W, b = params["W"], params["b"]
    return (W**3).sum() + np.sin(b).sum(), {"W": 3 * W**2, "b": np.cos(b)}


START = {"W": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), "b": np.array([0.0, 1.0, 2.0])}


def test_a_right_gradient_differs_by_rounding():
    found = fa.check_gradient(cubes, START)
    assert set(found) == {'["W"]', '["b"]'}
    assert found.largest < 1e-8
    assert START["W"].tolist() == np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3).tolist()


def test_a_wrong_component_is_named_with_its_place_and_both_numbers():
    def wrong(params):
        value, grads = cubes(params)
        grads["W"][1, 0] *= 1.5
        return value, grads

    found = fa.check_gradient(wrong, START)
    worst = found['["W"]']
    assert worst.place == (1, 0)
    assert worst.given == pytest.approx(1.5 * worst.expected, rel=1e-6)
    assert found.largest == worst.relative == pytest.approx(1 / 3, rel=1e-6)
    assert found['["b"]'].relative < 1e-8
    assert 'x0["W"][1, 0]' in repr(found)


def test_an_objective_of_minimize_many_is_checked_as_it_is():
    @njit
    def bowl(x, g, t, scale):
        for j in range(x.size):
            g[j] = scale * x[j] + t
        return 0.5 * scale * (x * x).sum() + t * x.sum()

    assert fa.check_gradient(bowl, np.array([1.0, -2.0, 0.0]), (3.0,)).largest < 1e-8


@pytest.mark.maintainer
def test_a_list_of_numbers_is_one_array_to_a_function_that_writes_its_gradient():
    @njit
    def square(x, g):
        g[:] = 2 * x
        return (x * x).sum()

    assert fa.check_gradient(square, [1.0, 2.0]).largest < 1e-8


def test_where_the_second_parameter_has_another_name_one_more_than_the_arguments_says_that_it_is_the_gradient():
    def scaled(x, slope, factor):
        slope[:] = 2 * factor * x
        return factor * (x * x).sum()

    assert fa.check_gradient(scaled, np.array([1.0, -2.0]), (3.0,)).largest < 1e-8
    assert fa.check_gradient(lambda x, factor: (factor * x.sum(), np.full(2, factor)), [1, 2], (3.0,)).largest < 1e-8


def test_values_of_float32_are_taken_with_their_rounding():
    def rounded(x):
        return np.float32((x * x).sum()), 2 * x

    assert fa.check_gradient(rounded, np.array([1.0, 2.0, -3.0])).largest < 1e-2
    assert fa.check_gradient(lambda x: (rounded(x)[0], 3 * x), np.array([1.0, 2.0, -3.0])).largest > 0.3


def test_of_a_large_array_some_components_are_drawn_by_the_seed():
    calls = []

    def counted(x):
        calls.append(None)
        return (x * x).sum(), 2 * x

    fa.check_gradient(counted, np.ones(5000), most=10)
    assert len(calls) == 1 + 2 * 10


def test_a_gradient_that_is_not_finite_is_infinitely_wrong():
    assert fa.check_gradient(lambda x: (x.sum(), x * np.nan), np.ones(2)).largest == np.inf


def test_an_array_without_components_has_no_difference():
    assert fa.check_gradient(lambda x: (x.sum(), x), np.ones(0)).largest == 0.0


@pytest.mark.parametrize(
    ("fun", "error", "message"),
    [
        (lambda x: x.sum(), TypeError, "expected fun to return a value and its gradient"),
        (lambda x: (x, x), TypeError, "expected fun to return one number as its value"),
        (lambda x: (x.sum(), x[:1]), ValueError, r"x0: expected a gradient of shape \(3,\), not \(1,\)"),
    ],
)
def test_what_does_not_fit_is_named(fun, error, message):
    with pytest.raises(error, match=message):
        fa.check_gradient(fun, np.ones(3))


def test_a_gradient_with_a_mask_is_refused_by_name():
    with pytest.raises(TypeError, match=r"gradient\[.b.\]: expected a gradient without a mask"):
        fa.check_gradient(lambda x: (0.0, {"a": x["a"], "b": np.ma.ones(2)}), {"a": np.ones(2), "b": np.ones(2)})


@pytest.mark.parametrize(
    ("x0", "message"),
    [
        (np.array([None]), "x0.*expected numbers, not"),
        ({"a": None}, r"x0\[.a.\]: expected numbers, not NoneType"),
        (np.ma.ones(3), "x0: expected an array without a mask"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused_by_name(x0, message):
    with pytest.raises(TypeError, match=message):
        fa.check_gradient(lambda x: (0.0, x), x0)


def test_common_mistakes_are_told_in_words():
    with pytest.raises(TypeError, match="check_gradient: expected fun to return one number as its value, not None"):
        fa.check_gradient(lambda x, g: None, np.ones(3))
    with pytest.raises(TypeError, match="check_gradient: expected fun to write its gradient into its second parameter"):
        fa.check_gradient(lambda x, g: (x**2).sum(), np.ones(3))
    with pytest.raises(TypeError, match=r"check_gradient: expected args to be a tuple, such as \(A,\), not ndarray"):
        fa.check_gradient(lambda x, a: ((a * x**2).sum(), 2 * a * x), np.ones(3), np.ones(3))


def test_a_number_alone_has_no_place():
    found = fa.check_gradient(lambda p: (p["b"] ** 2, {"b": 3 * p["b"]}), {"b": np.array(2.0)})
    assert repr(found).startswith('x0["b"]: the gradient is 6, differences give 4')
