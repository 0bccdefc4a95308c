"""A rule as a method of SciPy's: what SciPy promises of a method, and what calls `minimize` in turn."""

import pickle
from functools import partial

import numpy as np
import pytest
from layouts import bits

import fastadapt as fa

optimize = pytest.importorskip("scipy.optimize")

START = np.array([1.3, 0.7, 0.8])
rosenbrock = optimize.rosen, optimize.rosen_der


def both(x):
    return optimize.rosen(x), optimize.rosen_der(x)


def adam(**hyper):
    return fa.method(fa.Adam, **{"lr": 0.05} | hyper)


def minimize(fun=both, x0=START, jac=True, **given):
    return optimize.minimize(fun, x0, **{"jac": jac, "method": adam()} | given)


def test_the_steps_are_those_of_minimize_and_the_result_is_scipys():
    found = minimize(options={"maxiter": 40})
    expected = fa.minimize(both, START, fa.Adam, lr=0.05, maxiter=40)
    assert type(found) is optimize.OptimizeResult
    assert sorted(found) == sorted(expected)
    assert bits(found.x) == bits(expected.x)
    assert bits(found.jac) == bits(expected.jac)
    for name in ("fun", "nit", "nfev", "njev", "status", "success", "message"):
        assert found[name] == expected[name]


