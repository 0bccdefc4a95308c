"""The options that say how the state is held: what they refuse, that they stay, and where they are shown."""

import inspect
from decimal import Decimal

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from layouts import bits
from runs import OWN
from untouched import refused, refused_everywhere

import fastadapt as fa
from fastadapt.hyperparameters import FIXED, meaning

KINDS = {
    "state_bits": ["8", 8.0, np.float32(8), None, True, np.True_, [8], 8j, object()],
    "rounding": [None, 1, True, b"nearest", ["nearest"], fa],
    "min_quantized_size": ["1", None, True, np.True_, [1], 1j, np.array([1])],
    "seed": ["1", None, False, np.True_, (1,), 1j, np.array([1])],
}
VALUES = {
    "state_bits": [0, 1, 4, -8, 12, 64, np.int64(24), 10**400],
    "rounding": ["", "Nearest", "nearest ", "up", "stochastic, nearest"],
    "min_quantized_size": [-1, 0.5, float("nan"), float("inf"), Decimal("1e400"), 10**400],
    "seed": [-1, 2**32, 0.5, float("nan"), float("inf"), 10**400],
}
OTHERS = {"state_bits": 16, "rounding": "nearest", "min_quantized_size": 7, "seed": 1}
"""Values that are right, and neither a default nor those of SMALL."""
SMALL = {"state_bits": 8, "min_quantized_size": 2}

every_option = pytest.mark.parametrize("name", FIXED)


def pairs(table):
    """Run a test with each name and value of a table."""
    return pytest.mark.parametrize(
        ("name", "value"), [(name, value) for name, values in table.items() for value in values]
    )


@pairs(KINDS)
def test_an_option_of_the_wrong_kind_is_a_type_error(name, value):
    refused_everywhere(fa.Adam, name, value, TypeError)


@pairs(VALUES)
def test_an_option_of_a_wrong_value_is_a_value_error(name, value):
    refused_everywhere(fa.Adam, name, value, ValueError)


@pytest.mark.parametrize(("error", "table"), [(TypeError, KINDS), (ValueError, VALUES)])
@every_option
def test_a_class_whose_default_is_wrong_cannot_be_made(name, error, table):
    for value in table[name]:
        with pytest.raises(error, match=f"^Mine: expected {name}"):
            type("Mine", (fa.Adam,), {name: value})


def test_the_refusal_of_a_choice_lists_the_choices():
    with pytest.raises(ValueError, match=r"^Adam: expected state_bits to be 8 or 16 or 32, not 4$"):
        fa.Adam(np.ones(3), state_bits=4)
    with pytest.raises(ValueError, match=r"^Adam: expected rounding to be 'stochastic' or 'nearest', not 'up'$"):
        fa.Adam(np.ones(3), rounding="up")


def test_integers_and_strings_of_any_kind_are_taken_as_those_of_python():
    opt = fa.Adam(
        np.ones(3), state_bits=np.uint8(16), rounding=np.str_("nearest"), min_quantized_size=4e3, seed=Decimal(7)
    )
    found = [getattr(opt, name) for name in FIXED]
    assert found == [16, "nearest", 4000, 7]
    assert [type(value) for value in found] == [int, str, int, int]
    assert fa.Adam(np.ones(3), min_quantized_size=0, seed=2**32 - 1).seed == 2**32 - 1


class Mine(fa.Adam):
    """A rule with other defaults."""

    state_bits, rounding, min_quantized_size, seed = 8, "nearest", 2, 9


def test_the_attribute_of_a_class_is_its_default():
    p = np.ones(512, np.float32)
    for cls in (Mine, type("Mine", (Mine,), {})):
        opt = cls(p)
        assert [getattr(opt, name) for name in FIXED] == [8, "nearest", 2, 9]
        assert {name: cls.defaults[name] for name in FIXED} == dict(zip(FIXED, (8, "nearest", 2, 9), strict=True))
        assert opt.nbytes == 2 * (512 + 2 * 4 + 56)  # codes, headers, and up to a whole cache line
        assert [inspect.signature(cls).parameters[name].default for name in FIXED] == [8, "nearest", 2, 9]
    assert Mine(p, state_bits=32).nbytes == 2 * 4 * 512
    assert Mine(p, groups={"*": {"state_bits": 16}}).nbytes == 2 * 2 * 512
    assert type("Mine", (Mine,), {"state_bits": 16})(p).nbytes == 2 * 2 * 512
    assert fa.Adam(p).nbytes == 2 * 4 * 512


