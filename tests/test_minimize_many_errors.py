"""What `minimize_many` refuses, and what it says."""

import numpy as np
import pytest
from conftest import INTERPRETED, SIMULATED
from numba import njit

import fastadapt as fa

STARTS = np.ones((3, 2))


def bowl(x, g, *more):
    """The sum of the squares."""
    for j in range(x.size):
        g[j] = 2 * x[j]
    return (x * x).sum()


def minimize(fun=bowl, x0s=STARTS, rule=fa.SGD, steps=2, **more):
    return fa.minimize_many(fun, x0s, rule, steps=steps, **more)


def returns_nothing(x, g):
    g[:] = x


def rebinds(x, g):
    g = 2 * x  # noqa: F841 - the mistake of the test
    return x[0]


def writes_x(x, g):
    x[0] = 0.0
    g[:] = x
    return x[0]


def raises(x, g):
    if x[0] > 1:
        raise ValueError("no value there")
    g[:] = x
    return x[0]


@njit
def helper(x):
    assert x[0] > 0
    return x[0]


def calls_what_raises(x, g):
    g[:] = x
    return helper(x)


def no_such_name(x, g):
    g[:] = x
    return unknown(x)  # noqa: F821 - the mistake of the test


def of_times(x, g, t):
    g[:] = x
    return x[0] * t[0]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"rule": "Adam"}, TypeError, "expected an optimizer's class, such as fa.Adam, not 'Adam'"),
        ({"rule": fa.Optimizer}, TypeError, "expected an optimizer's class"),
        ({"fun": "bowl"}, TypeError, "expected fun to be a function"),
        ({"x0s": np.ones((3, 2), int)}, TypeError, "expected x0s to be an array of float32 or float64, not int64"),
        ({"x0s": np.ones(3)}, ValueError, r"x0s of shape \(n, d\), a row for each problem, not \(3,\)"),
        ({"x0s": None}, TypeError, "expected x0s to be an array"),
        ({"steps": -1}, ValueError, "expected steps to be a whole number from 0 to 100,000,000, not -1"),
        ({"steps": 1.5}, ValueError, "expected steps to be a whole number"),
        ({"steps": np.inf}, ValueError, "expected steps to be a whole number from 0 to 100,000,000, not inf"),
        ({"x0s": np.ma.ones((3, 2))}, TypeError, "x0s: expected an array without a mask"),
        ({"args": (np.ma.ones(3),)}, TypeError, r"args\[0\]: expected an array without a mask"),
        ({"shared": (np.ma.ones(3),)}, TypeError, r"shared\[0\]: expected an array without a mask"),
        ({"lr": np.ma.ones(2)}, TypeError, "lr: expected an array without a mask"),
        ({"bounds": (np.inf, np.inf)}, ValueError, r"bounds\[0\]: expected a finite number between them"),
        ({"steps": "2"}, TypeError, "expected steps to be a number"),
        ({"record": 0}, ValueError, "expected record to be a whole number from 1 on, not 0"),
        ({"gtol": -1.0}, ValueError, "expected gtol to be at least 0"),
        ({"gtol": np.nan}, ValueError, "expected gtol to be at least 0"),
        ({"args": (np.ones(3), np.ones(4))}, ValueError, r"args\[1\]: expected 3 rows, as x0s, not shape \(4,\)"),
        ({"args": (1.0,)}, ValueError, r"args\[0\]: expected 3 rows"),
        ({"args": np.ones(3)}, TypeError, "expected args to be a tuple of arrays, not ndarray"),
        ({"shared": (np.array(["a"]),)}, TypeError, r"shared\[0\]: expected an array of numbers"),
        ({"shared": 2.0}, TypeError, "expected shared to be a tuple of arrays, not float"),
        ({"bounds": [(0, 1)]}, ValueError, "expected 2 pairs, one for each number of a problem, not 1"),
        ({"bounds": (1.0, 0.0)}, ValueError, "expected a lower bound no larger than its upper"),
        ({"bounds": [(0, 1), (np.nan, 1)]}, ValueError, r"bounds\[1\]: expected a lower bound"),
        ({"bounds": 3}, TypeError, r"bounds: expected pairs \(lower, upper\)"),
        ({"lr": np.ones(5)}, ValueError, r"broadcasts to \(n, steps\) = \(3, 2\), not one of shape \(5,\)"),
        ({"lr": np.ones((3, 2, 1))}, ValueError, "not one of shape"),
        ({"lr": np.full((3, 1), -1.0)}, ValueError, "expected lr to be at least 0"),
        ({"lr": np.array(["a", "b"])}, TypeError, "expected lr to be an array of numbers"),
        ({"momentum": [[0.0], [0.5], [0.5]]}, ValueError, "momentum, which chooses the rule, to be 0 everywhere"),
        ({"max_norm": np.ones(2)}, TypeError, "expected a number for max_norm: only lr, momentum, .*can be arrays"),
        ({"learning_rate": 0.1}, TypeError, "no hyperparameter 'learning_rate'"),
        ({"learning_rate": np.ones(2)}, TypeError, "no hyperparameter 'learning_rate'"),
        ({"state_bits": 8}, ValueError, "expected state_bits to be 32"),
        ({"maximize": True}, ValueError, "minimize the negative"),
        ({"nonfinite": "skip"}, ValueError, "expected nonfinite to be 'propagate'"),
        ({"groups": {}}, TypeError, "expected no groups: each problem is one array"),
        ({"fun": of_times, "shared": (np.ones(2),)}, TypeError, r"not \(x, g, t\); a third one named t is the step"),
        ({"fun": returns_nothing, "args": (np.ones(3),)}, TypeError, r"and shared, which are 1, not \(x, g\)$"),
        ({"fun": raises}, TypeError, "it raises one"),
        ({"fun": calls_what_raises}, TypeError, "helper, which it calls, raises one"),
    ],
)
def test_what_does_not_fit_is_named(given, error, message):
    with pytest.raises(error, match=message):
        minimize(**given)


