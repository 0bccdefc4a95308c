"""`minimize`: the steps of a rule until a test says that it is enough."""

import subprocess
import sys
import warnings
from math import inf, nan

import numpy as np
import pytest
from layouts import bits

import fastadapt as fa
from fastadapt.minimizing import descent

TREE = {"W": np.array([[1.0, -2.0], [0.5, 3.0]], np.float32), "b": [np.array([2.0, -1.0]), np.float64(0.25)]}


def bowl(x):
    """Of one array, half the square around 3, and its gradient."""
    return 0.5 * ((x - 3) ** 2).sum(), x - 3


def of_tree(params):
    """The same of the tree, each array around its number."""
    W, (b, c) = params["W"], params["b"]
    return 0.5 * ((W - 1) ** 2).sum() + 0.5 * ((b - 2) ** 2).sum() + 0.5 * (c - 3) ** 2, {
        "W": W - 1,
        "b": [b - 2, c - 3],
    }


@pytest.mark.parametrize("rule", [fa.Adam, fa.LAMB])
def test_the_steps_are_those_of_the_optimizer_to_the_bit(rule):
    found = fa.minimize(of_tree, TREE, rule, lr=0.1, maxiter=7, weight_decay=0.01, groups={"b.*": {"lr": 0.2}})
    expected = {"W": TREE["W"].copy(), "b": [TREE["b"][0].copy(), np.array(TREE["b"][1])]}
    opt = rule(expected, lr=0.1, weight_decay=0.01, groups={"b.*": {"lr": 0.2}})
    for _ in range(7):
        opt.step(of_tree(expected)[1])
    assert bits(found.x["W"]) == bits(expected["W"])
    assert [bits(x) for x in found.x["b"]] == [bits(x) for x in expected["b"]]
    assert (found.nit, found.nfev, found.njev, found.status, found.success) == (7, 8, 8, 1, False)
    assert found.fun == of_tree(expected)[0]
    assert bits(found.jac["W"]) == bits(of_tree(expected)[1]["W"])
    assert found.message == "Maximum number of iterations has been exceeded."


def test_it_ends_where_the_gradient_is_small():
    found = fa.minimize(bowl, [0.0, 10.0], fa.SGD, lr=0.5, gtol=1e-3)
    assert found.success
    assert found.status == 0
    assert found.message == "Optimization terminated successfully: the projected gradient is within gtol."
    assert abs(found.x - 3).max() <= 1e-3 < 2 * abs(found.x - 3).max()
    assert found.nit == 13  # 7 * 2**-13 is the first below
    assert found.fun == bowl(found.x)[0]
    assert bits(found.jac) == bits(bowl(found.x)[1])


def test_it_ends_where_it_is_already():
    found = fa.minimize(bowl, np.full(3, 3.0), fa.Adam)
    assert (found.nit, found.nfev, found.status) == (0, 1, 0)


def test_it_ends_where_a_step_is_small():
    found = fa.minimize(bowl, [0.0, 10.0], fa.SGD, lr=0.5, gtol=0, xtol=1e-3)
    assert found.message == "Optimization terminated successfully: the last step was within xtol."
    assert (found.nit, found.success) == (12, True)  # 7 * 2**-12 is the first step of at most 1e-3 * 3


def test_it_ends_where_the_value_has_not_fallen_for_long():
    values = iter([5.0, 4.0, 3.9, 3.8, 3.7, 3.0, 2.95, 2.9, 2.85, 2.8])
    found = fa.minimize(
        lambda x: (next(values), np.ones(1)), [0.0], fa.SGD, lr=0.1, ftol=0.1, patience=3, gtol=0, best=False
    )
    # Lower than 4 by 0.4 is none of the next four but 3.0 is; it takes 2.7 from there on.
    assert found.message == (
        "Optimization terminated successfully: the value has not fallen by ftol for `patience` evaluations."
    )
    assert (found.nit, found.fun) == (4, 3.7)


@pytest.mark.parametrize("wrong", [(nan, 1.0), (inf, 1.0), (1.0, nan), (1.0, -inf)])
@pytest.mark.parametrize("best", [True, False])
def test_it_ends_with_the_last_good_point_where_something_is_not_finite(wrong, best):
    found = fa.minimize(
        lambda x: (x[0] ** 2, 2 * x) if x[0] > 0.5 else (wrong[0], x * 0 + wrong[1]), [1.0], fa.SGD, lr=0.2, best=best
    )
    assert (found.status, found.success, found.nit) == (2, False, 2)
    assert found.message == "The value of the function or its gradient is not finite."
    assert found.x == 0.6
    assert found.fun == 0.6**2
    assert found.jac == 1.2


