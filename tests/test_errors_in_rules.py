"""Rules that could raise an error in the middle of a step are refused when an optimizer is made, or a kernel."""

from types import ModuleType

import numpy as np
import pytest
from conftest import SLOW
from numba import njit
from numba.extending import register_jitable

import fastadapt as fa

LEVELS = (0.5, 1.0, 2.0)
MIDDLE = 1


def make(update):
    """A class `Mine` with such an update."""
    functions = {"update": staticmethod(update), "coefficients": staticmethod(lambda t, lr=0.1: (lr,))}
    return type("Mine", (fa.Optimizer,), functions)


def checked(g):
    if g > 5.0:
        raise ValueError("too large")
    return g


def asserted(g):
    assert g < 5.0
    return g


jitted, jitable = njit(checked), register_jitable(asserted)
helpers = ModuleType("helpers")
helpers.checked, helpers.square = jitted, njit(lambda x: x * x)


@njit
def outer(g):
    return 2 * jitted(g)


def raises(p, g, /, lr):
    if g > 5.0:
        raise ValueError("too large")
    return p - lr * g


def asserts(p, g, /, lr):
    assert g < 5.0
    return p - lr * g


def behind_a_branch(p, g, /, lr):
    if lr > 1.0 and p < 0.0:  # not of the numbers that it is tried with
        raise ArithmeticError
    return p - lr * g


def within(p, g, /, lr):
    def inner(x):
        if x > 5.0:
            raise ValueError
        return x

    return p - lr * inner(g)


def around(check):
    def update(p, g, /, lr):
        return p - lr * check(g)

    return update


def writes(p, g, /, lr):
    values = [0.0, 1.0]
    values[int(g)] = 2.0
    return p - lr * values[1]


def by_a_cell(p, g, /, lr):
    k = int(g)

    def inner():
        return LEVELS[k]

    return p - lr * inner()


def draws(items):
    return next(items)