@pytest.mark.skipif(SIMULATED, reason="the CPU's")
@pytest.mark.parametrize(
    ("fun", "error", "message"),
    [
        (returns_nothing, TypeError, "expected it to return its value, a number, not None"),
        (rebinds, TypeError, "expected it to write its gradient into its second parameter"),
        (writes_x, TypeError, "expected it to leave x as it is"),
        (no_such_name, NameError, "unknown"),
    ],
)
def test_a_mistake_in_the_objective_shows_before_it_is_compiled(fun, error, message):
    with pytest.raises(error, match=message):
        minimize(fun=fun)


@pytest.mark.skipif(SIMULATED or INTERPRETED, reason="Python can do it")
def test_an_objective_that_numba_cannot_compile_says_so():
    def formats(x, g):
        g[:] = x
        return float(len(f"{x[0]:.3f}"))

    with pytest.raises(TypeError, match="fun: Numba cannot compile it"):
        minimize(fun=formats)


def test_a_result_names_what_it_has():
    found = fa.minimizing.result.Result(x=1, fun=2)
    with pytest.raises(AttributeError, match="no 'path'; it has x, fun"):
        _ = found.path
    assert found.x == 1
    assert "fun" in dir(found)


@pytest.mark.parametrize("dampening", [[[0.5, 0.0]], [[0.0, 0.5]], [[0.0], [0.0], [0.5]]])
def test_a_hyperparameter_that_requires_another_is_refused_wherever_it_is_not_0(dampening):
    with pytest.raises(ValueError, match="SGD: expected momentum with dampening, which has no meaning without it"):
        minimize(dampening=np.array(dampening))


@pytest.mark.maintainer
def test_a_hyperparameter_that_requires_another_is_taken_with_it():
    minimize(dampening=np.array([[0.5, 0.0]]), momentum=0.5)
