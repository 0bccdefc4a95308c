"""A rule as a method of `scipy.optimize.minimize`, and of what calls that."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..tree import Tree
from .callback import Callback
from .descent import STOPS, Stops, descend
from .objective import Differences, Objective, Separate
from .single import limits_of, refuse_no_rule, stepper


class Method:
    """What `scipy.optimize.minimize` takes as its `method`; it begins anew each time that it is called."""

    def __init__(self, rule: type[Optimizer], hyper: dict[str, Any]):
        self._rule, self._hyper = rule, hyper

    def __repr__(self) -> str:
        return f"fastadapt.method({', '.join([self._rule.__name__, *(f'{k}={v!r}' for k, v in self._hyper.items())])})"

    def __call__(
        self,
        fun: Callable,
        x0: Any,
        args: tuple = (),
        *,
        jac: Callable | bool | None = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        callback: Callable | None = None,
        **options: Any,
    ) -> Any:
        """Minimize, as SciPy calls it: before it has looked at bounds, constraints, the callback or options."""
        from scipy.optimize import OptimizeResult

        name = self._rule.__name__
        _refuse_constraints(name, constraints)
        unused = {"Hessian information (hess)": hess, "Hessian-vector product information (hessp)": hessp}
        for kind, given in unused.items():
            if given is not None:
                warnings.warn(f"Method {name} does not use {kind}.", RuntimeWarning, stacklevel=3)
        stops, hyper, shows = self._options(dict(options))
        args, x = args if isinstance(args, tuple) else (args,), [np.atleast_1d(np.array(x0, np.float64))]
        tree = Tree(x[0])
        objective: Objective
        limits = None if bounds is None else limits_of(bounds, tree, x, stacklevel=4)
        if callable(jac) and getattr(jac, "__self__", None) is fun:  # of jac=True, whose function SciPy calls for both
            objective = Objective(lambda x, *more: (fun(x.copy(), *more), jac(x, *more)), args, tree, pair=True)
        elif callable(jac):
            objective = Separate(fun, jac, args, tree)
        elif jac:
            objective = Objective(fun, args, tree, pair=True)
        else:
            none = [np.full(x[0].shape, -np.inf)], [np.full(x[0].shape, np.inf)]
            objective = Differences(fun, args, tree, limits or none)
        step = stepper("method", self._rule, hyper, tree, x, limits)
        after = None if callback is None else Callback(callback, OptimizeResult)
        found = descend(objective, step, x, limits, stops, after)
        result = OptimizeResult(found | {name: found[name][0] for name in ("x", "jac")})
        if shows:
            _show(result)
        return result

    def _options(self, options):
        """The stops, the hyperparameters and whether to print, of what is among the options."""
        from scipy.optimize import OptimizeWarning

        shows, tol = options.pop("disp", False), options.pop("tol", None)
        given = {name: options.pop(name) for name in STOPS if name in options}
        if given.get("maxiter", 0) is None:
            del given["maxiter"]
        if tol is not None:
            given = {"gtol": tol, "ftol": tol} | given
        hyper = self._hyper | {name: options.pop(name) for name in self._rule.defaults if name in options}
        if options:
            unknown = ", ".join(map(str, options))
            warnings.warn(f"Unknown solver options: {unknown}", OptimizeWarning, stacklevel=4)
        return Stops(**given).checked("method"), hyper, shows


def method(rule: type[Optimizer], **hyper: Any) -> Method:
    """A rule as a method of SciPy's: `scipy.optimize.minimize(f, x0, jac=True, method=fa.method(fa.Adam, lr=0.1))`.

    The loop is that of `fa.minimize`, and so are the options `maxiter`, `gtol`, `ftol`, `xtol`, `patience` and `best`;
    `disp` prints the result, `tol` is what gtol and ftol are where these are not given, and hyperparameters among the
    options count more than those given here. Without `jac`, gradients are forward differences, n + 1 calls for each.
    The result is SciPy's. `basinhopping` goes on from a result with success alone: give it `ftol` and `patience`, for
    a rule that steps by a rate reaches no gradient of 0. It and `dual_annealing` hand no bounds to a local method: give
    them in `minimizer_kwargs`. An option `eps` is the rule's hyperparameter, not the step of differences.

    Raises
    ------
    TypeError, ValueError
        No rule; when called, an unknown or wrong hyperparameter or option, constraints, or `maximize=True`.

    Warns
    -----
    OptimizeWarning
        When called, for options that are unknown, and a start outside of the bounds.
    RuntimeWarning
        When called with `hess` or `hessp`, which are not used.
    """
    refuse_no_rule("method", rule)
    return Method(rule, hyper)


def _refuse_constraints(name, constraints):
    """Raise ValueError if there are any: to ignore them would give a wrong answer."""
    if constraints is None or (isinstance(constraints, list | tuple | dict) and not constraints):
        return
    raise ValueError(f"{name}: expected no constraints, which it cannot keep; bounds it can")


def _show(result):
    """Print a result as SciPy's methods do."""
    print(result.message)
    print(f"         Current function value: {result.fun:f}")
    print(f"         Iterations: {result.nit:d}")
    print(f"         Function evaluations: {result.nfev:d}")
    print(f"         Gradient evaluations: {result.njev:d}")
