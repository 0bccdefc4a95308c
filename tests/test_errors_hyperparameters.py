"""Unknown and wrong hyperparameters, scales and streams are errors that say what was expected."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from layouts import bits
from untouched import refused, refused_everywhere

import fastadapt as fa
from fastadapt.hyperparameters import FIXED, known

KINDS = ["1e-3", b"1", None, True, np.True_, [0.1], (0.1,), {}, 1j, np.complex64(1), np.complex128(1), "nan", object()]
KINDS += [np.array([0.1]), np.array([0.1, 0.2]), np.array("0.1"), np.str_("0.1"), np.datetime64(1, "s"), len]
VALUES = [float("nan"), float("inf"), -float("inf"), np.float32("nan"), Decimal("1e400")]
BELOW_ONE = {"beta1", "beta2", "rho", "momentum", "dampening"}


@pytest.mark.parametrize("value", KINDS, ids=repr)
def test_a_hyperparameter_that_is_not_a_number_is_a_type_error(value):
    refused_everywhere(fa.Adam, "lr", value, TypeError)


@pytest.mark.parametrize("value", [1, 0, 1.0, "True", None, np.int64(1), [], np.array([True])], ids=repr)
def test_a_switch_that_is_not_true_or_false_is_a_type_error(value):
    refused_everywhere(fa.SGD, "nesterov", value, TypeError)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_hyperparameter_that_is_not_finite_is_a_value_error(value):
    refused_everywhere(fa.Adam, "lr", value, ValueError)


@pytest.mark.parametrize("name", ["max_norm", "max_value"])
def test_a_limit_may_be_infinite_and_nothing_else_that_is_not_finite(name):
    for value in VALUES:
        if float(value) == float("inf"):
            fa.Adam(np.ones(3), **{name: value})
        else:
            refused_everywhere(fa.Adam, name, value, ValueError)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_every_hyperparameter_of_a_rule_is_checked(cls):
    for name, value in cls.defaults.items():
        if isinstance(value, bool):
            refused_everywhere(cls, name, 1, TypeError)
        elif name not in FIXED and not known(name).choices:
            refused_everywhere(cls, name, "0.1", TypeError)
            refused_everywhere(cls, name, float("nan"), ValueError)
            if known(name).least is not None:
                refused_everywhere(cls, name, -1e-9, ValueError)
        if name in BELOW_ONE:
            refused_everywhere(cls, name, 1.0, ValueError)


def test_an_integer_beyond_floats_is_a_value_error():
    refused_everywhere(fa.Adam, "lr", 10**400, ValueError)


@pytest.mark.parametrize("cls", [fa.SGD, fa.Adam])
@pytest.mark.parametrize("name", ["LR", "learning_rate", "beta3", "t", "state", "step", "param", "stream"])
def test_an_unknown_hyperparameter_is_a_type_error_that_lists_those_there_are(cls, name):
    p = np.ones(3)
    with pytest.raises(TypeError, match=rf"{cls.__name__}: .*'{name}'.*lr.*weight_decay.*maximize"):
        cls(p, **{name: 0.1})
    with pytest.raises((TypeError, AttributeError), match=name):
        setattr(cls(p), name, 0.1)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_what_is_no_attribute_is_an_attribute_error(cls):
    opt = cls(np.ones(3), groups={"*": {}})
    for owner in (opt, opt.groups["*"]):
        with pytest.raises(AttributeError, match="learning_rate"):
            owner.learning_rate  # noqa: B018
    assert not hasattr(opt, "_nothing")


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.float16(0.5), Fraction(1, 2), Decimal("0.5"),
                                   np.array(0.5), np.longdouble(0.5)], ids=repr)  # fmt: skip
def test_any_real_number_is_a_hyperparameter(value):
    p, expected = np.ones(3, np.float32), np.ones(3, np.float32)
    fa.Adam(p, lr=value, beta1=value).step(p)
    fa.Adam(expected, lr=0.5, beta1=0.5).step(expected)
    assert bits(p) == bits(expected)


def test_a_numpy_bool_is_a_switch_and_an_integer_a_number():
    assert fa.SGD(np.ones(3), momentum=0.5, nesterov=np.True_).nesterov is True
    assert fa.SGD(np.ones(3), lr=1).lr == fa.SGD(np.ones(3), lr=np.int8(1)).lr == 1.0
    assert fa.SGD(np.ones(3), lr=0).lr == 0.0


@pytest.mark.parametrize(("hyper", "match"), [
    ({"nesterov": True}, "momentum with nesterov"),
    ({"dampening": 0.1}, "momentum.*dampening"),
    ({"nesterov": True, "dampening": 0.1}, "momentum"),
])  # fmt: skip
def test_options_that_mean_nothing_without_momentum_are_refused(hyper, match):
    with pytest.raises(ValueError, match=f"^SGD: .*{match}"):
        fa.SGD(np.ones(3), **hyper)
    with pytest.raises(ValueError, match=rf"^groups\['\*'\]: SGD: .*{match}"):
        fa.SGD(np.ones(3), groups={"*": hyper})


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -float("inf"), np.float32("nan"), np.float64("inf")])
def test_a_scale_that_is_not_finite_is_a_value_error(scale):
    p = np.ones(3, np.float32)
    opt = fa.Adam(p)
    with refused(opt, [p], ValueError, "scale"):
        opt.step(p, scale)


@pytest.mark.parametrize("scale", ["1", None, 1j, [1.0], np.array([1.0]), np.array([1.0, 2.0])], ids=repr)
def test_a_scale_that_is_not_a_number_is_a_type_error(scale):
    p = np.ones(3, np.float32)
    opt = fa.Adam(p)
    with refused(opt, [p], TypeError, "scale"):
        opt.step(p, scale)


@pytest.mark.parametrize("scale", [1, 0.5, np.float32(0.5), np.float16(2), np.float64(-1), np.int64(2), np.array(0.5)])
def test_any_real_number_is_a_scale(scale):
    fa.SGD(p := np.ones(3, np.float32), lr=1.0).step(np.ones(3, np.float32), scale)
    assert p.tolist() == [1 - float(scale)] * 3


@pytest.mark.parametrize("dtypes", [[np.float32], [np.float32, np.float64]])
def test_a_stream_on_the_cpu_is_a_value_error(dtypes):
    params = [np.ones(3, dtype) for dtype in dtypes]
    opt = fa.Adam(params)
    with refused(opt, params, ValueError, "stream.*CPU"):
        opt.step(params, stream=0)


def test_the_base_class_is_no_optimizer():
    with pytest.raises(TypeError, match="Optimizer: expected a subclass"):
        fa.Optimizer(np.ones(3))


def test_the_old_name_of_a_hyperparameter_is_told_the_new_one():
    with pytest.raises(TypeError, match=r"^Adam: the hyperparameter 'small_from' is now called 'min_quantized_size'$"):
        fa.Adam(np.ones(3), small_from=0)