def test_where_the_start_is_not_finite_it_is_returned():
    found = fa.minimize(lambda x: (nan, x), [2.0], fa.SGD)
    assert (found.status, found.nit, found.x.tolist()) == (2, 0, [2.0])
    assert np.isnan(found.fun)


def test_the_lowest_point_that_was_seen_is_returned_or_the_last():
    values = [3.0, 1.0, 2.0]
    for best, where in ((True, 1), (False, 2)):
        given = iter(values)
        found = fa.minimize(
            lambda x, given=given: (next(given), np.ones(1)), [0.0], fa.SGD, lr=1.0, maxiter=2, best=best
        )
        assert (found.fun, found.x.tolist()) == (values[where], [-where])


def test_a_function_may_do_what_it_wants_with_what_it_is_given():
    buffer, start = np.zeros(2), np.array([0.0, 10.0])

    def own(x):
        buffer[:] = x - 3
        x[:] = nan
        return np.array([float(0.5 * (buffer**2).sum())]), buffer

    def itself(x):
        x -= 3
        return 0.5 * (x**2).sum(), x

    expected = fa.minimize(bowl, start, fa.Adam, lr=0.1, maxiter=50)
    for fun in (own, itself):
        found = fa.minimize(fun, start, fa.Adam, lr=0.1, maxiter=50)
        assert bits(found.x) == bits(expected.x)
        assert bits(found.jac) == bits(expected.jac)
    assert start.tolist() == [0.0, 10.0]


def test_starts_and_gradients_may_be_of_other_types():
    found = fa.minimize(lambda x: (0, np.zeros(2, int)), np.array([1, 2]), fa.SGD)
    assert (found.x.dtype, found.x.tolist(), found.jac.dtype) == (np.float64, [1.0, 2.0], np.float64)
    found = fa.minimize(bowl, np.float32(5), fa.SGD, lr=1.0)
    assert (found.x.dtype, found.x.shape, found.x) == (np.float32, (), 3)
    assert fa.minimize(bowl, np.zeros((2, 3), ">f4", "F"), fa.SGD, lr=1.0).x.tolist() == [[3.0] * 3] * 2


def test_a_missing_gradient_leaves_an_array_alone():
    found = fa.minimize(lambda x: (bowl(x[0])[0], [x[0] - 3, None]), [np.zeros(2), np.ones(3)], fa.SGD, lr=1.0)
    assert found.x[0].tolist() == [3.0, 3.0]
    assert found.x[1].tolist() == [1.0] * 3
    assert found.jac[1] is None
    assert found.success


def test_a_gradient_of_its_own_and_values_only_where_they_are_needed():
    calls = []

    def fun(x, a):
        calls.append("fun")
        return bowl(x - a)[0]

    def jac(x, a):
        calls.append("jac")
        return x - a - 3

    found = fa.minimize(fun, [0.0], fa.SGD, jac=jac, args=(1.0,), lr=0.5, maxiter=3, best=False)
    assert (found.nfev, found.njev, found.nit, calls) == (1, 4, 3, ["jac"] * 4 + ["fun"])
    assert found.fun == bowl(found.x - 1.0)[0]
    for more in ({}, {"ftol": 1e-9, "best": False}, {"callback": lambda intermediate_result: None, "best": False}):
        found = fa.minimize(fun, [0.0], fa.SGD, jac=jac, args=(1.0,), lr=0.5, maxiter=3, **more)
        assert (found.nfev, found.njev) == (4, 4)


def test_a_callback_is_called_after_each_step():
    seen = []
    found = fa.minimize(bowl, [0.0], fa.SGD, lr=0.5, maxiter=3, callback=lambda x: seen.append(x))
    assert [x.tolist() for x in seen] == [[1.5], [2.25], [2.625]]  # copies, or all would be the last
    results = []

    def keep(intermediate_result):
        results.append(intermediate_result)

    assert fa.minimize(bowl, [0.0], fa.SGD, lr=0.5, maxiter=3, callback=keep).x == found.x
    assert [(each.x.tolist(), each.fun) for each in results] == [([x], 0.5 * (x - 3) ** 2) for x in (1.5, 2.25, 2.625)]