@pytest.mark.parametrize(
    ("fun", "jac", "x0"),
    [
        (both, True, START),
        (optimize.rosen, optimize.rosen_der, START),
        (lambda x: ((x - 1) ** 4).sum() + (x**2).sum(), None, np.array([2.0, -1.0])),
        (lambda x: (x[0] - 2) ** 2 + 3 * (x[1] + 1) ** 2 + x[0] * x[1], "2-point", np.zeros(2)),
    ],
)
@pytest.mark.parametrize("bounds", [None, [(0.2, 0.9)] * 2])
def test_it_ends_where_scipys_own_method_does(fun, jac, x0, bounds):
    bounds = bounds and [*bounds, (None, None)][: x0.size]
    x0 = x0 if bounds is None else np.clip(x0, 0.2, 0.9)
    found = minimize(fun, x0, jac, bounds=bounds, options={"maxiter": 20000, "gtol": 1e-5}, method=adam(lr=0.01))
    expected = optimize.minimize(fun, x0, jac=jac, bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert found.success
    assert found.fun <= expected.fun + 1e-7  # with bounds L-BFGS-B ends earlier


def test_calls_are_counted_as_scipy_counts_them():
    calls = []

    def counted(x, a):
        calls.append(x)
        return a * both(x)[0], a * both(x)[1]

    found = minimize(counted, args=(2.0,), options={"maxiter": 5})
    assert (found.nfev, found.njev, len(calls)) == (6, 6, 6)  # the pair is called once for both
    found = minimize(optimize.rosen, jac=None, options={"maxiter": 5})
    assert (found.nfev, found.njev) == (6 * 4, 6)
    found = minimize(optimize.rosen, jac=optimize.rosen_der, options={"maxiter": 5, "best": False})
    assert (found.nfev, found.njev) == (1, 6)
    found = optimize.minimize(lambda x, a: a * x @ x, START, 2.0, method=adam(), options={"maxiter": 1})
    assert found.njev == 2  # args need be no tuple


def test_differences_stay_within_the_bounds():
    seen = []

    def fun(x):
        seen.append(x)
        return ((x - 5) ** 2).sum()

    found = minimize(fun, [0.0, 1.0, 2.0], None, bounds=[(0, 0), (None, 1), (1, 2)], options={"maxiter": 50})
    assert found.x.tolist() == [0.0, 1.0, 2.0]
    assert found.success
    assert (np.max(seen, axis=0) == [0, 1, 2]).all()
    assert found.jac == pytest.approx([0.0, -8.0, -6.0], abs=1e-6)


@pytest.mark.parametrize("bounds", [optimize.Bounds(-2, 0.5), optimize.Bounds([-2] * 3, [0.5] * 3), [(None, 0.5)] * 3])
def test_bounds_are_scipys(bounds):
    with pytest.warns(optimize.OptimizeWarning, match="^Initial guess is not within the specified bounds$"):
        found = minimize(bounds=bounds, options={"maxiter": 5000})
    expected = optimize.minimize(both, np.full(3, 0.5), jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-12)
    np.testing.assert_allclose(found.x, expected.x, atol=1e-4)
    assert found.x.max() <= 0.5


def test_a_tolerance_is_that_of_gradient_and_value():
    assert minimize(tol=10.0).nit == minimize(options={"gtol": 10.0, "ftol": 10.0}).nit < minimize().nit
    assert minimize(tol=10.0, options={"gtol": 0.5}).nit == minimize(options={"gtol": 0.5, "ftol": 10.0}).nit


def test_options_are_those_of_minimize_and_hyperparameters_which_count_more_than_the_methods():
    found = minimize(options={"maxiter": 30, "lr": 0.01, "beta1": 0.5})
    assert bits(found.x) == bits(fa.minimize(both, START, fa.Adam, lr=0.01, beta1=0.5, maxiter=30).x)
    assert minimize(options={"maxiter": None}).nit <= 1000
    with pytest.warns(optimize.OptimizeWarning, match="^Unknown solver options: maxfun, eps2$"):
        minimize(options={"maxiter": 3, "maxfun": 7, "eps2": 1})


def test_it_prints_its_result_where_asked_to(capsys):
    minimize(options={"maxiter": 3})
    assert capsys.readouterr().out == ""
    found = minimize(options={"maxiter": 3, "disp": True})
    assert capsys.readouterr().out.splitlines() == [
        "Maximum number of iterations has been exceeded.",
        f"         Current function value: {found.fun:f}",
        "         Iterations: 3",
        "         Function evaluations: 4",
        "         Gradient evaluations: 4",
    ]


def test_callbacks_are_scipys():
    points, results = [], []
    found = minimize(callback=points.append, options={"maxiter": 3})
    assert len(points) == 3
    assert bits(points[-1]) == bits(found.x)

    def keep(intermediate_result):
        results.append(intermediate_result)
        if len(results) == 2:
            raise StopIteration

    found = minimize(callback=keep)
    assert {type(each) for each in results} == {optimize.OptimizeResult}
    assert results[1].fun == optimize.rosen(results[1].x)
    assert (found.status, found.success, found.nit) == (99, False, 2)
    assert found.message == "`callback` raised `StopIteration`."


def test_what_it_does_not_use_is_said():
    for name, kind in (("hess", r"Hessian information \(hess\)"), ("hessp", r"Hessian-vector product information")):
        with pytest.warns(RuntimeWarning, match=f"^Method Adam does not use {kind}"):
            minimize(options={"maxiter": 1}, **{name: lambda *given: None})


@pytest.mark.parametrize(
    "constraints",
    [{"type": "eq", "fun": sum}, [{"type": "eq", "fun": sum}], optimize.LinearConstraint(np.eye(3), 0, 1)],
)
def test_constraints_are_refused(constraints):
    with pytest.raises(ValueError, match="Adam: expected no constraints, which it cannot keep; bounds it can"):
        minimize(constraints=constraints)


def test_what_cannot_be_is_refused_by_name():
    for wrong in ("Adam", fa.Optimizer, fa.Adam(np.ones(1))):
        with pytest.raises(TypeError, match="method: expected rule to be an optimizer's class"):
            fa.method(wrong)
    with pytest.raises(ValueError, match="method: expected maximize to be False, not True: minimize the negative"):
        minimize(method=adam(maximize=True))
    with pytest.raises(TypeError, match="Adam: no hyperparameter 'rate'"):
        minimize(method=adam(rate=1.0))
    with pytest.raises(ValueError, match="method: expected gtol to be at least 0"):
        minimize(options={"gtol": -1})
    with pytest.raises(TypeError, match="fun: expected one number as its value, not array"):
        minimize(lambda x: x, jac=None)


def test_each_call_begins_anew_and_the_start_is_not_written():
    method, start = adam(), START.copy()
    ends = [minimize(x0=start, method=method, options={"maxiter": 20}).x for _ in range(2)]
    assert bits(ends[0]) == bits(ends[1])
    assert bits(start) == bits(START)
    again = pickle.loads(pickle.dumps(method))
    assert bits(minimize(method=again, options={"maxiter": 20}).x) == bits(ends[0])
    assert repr(method) == "fastadapt.method(Adam, lr=0.05)"


def test_basinhopping_and_dual_annealing_minimize_with_it():
    def hilly(x):
        return float((x**2).sum() - 2 * np.cos(3 * x).sum()), 2 * x + 6 * np.sin(3 * x)

    options = {"ftol": 1e-9, "patience": 20}
    local = {"method": adam(), "jac": True, "options": options}
    found = optimize.basinhopping(hilly, [2.2, -2.2], minimizer_kwargs=local, niter=30, stepsize=2.0, seed=0)
    assert found.lowest_optimization_result.success
    np.testing.assert_allclose(found.x, 0, atol=1e-3)
    local = {"method": adam(), "options": options}
    box = [(-4, 4)] * 2
    found = optimize.dual_annealing(lambda x: hilly(x)[0], box, minimizer_kwargs=local, maxiter=30, seed=0)
    np.testing.assert_allclose(found.x, 0, atol=0.02)  # whoever begins near a minimum first steps by the rate


@pytest.mark.parametrize("rule", [partial(fa.method, fa.RMSProp, momentum=0.5), partial(fa.method, fa.NAdam)])
def test_other_rules_are_methods_as_well(rule):
    assert minimize(method=rule(lr=0.002), options={"maxiter": 20000, "gtol": 0.05}).success


def test_of_a_pair_values_count_even_where_the_last_point_is_returned():
    def fun(x):
        return (np.nan if x[0] < 0.8 else float(x @ x)), 2 * x

    options = {"best": False, "maxiter": 50}
    found = minimize(fun, [1.0, 2.0], options=options)
    expected = fa.minimize(fun, [1.0, 2.0], fa.Adam, lr=0.05, **options)
    assert (
        (found.status, found.nit, found.nfev)
        == (expected.status, expected.nit, expected.nfev)
        == (2, found.nit, found.njev)
    )
    assert bits(found.x) == bits(expected.x)


def test_a_warning_of_the_start_points_to_who_called_scipy():
    for _ in range(2):
        with pytest.warns(optimize.OptimizeWarning) as caught:
            minimize(x0=[9.0] * 3, bounds=[(0, 1)] * 3, options={"maxiter": 1})
        assert caught[0].filename == __file__
