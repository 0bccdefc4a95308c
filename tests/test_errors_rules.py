"""Rules that are not written as a rule is, and kernels called with what does not fit."""

import numpy as np
import pytest
from conftest import INTERPRETED
from layouts import bits
from untouched import FakeCuda

import fastadapt as fa


def make(update=lambda p, g, /, lr: p - lr * g, coefficients=lambda t, lr=0.1: (lr,), name="update", **more):
    """A class `Mine` with these functions."""
    functions = {k: f for k, f in {name: update, "coefficients": coefficients, **more}.items() if f is not None}
    for key, function in functions.items():
        function.__name__ = key
    return type("Mine", (fa.Optimizer,), {key: staticmethod(function) for key, function in functions.items()})


def test_a_rule_that_is_right_is_accepted():
    make()(p := np.ones(3)).step(p)
    assert p.tolist() == [0.9] * 3


BAD = {
    "no slash": ({"update": lambda p, g, lr: p}, r"Mine\.update: .*p, g, state\.\.\., /"),
    "other letters": ({"update": lambda w, dw, /, lr: w}, r"Mine\.update: .*p, g"),
    "the gradient first": ({"update": lambda g, p, /, lr: p}, r"Mine\.update: .*p, g"),
    "self": ({"update": lambda self, p, g, /, lr: p}, r"Mine\.update: .*p, g"),
    "no gradient": ({"update": lambda p, /, lr: p}, r"Mine\.update: .*p, g"),
    "many coefficients": ({"update": lambda p, g, /, *coef: p}, r"Mine\.update: .*coefficients"),
    "coefficients by name": ({"update": lambda p, g, /, *, lr: p}, r"Mine\.update: .*coefficients"),
    "no default": ({"coefficients": lambda t, lr: (lr,)}, r"Mine\.coefficients: .*default.*'lr'"),
    "many hyperparameters": ({"coefficients": lambda t, *lr: lr}, r"Mine\.coefficients: .*'lr'"),
    "no default at the start": ({"start": lambda p, a: (a,)}, r"Mine\.start: .*default.*'a'"),
    "for an unknown switch": ({"name": "update_nesterov"}, r"Mine\.update_nesterov: .*hyperparameters"),
    "no update": ({"update": None}, r"Mine: .*update"),
    "no coefficients": ({"coefficients": None}, r"Mine: .*coefficients"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_rule_that_is_written_wrong_is_a_type_error_that_names_the_function(name):
    functions, match = BAD[name]
    with pytest.raises(TypeError, match=match):
        make(**functions)


@pytest.mark.parametrize("coefficients", [lambda t, lr=0.1: (), lambda t, lr=0.1: (lr, lr), lambda t, lr=0.1: lr])
def test_coefficients_of_another_number_than_update_takes_are_refused(coefficients):
    cls = make(coefficients=coefficients)
    p = np.ones(3)
    with pytest.raises((TypeError, ValueError), match=r"Mine.*coefficients"):
        cls(p).step(p)
    assert p.tolist() == [1] * 3


def test_decoupled_decay_needs_a_learning_rate():
    cls = make(update=lambda p, g, /, a: p - a * g, coefficients=lambda t, a=0.1: (a,))
    with pytest.raises(ValueError, match=r"Mine: .*lr.*decoupled"):
        cls(np.ones(3), weight_decay=0.1, decoupled=True)


COEF = fa.Adam.coefficients(1)


def arguments(**changes):
    """What `Adam.kernel` takes, with changes."""
    given = {"p": np.ones(8, np.float32), "g": np.ones(8, np.float32), "coef": COEF}
    given |= {"m": np.zeros(8, np.float32), "v": np.zeros(8, np.float32)} | changes
    state = given.pop("state", (given["m"], given["v"]))
    return given["p"], given["g"], state, given["coef"]


frozen = np.ones(8, np.float32)
frozen.flags.writeable = False
square, gappy = np.ones((2, 4), np.float32), np.ones(16, np.float32)[::2]
unaligned = np.zeros(33, np.uint8)[1:].view(np.float32)
CALLS = [
    *[({which: array}, ValueError, f"{which}: ") for which in "pgmv" for array in (square, gappy, unaligned)],
    *[({which: np.ones(8, kind)}, TypeError, f"{which}: .*") for which in "pgmv" for kind in ("i4", "c8", "O")],
    *[({which: np.ones(8, ">f4")}, TypeError, f"{which}: .*") for which in "pmv"],
    *[({which: [1.0] * 8}, TypeError, f"{which}: .*list") for which in "pgmv"],
    *[({which: np.ones(8)}, TypeError, f"{which}: .*float32.*float64") for which in "mv"],
    *[({which: np.ones(7, np.float32)}, ValueError, f"{which}: .*8.*7") for which in "gmv"],
    *[({which: frozen}, ValueError, f"{which}: .*writeable") for which in "pmv"],
    *[({which: FakeCuda((8,))}, (TypeError, ValueError), f"{which}: .*CPU") for which in "gmv"],
    ({"state": ()}, ValueError, ".*m, v"),
    ({"state": (gappy,) * 3}, ValueError, ".*m, v"),
    ({"state": None}, TypeError, ".*state"),
    ({"coef": COEF[1:]}, ValueError, ".*7 coefficients"),
    ({"coef": 0.1}, TypeError, ".*coef"),
]


@pytest.mark.parametrize(("changes", "error", "match"), CALLS)
def test_a_kernel_refuses_what_is_not_flat_buffers_of_one_type(changes, error, match):
    p, g, state, coef = arguments(**changes)
    before = bits(p) if isinstance(p, np.ndarray) else p
    with pytest.raises(error, match=f"Adam.kernel: {match}"):
        fa.Adam.kernel(p, g, state, coef)
    assert (bits(p) if isinstance(p, np.ndarray) else p) == before


def test_a_kernel_refuses_a_stream_on_the_cpu():
    p, *others = arguments()
    with pytest.raises(ValueError, match="stream"):
        fa.Adam.kernel(p, *others, stream=0)
    assert (p == 1).all()


def test_a_kernel_reads_a_read_only_gradient():
    fa.SGD.kernel(p := np.ones(8, np.float32), frozen, (), fa.SGD.coefficients(1, lr=1.0))
    assert not p.any()


@pytest.mark.parametrize("taken", ["state", "groups", "step"])
def test_a_hyperparameter_with_the_name_of_something_else_is_refused(taken):
    coefficients = {"state": lambda t, state=0.1: (state,), "groups": lambda t, groups=0.1: (groups,)}
    coefficients["step"] = lambda t, step=0.1: (step,)
    with pytest.raises(TypeError, match=f"other names than {taken}"):
        make(coefficients=coefficients[taken])


@pytest.mark.parametrize(
    "taken", ["rule", "rules", "kernel", "own", "assign", "given", "captured", "decoupled", "maximize"]
)
def test_a_hyperparameter_that_would_hide_another_attribute_is_refused(taken):
    names = {}
    exec(f"def coefficients(t, {taken}=0.1): return ({taken},)", names)
    with pytest.raises(TypeError, match=f"other names than {taken}"):
        make(coefficients=names["coefficients"])


@pytest.mark.parametrize(("own", "error"), [({"lr": -1.0}, ValueError), ({"maximize": 1}, TypeError)])
def test_a_default_in_the_class_is_checked_as_any_value(own, error):
    with pytest.raises(error, match=next(iter(own))):
        type("Wrong", (fa.Adam,), own)


def test_what_a_class_says_of_a_default_counts_more_than_what_its_parents_say():
    class Slow(fa.Adam):
        lr = 0.01

    adam = fa.Adam.coefficients

    class Own(Slow):
        @staticmethod
        def coefficients(t, lr=0.5, beta1=0.9, beta2=0.999, eps=1e-8):
            return adam(t, lr, beta1, beta2, eps)

    class Last(Own):
        lr = 0.25

    assert [cls(np.ones(3)).lr for cls in (fa.Adam, Slow, Own, Last)] == [1e-3, 0.01, 0.5, 0.25]


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")
def test_coefficients_that_numba_cannot_compile_are_refused_when_the_optimizer_is_made_with_the_reason_first():
    def coefficients(t, lr=1.0):
        return (lr * len(locals()),)

    with pytest.raises(TypeError, match=r"^Mine.coefficients: Numba cannot compile it: .*locals.*test_errors_rules.py"):
        make(coefficients=coefficients)(np.ones(3))


def test_a_coefficient_beyond_the_range_of_the_weights_is_refused_and_touches_nothing():
    p = np.ones(3, np.float32)
    later = make(coefficients=lambda t, lr=1.0: (lr * 1e39 ** (t - 1),))
    opt = later(p)
    opt.step(np.zeros_like(p))
    with pytest.raises(ValueError, match=r"expected 1 coefficients within float32, not \(1e\+39"):
        opt.step(p.copy())
    with pytest.raises(ValueError, match="coefficients within float32"):
        fa.SGD.kernel(p, p.copy(), (), fa.SGD.coefficients(1, lr=1e300))
    np.testing.assert_array_equal(p, 1)
    assert opt.t == 1
    fa.SGD(np.ones(3), lr=1e300).step(np.ones(3))


def test_a_kernel_refuses_buffers_that_share_memory():
    p, g, m, both = (np.ones(n) for n in (8, 8, 8, 9))
    coef = fa.Adam.coefficients(1)
    for arrays in ((p, g, (m, m)), (p, g, (p, m)), (both[1:], both[:-1], (m, np.ones(8)))):
        with pytest.raises(ValueError, match="shares no memory"):
            fa.Adam.kernel(*arrays, coef)
    fa.Adam.kernel(p, p, (m, np.zeros(8)), coef)


def starts(value):
    return lambda p, /: value


def test_a_first_state_of_a_wrong_form_is_refused_by_the_name_of_its_array():
    for value, error in ((0.5, TypeError), ((np.ones(7),), ValueError), (("x",), ValueError)):
        cls = make(update=lambda p, g, m, /, lr: (p, m), start=starts(value))
        with pytest.raises(error, match=r'start: params\["w"\]'):
            cls({"w": np.ones(3)})