TWO = (jitted, jitable)
REFUSED = {
    "a list": (writes, "writes by an index"),
    "an index of the function around": (by_a_cell, "index that it computes"),
    "an index that is an attribute": (lambda p, g, /, lr: p - lr * LEVELS[g.real], "index that it computes"),
    "in a helper in a tuple": (lambda p, g, /, lr: p - lr * TWO[0](g), "(checked|asserted), which it calls, raises"),
    "an iterator": (lambda p, g, /, lr: p - lr * draws(g), "draws, which it calls, calls next"),
    "a matrix": (lambda p, g, /, lr: p - lr * np.linalg.norm(np.ones(2)), r"calls np\.(linalg|ones)"),
    "chance": (lambda p, g, /, lr: p - lr * np.random.random(), r"calls np\.random\.random"),  # noqa: NPY002
    "raises": (raises, "it raises"),
    "asserts": (asserts, "it raises"),
    "behind a branch": (behind_a_branch, "it raises"),
    "in a function within": (within, "it raises"),
    "jitted already": (njit(raises), "it raises"),
    "in a jitted helper": (lambda p, g, /, lr: p - lr * jitted(g), "checked, which it calls, raises"),
    "in a jitable helper": (lambda p, g, /, lr: p - lr * jitable(g), "asserted, which it calls, raises"),
    "in a helper's helper": (lambda p, g, /, lr: p - lr * outer(g), "checked, which it calls, raises"),
    "in a helper of a module": (lambda p, g, /, lr: p - lr * helpers.checked(g), "checked, which it calls, raises"),
    "in a helper around it": (around(jitted), "checked, which it calls, raises"),
    "an index": (lambda p, g, /, lr: p - lr * LEVELS[int(g)], "index that it computes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_could_raise_is_refused_before_anything_is_made(name):
    update, fault = REFUSED[name]
    cls, p = make(update), np.ones(3)
    for ask in (lambda: cls(p), lambda: cls.kernel(p, p.copy(), (), (0.1,))):
        with pytest.raises(TypeError, match=rf"Mine\.update: expected arithmetic .*, but .*{fault}.*NaN"):
            ask()
    assert p.tolist() == [1] * 3


def test_the_update_that_is_chosen_is_the_one_that_is_looked_at():
    functions = {
        "coefficients": lambda t, lr=0.1, momentum=0.0: (lr, momentum),
        "update": lambda p, g, /, lr, mu: p - lr * g,
        "update_momentum": lambda p, g, b, /, lr, mu: (p - lr * checked(g), mu * b),
    }
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    cls(np.ones(3))
    with pytest.raises(TypeError, match=r"Mine\.update_momentum: .*checked, which it calls, raises"):
        cls(np.ones(3), momentum=0.5)


def square(x):
    """Raises nothing: `raise ValueError`, `assert x`."""
    return x * x


def calm(p, g, /, lr):
    """Does not raise; `assert` is only spoken of."""
    text = (lr, 0.5)
    return p - text[0] * np.sqrt(helpers.square(text[1:][0] + g)) * LEVELS[MIDDLE]


def test_a_rule_that_only_speaks_of_errors_is_accepted():
    cls = make(calm)
    p = np.ones(3)
    cls(p).step(p)
    assert p.tolist() == [1 - 0.1 * 1.5] * 3


def test_an_error_in_a_start_is_raised_and_nothing_is_begun_anew():
    bad = [False]

    def start(p, /):
        if bad[0]:
            raise RuntimeError("not now")
        return (1.0,)

    functions = {
        "coefficients": lambda t, lr=0.1: (lr,),
        "start": start,
        "update": lambda p, g, s, /, lr: (p - g, s + g),
    }
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    opt = cls([np.ones(3), np.ones(2)])
    opt.step([np.ones(3), np.ones(2)])
    bad[0] = True
    with pytest.raises(RuntimeError, match="not now"):
        opt.zero_state()
    assert opt.t == 1
    assert [s.tolist() for s in opt.state["s"]] == [[2] * 3, [2] * 2]


def test_functions_that_are_jitted_already_make_a_rule(device):
    functions = {
        "update": njit(lambda p, g, b, /, lr, mu: (p - lr * (mu * b + g), mu * b + g)),
        "coefficients": njit(lambda t, lr=0.5, mu=0.5: (lr, mu)),
        "start": njit(lambda p, /: (2.0,)),
    }
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    p, g = device.array(np.zeros(3, np.float32)), device.array(np.ones(3, np.float32))
    opt = cls(p, max_norm=10.0)
    opt.step(g)
    assert device.numpy(p).tolist() == [-1.0] * 3
    b, coef = device.array(np.zeros(3, np.float32)), cls.coefficients(2, lr=1.0)
    cls.kernel(p, g, (b,), coef)
    assert device.numpy(p).tolist() == [-2.0] * 3


@pytest.mark.skipif(SLOW, reason="nothing is compiled")
def test_functions_that_are_jitted_already_can_be_called_from_jitted_code():
    cls = make(njit(lambda p, g, /, lr: p - lr * g))
    update, coefficients = cls.update, cls.coefficients

    @njit
    def once(p, g):
        return update(p, g, *coefficients(1, lr=0.5))

    assert once(1.0, 1.0) == 0.5


def test_a_range_whose_step_is_computed_is_refused_and_other_ranges_are_not():
    def computed(p, g, /, lr):
        for _ in range(0, 3, int(p)):
            p = p - lr * g
        return p

    def constant(p, g, /, lr):
        for _ in range(0, int(max(p, 0.0)), 2):
            p = p - lr * g
        return p

    def another_call(p, g, /, lr):
        for _ in range(2):
            p = p - lr * max(g, p, -p)
        return p

    for update, works in ((computed, False), (constant, True), (another_call, True)):
        rule = {"coefficients": staticmethod(lambda t, lr=0.1: (lr,)), "update": staticmethod(update)}
        cls = type("Looping", (fa.Optimizer,), rule)
        if works:
            cls(np.ones(2))
        else:
            with pytest.raises(TypeError, match="it loops over a range with a step that it computes, which may be 0"):
                cls(np.ones(2))