@every_option
def test_a_rule_cannot_call_a_hyperparameter_of_its_own_so(name):
    source = {"coefficients": staticmethod(eval(f"lambda t, lr=0.1, {name}=0: (lr,)")), "update": fa.SGD.update}
    with pytest.raises(TypeError, match=f"^Own: expected hyperparameters of other names than {name}$"):
        type("Own", (fa.Optimizer,), source)


def make(**hyper):
    """Weights, and an optimizer of them with a group, after a step."""
    params = {"a": np.linspace(-1, 1, 300, dtype=np.float32), "b": np.ones(5, np.float32)}
    opt = fa.Adam(params, **hyper, groups={"a": {"lr": 0.5}, "b": {"seed": 3}})
    opt.step({name: 0.1 * p for name, p in params.items()})
    return params, opt


@pytest.mark.parametrize("hyper", [{}, SMALL], ids=["32", "8"])
@every_option
def test_an_option_cannot_be_changed_later_and_the_refusal_names_it_and_changes_nothing(name, hyper):
    (params, opt), (expected, twin) = make(**hyper), make(**hyper)
    for owner in (opt, opt.groups["a"], opt.groups["b"]):
        match = rf"^Adam: expected {name} to stay {getattr(owner, name)!r}, not become {OTHERS[name]!r}:"
        with refused(opt, params.values(), ValueError, match):
            setattr(owner, name, OTHERS[name])
    for each, arrays in ((opt, params), (twin, expected)):
        each.step({key: p * p for key, p in arrays.items()})
    assert [bits(params[key]) for key in params] == [bits(expected[key]) for key in params]
    assert repr(opt) == repr(twin)


@pytest.mark.parametrize("hyper", [{}, SMALL], ids=["32", "8"])
@every_option
def test_an_option_can_be_assigned_what_it_is(name, hyper):
    params, opt = make(**hyper)
    with_group = [opt, opt.groups["a"], opt.groups["b"]]
    before = repr(opt)
    for owner in with_group:
        setattr(owner, name, getattr(owner, name))
    assert repr(opt) == before
    opt.lr = 0.25  # other hyperparameters still change, and a group's own option is no obstacle
    assert [owner.lr for owner in with_group] == [0.25, 0.5, 0.25]
    opt.step(params)


def test_which_states_are_nonnegative_belongs_to_the_class():
    opt = fa.Adam(np.ones(3))
    assert opt.nonnegative == ("v",)
    with pytest.raises(AttributeError, match="nonnegative cannot be assigned"):
        opt.nonnegative = ()
    with pytest.raises(TypeError, match="no hyperparameter 'nonnegative'"):
        fa.Adam(np.ones(3), nonnegative=("m",))


@pytest.mark.parametrize(
    "value", ["v", "m", "", ("u",), ("v", "V"), ("v", ""), [1], {"v": 1, "r": 2}, ("mv",)], ids=repr
)
def test_nonnegative_that_is_no_tuple_of_states_cannot_be_declared(value):
    kinds = "of m, v, " if isinstance(value, tuple | list) else ""
    match = rf"^Mine\.nonnegative: expected (a tuple of )?names of states, {kinds}not "
    with pytest.raises(TypeError, match=match):
        type("Mine", (fa.Adam,), {"nonnegative": value})


@pytest.mark.parametrize("value", [(), ("v",), ("v", "m"), ["m"]], ids=repr)
def test_nonnegative_may_name_any_states(value):
    (rule,) = type("Mine", (fa.Adam,), {"nonnegative": value}).rules.values()
    assert rule.nonnegative == tuple(state in value for state in ("m", "v"))


class Signed(fa.Optimizer):
    """A rule with a state of either sign and two that are never negative, none of which it declares."""

    @staticmethod
    def coefficients(t, lr=0.1):
        return lr, 0.5

    @staticmethod
    def update(p, g, m, v, top, /, lr, half):
        m += half * (g - m)
        v += half * (g * g - v)
        return p - lr * m, m, v, max(top, abs(g))


class Declared(Signed):
    """The same, declared."""

    nonnegative = ("v", "top")


class Partly(Signed):
    """The same, half of it declared."""

    nonnegative = ("top",)


SMALL = {"state_bits": 8, "min_quantized_size": 0}


