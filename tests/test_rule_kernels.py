"""A kernel called from Python on few weights is one compiled call, and does what the call by a table does."""

import numpy as np
import pytest
from conftest import FLUSHES, INTERPRETED, for_maintainers
from runs import KERNEL_IDS, KERNELS

import fastadapt as fa
from fastadapt.engine import rule_kernel

AROUND = {"scale": -0.5, "decay": 0.05, "keep": 0.9, "bound": 0.75}
DTYPES = [("float32", "float32"), *for_maintainers(*[("float32", "float64"), ("float64", "float32"), ("float64",) * 2])]
compiled = pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")


@pytest.fixture
def by_table(monkeypatch):
    """A list that grows with each call that is not one compiled call."""
    calls, real = [], rule_kernel.layouts_of
    monkeypatch.setattr(rule_kernel, "layouts_of", lambda *given: (calls.append(given), real(*given))[1])
    return calls


def buffers(states, n=300, dtype="float32", g_dtype="float32"):
    """Weights, a gradient and positive state, with numbers so small that they are denormal in float32 among them."""
    rng = np.random.default_rng(n)
    p, g, *state = rng.standard_normal((2 + states, n)) * 10.0 ** -(rng.integers(0, 3, n) * 20)
    return p.astype(dtype), g.astype(g_dtype), tuple(abs(array).astype(dtype) for array in state)


def adam(coef=None, **around):
    """What a call of Adam's kernel makes of its buffers."""
    p, g, state = buffers(2)
    fa.Adam.kernel(p, g, state, fa.Adam.coefficients(3) if coef is None else coef, **around)
    return [array.tobytes() for array in (p, *state)]


@pytest.mark.parametrize(("dtype", "g_dtype"), DTYPES)
@pytest.mark.parametrize(("cls", "hyper"), KERNELS, ids=KERNEL_IDS)
def test_one_compiled_call_gives_the_bits_of_the_call_by_a_table(cls, hyper, dtype, g_dtype, by_table):
    rule = cls.rules[frozenset(name for name in cls.declaration.switches if hyper.get(name))]
    kernel = getattr(cls, rule.name.replace("update", "kernel"))
    coef = cls.coefficients(3, **{name: value for name, value in hyper.items() if name in cls.declaration.names})
    for n in (0, 1, 7, 257, 1031):
        for around in ({}, AROUND):
            ends = []
            for kind in (tuple, list):  # a list of state, or of coefficients, goes by the table
                p, g, state = buffers(len(rule.states), n, dtype, g_dtype)
                by_table.clear()
                kernel(p, g, kind(state), kind(coef), **around)
                assert INTERPRETED or bool(by_table) == (kind is list)
                ends.append([array.tobytes() for array in (p, *state)])
            assert ends[0] == ends[1]


@compiled
@pytest.mark.parametrize("first", [1, True, np.float32(0.5), np.float64(0.5), 10**30, 1e-40, np.inf])
def test_coefficients_of_any_kind_of_number_are_rounded_as_in_the_table(first, by_table):
    coef = (first, *fa.Adam.coefficients(3)[1:])
    ends = [adam(coef), adam(list(coef))]
    assert len(by_table) == 1
    assert ends[0] == ends[1]


@compiled
@pytest.mark.parametrize("around", [{"scale": 2}, {"bound": np.float32(0.5)}, {"keep": 1e-40}, {"bound": 1e-40}])
def test_what_stands_around_the_rule_is_rounded_as_in_the_table(around, by_table):
    ends = [adam(**around), adam(list(fa.Adam.coefficients(3)), **around)]
    assert len(by_table) == 1
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("value", [1e300, "x"])
def test_a_number_that_the_weights_cannot_hold_is_refused_wherever_it_stands(name, value):
    with pytest.raises(ValueError, match="expected 7 coefficients within float32"):
        adam(**{name: value})


@compiled
def test_a_gradient_may_be_read_only_or_the_weights_themselves_in_one_compiled_call(by_table):
    coef, ends = fa.Adam.coefficients(3), []
    for kind in (tuple, list):
        p, g, state = buffers(2)
        g.flags.writeable = False
        fa.Adam.kernel(p, g, kind(state), coef)
        fa.Adam.kernel(p, p, kind(state), coef)
        fa.Adam.kernel(p, p[:], kind(state), coef)
        ends.append([array.tobytes() for array in (p, *state)])
    assert len(by_table) == 3
    assert ends[0] == ends[1]


def test_a_gradient_of_float16_or_in_the_other_byte_order_is_read_as_ever():
    coef = fa.Adam.coefficients(3)
    for dtype in ("float16", ">f4"):
        ends = []
        for other in (dtype, "float32"):
            p, g, state = buffers(2)
            fa.Adam.kernel(p, g.astype(dtype).astype(other), state, coef)
            ends.append([array.tobytes() for array in (p, *state)])
        assert ends[0] == ends[1]


def test_buffers_that_touch_share_no_memory_and_those_that_overlap_by_one_weight_do():
    coef = fa.Adam.coefficients(3)
    for gap, refused in ((0, False), (1, True)):
        whole = np.ones(40, np.float32)
        p, g, m, v = (whole[k * (10 - gap) :][:10] for k in range(4))
        if refused:
            with pytest.raises(ValueError, match=r"Adam\.kernel: g: expected an array that shares no memory"):
                fa.Adam.kernel(p, g, (m, v), coef)
            assert (whole == 1).all()
        else:
            fa.Adam.kernel(p, g, (m, v), coef)
            assert (p < 1).all()
            assert (g == 1).all()
    wide = np.ones(20)
    with pytest.raises(ValueError, match="shares no memory"):  # the last two weights lie where it begins
        fa.Adam.kernel(wide[1:11].view(np.float32)[:10], wide[5:15], (np.ones(10, "f4"), np.ones(10, "f4")), coef)


def test_state_with_a_mask_is_refused():
    p, g, (m, v) = buffers(2)
    with pytest.raises(TypeError, match=r"Adam\.kernel: v: expected a CPU array"):
        fa.Adam.kernel(p, g, (m, np.ma.array(v)), fa.Adam.coefficients(1))


@pytest.mark.skipif(not FLUSHES, reason="denormal numbers stay what they are here")
def test_a_denormal_result_becomes_zero_in_one_compiled_call_and_nowhere_behind_it(by_table):
    p = np.full(3, 1e-38, np.float32)
    fa.SGD.kernel(p, np.zeros(3, np.float32), (), fa.SGD.coefficients(1), keep=0.5)
    assert not by_table
    assert not p.any()
    assert (np.full(3, 1e-38, np.float32) * np.float32(0.5)).all()
