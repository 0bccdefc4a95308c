"""Declarations of sums and scalars that cannot be understood: an error where the class is made, or the optimizer."""

from typing import ClassVar

import numpy as np
import pytest
from conftest import INTERPRETED

import fastadapt as fa


def declared(**how):
    """A rule with these functions and declarations in place of its own."""
    parts = {"coefficients": _coefficients, "reduce": _reduce, "combine": _combine, "update": _update} | how
    parts = {name: staticmethod(part) if callable(part) else part for name, part in parts.items()}
    return type("Summing", (fa.Optimizer,), {"sums_before": {"size": "array"}} | parts)


def _coefficients(t, lr=0.1):
    return (lr,)


def _combine(t, size):
    return (size,), ()


def _reduce(p, g, /, lr):
    return abs(p)


def _update(p, g, /, lr, size):
    return p - lr * g / (1 + size)


def test_the_rule_is_one():
    p = np.array([3.0, 1.0])
    declared()(p).step(np.ones(2))
    np.testing.assert_allclose(p, [2.98, 0.98], rtol=1e-15)


def takes_less(t, lr=0.1):
    return (lr,), ()


def of_p_alone(p, /):
    return p


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"sums_before": ["size"]}, r"Summing\.sums_before: expected a dict of names and scopes, not \['size'\]"),
        ({"scalars": ["d"]}, r"Summing\.scalars: expected a dict of names and scopes, not \['d'\]"),
        ({"sums_before": {"size": "each"}}, r"Summing\.sums_before: expected 'array' or 'all' for 'size', not 'each'"),
        ({"scalars": {"d": ("all", None)}}, r"Summing\.scalars: expected a number or a hyperparameter's name for 'd'"),
        ({"scalars": {"size": "all"}}, "Summing: expected sums and scalars of different names, not size twice"),
        ({"combine": takes_less}, r"Summing\.combine: expected its first parameters to be t, size, not t, lr"),
        ({"combine": lambda t, size, k: ((size,), ())}, r"expected a default for the hyperparameter 'k'"),
        ({"reduce": of_p_alone}, r"Summing\.reduce: expected parameters \(p, g, /, lr, size\), the last ones left out"),
        (
            {"scalars": {"d": ("all", "d0")}, "combine": lambda t, size, d: ((size,), (d,))},
            r"Summing\.scalars: expected the name of a hyperparameter that combine takes, not 'd0'",
        ),
        ({"sums_before": {}}, r"Summing\.combine: expected sums_before, sums_after or scalars with it"),
    ],
)
def test_a_declaration_that_cannot_be_understood_is_refused_with_the_class(how, message):
    with pytest.raises(TypeError, match=message):
        declared(**how)


def test_a_class_beside_the_optimizer_may_bring_the_functions():
    class Functions:
        reduce, combine = staticmethod(_reduce), staticmethod(_combine)

    class Summing(Functions, fa.Optimizer):
        sums_before: ClassVar = {"size": "array"}
        coefficients, update = staticmethod(_coefficients), staticmethod(_update)

    p = np.array([3.0, 1.0])
    Summing(p).step(np.ones(2))
    np.testing.assert_allclose(p, [2.98, 0.98], rtol=1e-15)


def test_sums_without_combine_or_reduce_are_refused():
    with pytest.raises(TypeError, match=r"Lone: expected a static method combine\(t, size, \.\.\.\) with its sums"):

        class Lone(fa.Optimizer):
            sums_after: ClassVar = {"size": "all"}
            coefficients, update = staticmethod(lambda t: ()), staticmethod(of_p_alone)

    with pytest.raises(TypeError, match=r"Other: expected a static method reduce\(p, g, /, coefficients\.\.\.\)"):

        class Other(fa.Optimizer):
            sums_before: ClassVar = {"size": "all"}
            coefficients, combine, update = map(staticmethod, (_coefficients, _combine, _update))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"combine": lambda t, size: (size,)},
            r"Summing\.combine: expected it to return more coefficients and new scalars",
        ),
        (
            {"combine": lambda t, size: ((size,), (1.0,))},
            r"Summing\.combine: expected it to return new values of no scalar",
        ),
        ({"combine": lambda t, size: ((), ())}, r"Summing\.coefficients: expected 2 coefficients"),
        ({"combine": lambda t, size: ((str(size),), ())}, r"Summing\.coefficients: expected 2 coefficients"),
    ],
)
def test_a_combine_that_does_not_fit_is_refused_when_the_optimizer_is_made(how, message):
    with pytest.raises(TypeError, match=message):
        declared(**how)(np.ones(2))


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled there")
def test_a_combine_or_reduce_that_does_not_compile_is_refused_by_name():
    names = {1.0: "one"}

    def looks_up(t, size):
        return (size if 0 in names else float(len(names)),), ()

    def opens(p, g, /, lr):
        return float(len(names)) * p

    with pytest.raises(TypeError, match=r"Summing\.combine: Numba cannot compile it"):
        declared(combine=looks_up)(np.ones(2))
    with pytest.raises(TypeError, match="Numba cannot compile it"):
        declared(reduce=opens)(np.ones(2)).step(np.ones(2))