@pytest.mark.parametrize("hyper", [SMALL, {"groups": {"*": SMALL}}], ids=["opt", "group"])
@pytest.mark.parametrize(("cls", "names"), [(Signed, "v, top"), (Partly, "v")])
def test_a_rule_in_8_bits_that_does_not_declare_what_is_never_negative_warns_in_the_users_line(cls, names, hyper):
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(UserWarning, match="was never negative") as caught:
        cls(np.ones(3), **hyper)
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line)
    assert str(warning.message).startswith(f"{cls.__name__}: {names} was never negative in a trial;")
    assert "nonnegative = ('v', 'top') in the class" in str(warning.message)


@pytest.mark.parametrize(
    ("cls", "bits"), [(Declared, 8), (Signed, 16), (Signed, 32)], ids=["declared", "16 bits", "32 bits"]
)
def test_a_rule_that_declares_it_or_is_not_in_8_bits_does_not_warn(cls, bits, recwarn):
    cls(np.ones(3), state_bits=bits, min_quantized_size=0)
    assert not recwarn.list


def test_a_rule_of_which_no_array_is_in_8_bits_does_not_warn(recwarn):
    Signed([np.ones(3), np.ones(5000)], state_bits=8, groups={"1": {"state_bits": 16}})
    assert not recwarn.list


class Follows(fa.Optimizer):
    """A rule with a mean of the weights, which has their signs."""

    @staticmethod
    def coefficients(t, lr=0.1):
        return (lr,)

    @staticmethod
    def update(p, g, mean, /, lr):
        return p - lr * g, mean + lr * (p - mean)


def test_a_state_that_follows_the_weights_is_none_to_warn_of(recwarn):
    Follows(np.ones(3), **SMALL)
    assert not recwarn.list


def test_a_rule_may_leave_out_a_state_that_its_parent_declares():
    def update(p, g, m, /, lr, a1, a2, rescale, eps):
        return p - lr * g, m

    (rule,) = type("Mine", (fa.Adam,), {"update": staticmethod(update)}).rules.values()
    assert rule.nonnegative == (False,)


@pytest.mark.parametrize(("cls", "hyper"), OWN)
def test_no_rule_of_ours_warns_in_8_bits(cls, hyper, recwarn):
    cls(np.ones(3), **SMALL)
    cls(np.ones(3), **hyper, **SMALL)
    assert not recwarn.list


def test_a_rule_that_cannot_be_tried_in_python_is_none_to_warn_of(recwarn):
    def update(p, g, v, /, lr):
        return p - lr / (v - v), v

    functions = {"coefficients": staticmethod(lambda t, lr=0.1: (lr,)), "update": staticmethod(update)}
    type("Fails", (fa.Optimizer,), functions)(np.ones(3), **SMALL)
    assert not recwarn.list


def test_repr_shows_the_options_where_the_state_is_not_of_32_bits():
    p = {"a": np.ones(3), "b": np.ones(3)}
    shown = "state_bits=8, rounding='stochastic', min_quantized_size=4096, seed=0"
    assert not any(name in repr(fa.Adam(p, min_quantized_size=3, seed=1, rounding="nearest")) for name in FIXED)
    assert repr(fa.Adam(p, state_bits=8)).endswith(f"maximize=False, {shown})")
    opt = fa.Adam(p, groups={"a": {"state_bits": 8}})
    assert repr(opt).count(shown) == repr(opt).count("state_bits") == 1
    assert repr(opt.groups["a"]).endswith(shown)
    opt = fa.Adam(p, state_bits=8, groups={"a": {"state_bits": 32}})
    assert repr(opt).count(shown) == repr(opt).count("state_bits") == 1
    assert "state_bits" not in repr(opt.groups["a"])


@pytest.mark.parametrize("cls", OPTIMIZERS)
@every_option
def test_signature_and_documentation_know_the_options(cls, name):
    one = inspect.signature(cls).parameters[name]
    assert one.default == FIXED[name] == cls.defaults[name]
    assert one.annotation is type(FIXED[name])
    assert inspect.getdoc(getattr(cls, name)) == meaning(name)
    assert f"`{name}`" in inspect.getdoc(fa.Optimizer)


def test_the_documentation_of_an_option_says_what_it_may_be():
    assert "one of 8, 16, 32" in meaning("state_bits")
    assert "one of stochastic, nearest" in meaning("rounding")
    assert "at least 0" in meaning("min_quantized_size")
