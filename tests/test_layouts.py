"""Arrays of every layout are updated as their contiguous copies are, and nothing beside them is touched."""

import numpy as np
import pytest
from catalogue import ADAM
from conftest import SLOW, Cpu
from layouts import DENSE, LAYOUTS, SIZE, bits, numbers, place

import fastadapt as fa

RUNS = [(fa.Adam, ADAM | {"weight_decay": 0.05}, np.float32), (fa.SGD, {"lr": 0.1}, np.float64)]
STEPS = 1 if SLOW else 3


def contiguous_run(device, cls, hyper, p, grads):
    """A C-ordered copy of `p` after steps along copies of `grads`, and the state, in NumPy."""
    p = device.array(np.array(p, order="C"))
    opt = cls(p, **hyper)
    for g in grads:
        opt.step(device.array(np.array(g, order="C")))
    return device.numpy(p), {name: device.numpy(state) for name, state in opt.state.items()}


@pytest.mark.parametrize(("cls", "hyper", "dtype"), RUNS, ids=["Adam", "SGD"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_parameter_of_any_layout_is_updated_as_its_copy_and_nothing_beside_it(device, name, cls, hyper, dtype):
    base = numbers(SIZE, dtype, 0)
    view = LAYOUTS[name](base)
    grads = [numbers(view.shape, dtype, t + 1) for t in range(STEPS)]
    expected, state = contiguous_run(device, cls, hyper, view, grads)
    wanted = base.copy()
    LAYOUTS[name](wanted)[...] = expected

    whole, p = place(device, base, view)
    opt = cls(p, **hyper)
    for g in grads:
        opt.step(device.array(g))
    assert bits(device.numpy(whole)) == bits(wanted)
    assert opt.t == opt.counts == STEPS
    assert opt.state.keys() == state.keys()
    for key in state:
        assert bits(device.numpy(opt.state[key])) == bits(state[key])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_gradient_of_any_layout_is_read_as_its_copy(device, name):
    base = numbers(SIZE, np.float32, 0)
    view = LAYOUTS[name](base)
    start = numbers(view.shape, np.float32, 1)
    expected, _ = contiguous_run(device, fa.Adam, ADAM, start, [view])
    whole, g = place(device, base, view)
    p = device.array(start.copy())
    fa.Adam(p, **ADAM).step(g)
    assert bits(device.numpy(p)) == bits(expected)
    assert bits(device.numpy(whole)) == bits(base)


SAME_SHAPE = {
    "C": LAYOUTS["C"],
    "F": LAYOUTS["transposed"],
    "gappy": lambda base: base[:60].reshape(5, 12)[1:, ::2],
    "reversed": LAYOUTS["columns reversed"],
}
BROADCAST = {
    "one row": lambda base: np.broadcast_to(base[:6], (4, 6)),
    "one column": lambda base: np.broadcast_to(base[:4, None], (4, 6)),
    "one number": lambda base: np.broadcast_to(base[:1], (4, 6)),
    "overlapping": lambda base: np.lib.stride_tricks.sliding_window_view(base[:9], 6),
}


@pytest.mark.parametrize("of_g", SAME_SHAPE | BROADCAST)
@pytest.mark.parametrize("of_p", SAME_SHAPE)
@pytest.mark.parametrize("g_dtype", [np.float32, np.float16])
def test_strides_of_the_gradient_need_not_be_those_of_the_parameter(device, of_p, of_g, g_dtype):
    base = numbers(SIZE, np.float32, 0)
    view = SAME_SHAPE[of_p](base)
    g_base = numbers(SIZE, g_dtype, 1)
    g = (SAME_SHAPE | BROADCAST)[of_g](g_base)
    expected, _ = contiguous_run(device, fa.Adam, ADAM, view, [g])
    wanted = base.copy()
    SAME_SHAPE[of_p](wanted)[...] = expected
    whole, p = place(device, base, view)
    fa.Adam(p, **ADAM).step(place(device, g_base, g)[1])
    assert bits(device.numpy(whole)) == bits(wanted)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if LAYOUTS[name](np.zeros(SIZE)).size > 1])
def test_an_element_of_the_state_belongs_to_that_element_of_the_parameter(device, name):
    whole, p = place(device, base := np.zeros(SIZE, np.float32), LAYOUTS[name](base))
    opt = fa.Adam(p, beta1=0.5)
    g = np.zeros(p.shape, np.float32)
    where = np.unravel_index(g.size // 2 + 1 if g.size > 2 else 1, g.shape)
    g[where] = 2.0
    opt.step(device.array(g))
    m = device.numpy(opt.state["m"])
    assert m[where] == 1.0
    assert np.count_nonzero(m) == 1
    assert np.count_nonzero(device.numpy(whole)) == 1


@pytest.mark.parametrize("name", DENSE)
def test_the_state_of_a_dense_parameter_has_its_strides(name):
    p = DENSE[name](np.zeros(SIZE, np.float32))
    m = fa.Adam(p).state["m"]
    strides = [(a, b) for n, a, b in zip(p.shape, p.strides, m.strides, strict=True) if n > 1]
    assert (m.shape, m.dtype) == (p.shape, p.dtype)
    assert p.size == 0 or all(a == b for a, b in strides)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_written_to_the_state_is_what_the_next_step_reads(name):
    p = LAYOUTS[name](np.zeros(SIZE, np.float32))
    m = numbers(p.shape, np.float32, 1)
    opt = fa.SGD(p, lr=1.0, momentum=0.5)
    opt.state["b"][...] = m
    opt.step(np.zeros(p.shape, np.float32))
    assert bits(p) == bits(-(m / 2) + np.float32(0))


def test_arrays_of_many_layouts_take_a_step_together(device):
    bases = [numbers(SIZE, np.float32, k) for k in range(len(LAYOUTS))]
    wanted = [base.copy() for base in bases]
    placed = [place(device, base, of(base)) for of, base in zip(LAYOUTS.values(), bases, strict=True)]
    grads = [numbers(p.shape, np.float32, k + 100) for k, (_, p) in enumerate(placed)]
    for of, base, g in zip(LAYOUTS.values(), wanted, grads, strict=True):
        of(base)[...], _ = contiguous_run(device, fa.Adam, ADAM, of(base), [g])
    fa.Adam([p for _, p in placed], **ADAM).step([device.array(g) for g in grads])
    assert [bits(device.numpy(whole)) for whole, _ in placed] == [bits(base) for base in wanted]


def test_gappy_arrays_may_lie_in_each_others_gaps():
    base = numbers(64, np.float32, 0)
    evens, odds = numbers(32, np.float32, 1), numbers(32, np.float32, 2)
    wanted = base.copy()
    wanted[::2], _ = contiguous_run(Cpu, fa.Adam, ADAM, base[::2], [evens])
    wanted[1::2], _ = contiguous_run(Cpu, fa.Adam, ADAM, base[1::2], [odds])
    fa.Adam([base[::2], base[1::2]], **ADAM).step([evens, odds])
    assert bits(base) == bits(wanted)


@pytest.mark.parametrize("of", [lambda p: p, lambda p: p.T, lambda p: p[::-1], lambda p: p[:, ::-1].T])
def test_the_gradient_may_be_a_view_of_the_whole_parameter(of):
    p = numbers((6, 6), np.float32, 0)
    expected = p - of(p)
    fa.SGD(p, lr=1.0).step(of(p))
    assert bits(p) == bits(expected)