def test_an_update_that_leaves_out_its_terms_is_told_which():
    class Forgetful(fa.Optimizer):
        sums_after: ClassVar = {"size": "all"}

        @staticmethod
        def coefficients(t, lr=0.1):
            return (lr,)

        @staticmethod
        def combine(t, size):
            return (), ()

        @staticmethod
        def update(p, g, /, lr):
            return p - lr * g

    with pytest.raises(TypeError, match=r"Forgetful\.update: expected it to return p, its term of size"):
        Forgetful(np.ones(2))


def test_a_combine_that_divides_by_a_sum_of_0_is_told_so():
    message = r"Summing\.combine: expected it to give numbers for size=0, as where all .* it raised ZeroDivisionError"
    with pytest.raises(TypeError, match=message):
        declared(combine=lambda t, size: ((1 / size,), ()))(np.ones(2))


def test_functions_that_return_too_few_terms_or_arrays_are_told_so_when_the_optimizer_is_made():
    with pytest.raises(TypeError, match=r"Summing\.reduce: expected it to return a term of size, not \(1\.0, 1\.0\)"):
        declared(reduce=lambda p, g, /, lr: (p, g))(np.ones(2))
    with pytest.raises(TypeError, match=r"Summing\.update: expected a number as p, not an array: .* `a if c else b`"):
        declared(update=lambda p, g, /, lr, size: np.where(g > 0, p, g))(np.ones(2))


def test_two_defaults_of_one_hyperparameter_are_refused():
    with pytest.raises(TypeError, match=r"expected the default of lr to be 0\.1, as in coefficients, not 0\.5"):
        declared(combine=lambda t, size, lr=0.5: ((size,), ()))


def test_what_a_combine_of_ones_own_gives_is_looked_at_when_a_number_is_assigned():
    class Steep(fa.LAMB):
        @staticmethod
        def combine(t, pp, uu, lr=1e-3, k=1.0):
            return (lr * 10.0**k,), ()

    opt = Steep(np.ones(3, np.float32))
    opt.k = 1.5
    with pytest.raises(ValueError, match="Steep: expected coefficients of the first step within float32"):
        opt.k = 200.0
    assert opt.k == 1.5


def test_a_hyperparameter_that_a_subclass_drops_is_gone():
    class Other(fa.LAMB):
        @staticmethod
        def combine(t, pp, uu, gain=3.0):
            return (gain,), ()

    opt = Other(np.ones(2))
    assert not hasattr(opt, "lr")
    assert not hasattr(Other, "lr")
    with pytest.raises(AttributeError, match="Other: no hyperparameter 'lr'; it has beta1, beta2"):
        _ = opt.lr
    assert "lr" not in repr(opt)


def test_a_class_beside_may_bring_the_declarations_with_the_functions():
    class Mixed:
        sums_before: ClassVar = {"size": "array"}
        scalars: ClassVar = {"kept": ("all", 2.0)}
        reduce = staticmethod(_reduce)

        @staticmethod
        def combine(t, size, kept):
            return (size,), (kept + 1,)

    class Own(Mixed, fa.Optimizer):
        coefficients, update = staticmethod(_coefficients), staticmethod(_update)

    opt = Own(np.ones(2))
    assert opt.scalars == {"kept": 2.0}
    opt.step(np.ones(2))
    assert opt.scalars == {"kept": 3.0}


@pytest.mark.parametrize("name", ["combine", "reduce", "kernel_fast", "_groups", "update_rate"])
def test_hyperparameters_are_not_called_as_functions_are(name):
    given = {"coefficients": staticmethod(eval(f"lambda t, lr=0.1, {name}=0.5: (lr,)")), "update": fa.SGD.update}
    with pytest.raises(TypeError, match=f"Own: expected hyperparameters of other names than {name}"):
        type("Own", (fa.Optimizer,), given)


@pytest.mark.parametrize("in_common", [("nonsense",), "lr", None])
def test_what_groups_have_in_common_are_hyperparameters(in_common):
    with pytest.raises(TypeError, match=r"Summing\.in_common: expected a tuple of its hyperparameters, not"):
        declared(in_common=in_common)