def test_a_callback_stops_it_and_other_errors_pass():
    def stops(x):
        if x[0] > 2:
            raise StopIteration

    found = fa.minimize(bowl, [0.0], fa.SGD, lr=0.5, callback=stops)
    assert (found.status, found.success, found.nit, found.x) == (99, False, 2, 2.25)
    assert found.message == "`callback` raised `StopIteration`."
    with pytest.raises(ZeroDivisionError):
        fa.minimize(bowl, [0.0], fa.SGD, callback=lambda x: 1 / 0)


class Bounds:
    """As SciPy's."""

    def __init__(self, lb, ub):
        self.lb, self.ub = lb, ub


@pytest.mark.parametrize("bounds", [(0, 2), [(0, 2), (0, 2)], Bounds(0, 2), Bounds([0, 0], [2, 2]), [(None, 2)] * 2])
def test_it_stays_within_bounds_and_ends_at_them(bounds):
    seen = []
    found = fa.minimize(bowl, [0.5, 1.0], fa.Adam, lr=0.1, bounds=bounds, callback=lambda x: seen.append(x.max()))
    assert (found.x.tolist(), found.status, max(seen)) == ([2.0, 2.0], 0, 2.0)
    assert found.jac.tolist() == [-1.0, -1.0]


def test_bounds_of_a_tree_are_trees_or_numbers():
    upper = {"W": np.full((2, 2), 0.5), "b": [np.array([1.0, 5.0]), None]}
    with pytest.warns(UserWarning, match="^Initial guess is not within the specified bounds$"):
        found = fa.minimize(of_tree, TREE, fa.SGD, lr=0.5, bounds=(-1.5, upper))
    assert found.x["W"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert found.x["b"][0].tolist() == pytest.approx([1.0, 2.0], abs=1e-4)
    assert found.x["b"][1] == pytest.approx(3.0, abs=1e-4)


def test_a_number_whose_bounds_meet_is_fixed():
    found = fa.minimize(bowl, [0.0, 1.0], fa.Adam, lr=0.1, bounds=[(None, None), (1, 1)])
    assert found.x == pytest.approx([3.0, 1.0], abs=1e-4)
    assert found.x[1] == 1


def test_bounds_that_float32_does_not_hold_are_rounded_inward():
    found = fa.minimize(bowl, np.zeros(1, np.float32), fa.SGD, lr=1.0, bounds=(0, 0.1))
    assert float(found.x[0]) <= 0.1 < float(np.nextafter(found.x[0], np.float32(1)))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"jac": None}, TypeError, "minimize: expected jac to be True, where fun returns the gradient too"),
        ({"jac": False}, TypeError, "expected jac"),
        ({"rule": fa.Optimizer}, TypeError, "minimize: expected rule to be an optimizer's class, such as fa.Adam"),
        ({"rule": "Adam"}, TypeError, "such as fa.Adam, not 'Adam'"),
        ({"maxiter": 1.5}, TypeError, "minimize: expected maxiter to be a whole number, not 1.5"),
        ({"maxiter": -1}, ValueError, "minimize: expected maxiter to be at least 0, not -1"),
        ({"patience": 0}, ValueError, "minimize: expected patience to be at least 1, not 0"),
        ({"gtol": nan}, ValueError, "minimize: expected gtol to be at least 0 and finite, not nan"),
        ({"ftol": -1.0}, ValueError, "minimize: expected ftol to be at least 0"),
        ({"xtol": "small"}, TypeError, "minimize: expected xtol to be a number, not 'small'"),
        ({"best": 1}, TypeError, "minimize: expected best to be True or False, not 1"),
        ({"maximize": True}, ValueError, "minimize: expected maximize to be False, not True: minimize the negative"),
        ({"nonfinite": "skip"}, ValueError, "minimize: expected nonfinite to be 'propagate', not 'skip'"),
        ({"average": "ema"}, ValueError, "minimize: expected average to be None"),
        ({"lower": 0.0}, ValueError, "minimize: expected lower to be -inf, not 0.0: give the bounds as `bounds`"),
        ({"bounds": (0, 5), "per_weight": {"upper": np.ones(2)}}, ValueError, "expected no 'upper' in per_weight"),
        (
            {"bounds": (1, 0)},
            ValueError,
            r"bounds\[0\]: expected a lower bound no larger than its upper, not 1.0 and 0.0",
        ),
        ({"bounds": [(0, 1)] * 3}, ValueError, "bounds: expected 2 pairs"),
        ({"bounds": (nan, 1)}, ValueError, r"bounds\[0\]"),
        ({"bounds": 3}, TypeError, "bounds: expected pairs"),
        ({"bounds": Bounds([0, 0, 0], 1)}, ValueError, "bounds: expected lb and ub to be numbers, or 2 each"),
        ({"lrate": 0.1}, TypeError, "Adam: no hyperparameter 'lrate'"),
        ({"x0": ["a"]}, TypeError, r"x0\[0\]: expected numbers, not str"),
        ({"x0": np.ma.ones(2)}, TypeError, "x0"),
        ({"fun": lambda x: 1.0}, TypeError, "fun: expected a value and its gradient, not float; jac=True says so"),
        ({"fun": lambda x: (x, x)}, TypeError, "fun: expected one number as its value, not array"),
        ({"fun": lambda x: (1.0, x[:1])}, ValueError, r"gradient: expected shape \(2,\), not \(1,\)"),
        (
            {"fun": lambda x: (1.0, x + 1j)},
            TypeError,
            "gradient: expected real numbers, for .* float64, not complex128",
        ),
        ({"fun": lambda x: (1.0, np.ma.array(x))}, TypeError, "gradient"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given, error, message):
    given = {"fun": bowl, "x0": [1.0, 2.0], "rule": fa.Adam} | given
    with pytest.raises(error, match=message):
        fa.minimize(**given)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((1, 0), r'bounds: x0\["W"\]: expected lower bounds no larger than the upper ones'),
        ((0, {"W": np.ones(3), "b": None}), r'bounds: x0\["W"\]: expected numbers, or arrays of shape \(2, 2\)'),
        (3, "bounds: expected a pair"),
        ((0, {"W": None}), "bounds: expected the keys of params"),
    ],
)
def test_bounds_of_a_tree_that_cannot_be_are_refused_by_name(bounds, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fa.minimize(of_tree, TREE, fa.Adam, bounds=bounds)


def test_a_wrong_gradient_is_found_before_the_first_step():
    with pytest.raises(ValueError, match=r'but at x0\["W"\]\[0, 1\]: the gradient is -3, differences give 0'):
        fa.minimize(lambda p: (of_tree(p)[0] * 0 + 1, of_tree(p)[1]), TREE, fa.Adam, check=True)
    assert fa.minimize(bowl, [0.0], fa.SGD, lr=1.0, check=True).success
    found = fa.minimize(
        lambda x, a: bowl(x)[0] + a, [0.0], fa.SGD, jac=lambda x, a: x - 3, args=(1,), lr=1.0, check=True
    )
    assert found.success
    with pytest.raises(ValueError, match="expected the gradient of the function"):
        fa.minimize(lambda x: bowl(x)[0], [0.0], fa.SGD, jac=lambda x: 2 * x, check=True)


def test_small_state_and_rules_of_ones_own_work_as_well():
    start = np.linspace(-1, 1, 5000, dtype=np.float32)
    found = fa.minimize(bowl, start, fa.Adam, lr=0.1, state_bits=8, maxiter=300, gtol=0.05)
    assert found.success


def test_it_needs_no_scipy():
    program = """
import sys
sys.modules["scipy"] = None
import warnings
import numpy as np, fastadapt as fa
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = fa.minimize(lambda x: (0.5 * ((x - 3) ** 2).sum(), x - 3), [9.0], fa.SGD, lr=1.0, bounds=(0, 5))
assert found.x == 3 and [each.category for each in caught] == [UserWarning], caught
assert repr(fa.method(fa.Adam, lr=0.1)) == "fastadapt.method(Adam, lr=0.1)"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_slope_is_what_a_step_along_the_gradient_would_move_within_the_bounds():
    x, g = [np.array([0.0, 1.0, 0.5])], [np.array([5.0, -7.0, 0.25])]
    assert descent.slope(x, g, None) == 7
    assert descent.slope(x, g, ([np.zeros(3)], [np.ones(3)])) == 0.25
    assert descent.slope([np.zeros(0)], [np.zeros(0)], None) == 0


def test_nothing_warns_of_a_start_within_the_bounds():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fa.minimize(bowl, [0.0, 5.0], fa.SGD, lr=1.0, bounds=(0, 5))


def test_starts_and_bounds_of_any_order_of_memory():
    row = np.array([0.0, 0.4, 0.5])
    for x0 in (np.asfortranarray(np.ones((2, 3))), np.ones((3, 2)).T, np.moveaxis(np.ones((3, 1, 2)), 0, 2)[0]):
        for lower in (row, np.asfortranarray(np.broadcast_to(row, (2, 3))), 0.0):
            found = fa.minimize(bowl, x0, fa.SGD, lr=1.0, bounds=(lower, 2))
            assert found.x.tolist() == [[2.0] * 3] * 2


def test_a_callback_may_call_a_function_that_has_one_buffer():
    buffer = np.empty(2)

    def fun(x):
        buffer[:] = x - 3
        return 0.5 * (buffer**2).sum(), buffer

    found = fa.minimize(fun, [0.0, 1.0], fa.Adam, lr=0.1, callback=lambda x: fun(x * 0) and None, maxiter=50)
    assert bits(found.x) == bits(fa.minimize(bowl, [0.0, 1.0], fa.Adam, lr=0.1, maxiter=50).x)


def test_a_value_that_is_not_finite_is_no_success_even_where_it_is_asked_for_at_the_end():
    found = fa.minimize(lambda x: nan, [1.0], fa.SGD, jac=lambda x: x, lr=1.0, best=False)
    assert (found.status, found.success, found.nfev) == (2, False, 1)


def test_check_stays_within_bounds_and_knows_gradients_of_other_forms():
    def bounded(x):
        return x @ x if x.min() >= 0.1 else nan, 2 * x

    fa.minimize(bounded, [0.1, 0.5], fa.Adam, bounds=(0.1, None), check=True, maxiter=1)
    fa.minimize(lambda x, g=9.81: (g * (x @ x), 2 * g * x), [1.0], fa.Adam, check=True, maxiter=1)
    fa.minimize(lambda x: (bowl(x[0])[0], [x[0] - 3, None]), [np.zeros(2), np.ones(3)], fa.SGD, check=True, maxiter=1)
    fa.minimize(lambda x: (float(x**2), np.array([2 * float(x)])), 1.0, fa.SGD, check=True, maxiter=1)
    fa.minimize(lambda x: (x[0] ** 2, 2 * x), [1.0], fa.SGD, bounds=[(1, 1)], check=True, maxiter=1)


def test_args_that_are_no_tuple_are_one_argument():
    a = np.array([[3.0, 4.0]])
    assert fa.minimize(lambda x, a: (bowl(x)[0], x - a[0]), [1.0, 2.0], fa.SGD, lr=1.0, args=a).x.tolist() == [3.0, 4.0]


def test_bounds_that_meet_fix_a_float32_to_the_nearest():
    found = fa.minimize(bowl, np.full(2, 0.1, np.float32), fa.SGD, lr=1.0, bounds=[(0.1, 0.1), (None, None)])
    assert found.x.tolist() == [np.float32(0.1), 3.0]
    p = np.zeros(1, np.float32)
    fa.SGD(p, lr=1.0, lower=0.1, upper=0.1).step(p.copy())
    assert p == np.float32(0.1)


@pytest.mark.parametrize("bounds", [(0.5, 2), Bounds(np.array([0.5]), 2), [(0.5, np.array([2.0]))]])
def test_a_number_has_bounds(bounds):
    assert fa.minimize(bowl, 1.0, fa.SGD, lr=1.0, bounds=bounds).x == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"fun": lambda x: (1.0, None)},
            "gradient: expected at least one array, not None: does",
        ),
        ({"fun": lambda x: (np.ma.masked, x)}, "fun: expected a value without a mask"),
        ({"fun": lambda x: (1.0, x, x)}, "fun: expected a value and its gradient, not 3 things"),
        ({"check": "no"}, "minimize: expected check to be True or False, not 'no'"),
        ({"bounds": "ab"}, "bounds: expected numbers, or None, in each pair"),
        ({"bounds": [(0, 1j), (0, 1)]}, "bounds: expected numbers, or None, in each pair"),
        ({"groups": {"*": {"maximize": True}}}, "minimize: expected maximize to be False, not True: minimize"),
        ({"per_weight": {"upper": np.ones(2)}}, "minimize: expected no 'upper' in per_weight: give the bounds"),
    ],
)
def test_more_that_cannot_be(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fa.minimize(**({"fun": bowl, "x0": [1.0, 2.0], "rule": fa.Adam} | given))


def test_values_of_other_types_are_numbers_as_well():
    assert fa.minimize(lambda x: (2**70, x * 0), [1.0], fa.SGD).fun == 2.0**70
    assert fa.minimize(lambda x: (0.0, (x - 3).astype(np.longdouble)), [1.0], fa.SGD, lr=1.0, best=False).x == 3
