"""fa.flatten: one buffer, and the tree as views into it."""

import numpy as np
import pytest
from catalogue import ADAM
from layouts import GAPPY, LAYOUTS, SIZE, bits, numbers

import fastadapt as fa


def tree(dtype=np.float32):
    """Arrays of several layouts, nested."""
    a, b, c, d = (LAYOUTS[name](numbers(SIZE, dtype, 0)) for name in ("C", "transposed", "0-d", "reversed"))
    return {"W": a, "rest": [b, (c, np.zeros((0, 3), dtype)), d]}


def leaves(views):
    """The arrays of that tree, in order."""
    return [views["W"], views["rest"][0], *views["rest"][1], views["rest"][2]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_buffer_holds_the_values_array_after_array_in_c_order(dtype):
    params = tree(dtype)
    flat, views = fa.flatten(params)
    assert (flat.dtype, flat.ndim) == (dtype, 1)
    assert bits(flat) == b"".join(bits(p) for p in leaves(params))
    assert [v.shape for v in leaves(views)] == [p.shape for p in leaves(params)]
    assert type(views["rest"][1]) is tuple


def test_views_share_the_memory_of_the_buffer_and_not_of_the_arrays():
    params = tree()
    flat, views = fa.flatten(params)
    flat[...] = np.arange(flat.size)
    assert b"".join(bits(v) for v in leaves(views)) == bits(flat)
    views["W"][0, 1] = -1
    assert flat[1] == -1
    assert not any(np.shares_memory(flat, p) for p in leaves(params))


def test_a_step_on_the_buffer_is_a_step_on_the_views():
    (flat, views), (g, g_views) = fa.flatten(tree()), fa.flatten(tree())
    other, other_views = fa.flatten(tree())
    fa.Adam(flat, **ADAM).step(g)
    fa.Adam(other_views, **ADAM).step(g_views)
    assert bits(flat) == bits(other)
    assert bits(views["W"]) == bits(other_views["W"])


@pytest.mark.parametrize("name", GAPPY)
def test_a_single_array_becomes_a_single_view(name):
    p = LAYOUTS[name](numbers(SIZE, np.float64, 0))
    flat, view = fa.flatten(p)
    assert (view.shape, bits(view), bits(flat)) == (p.shape, bits(p), bits(p))


def test_one_array_may_be_given_twice_as_its_values_are_copied():
    p = np.ones(3)
    flat, (a, b) = fa.flatten([p, p])
    a[:] = 2
    assert flat.tolist() == [2, 2, 2, 1, 1, 1]
    assert b.tolist() == p.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("params", "match"), [
    ([np.zeros(3), np.zeros(3, np.float32)], r"params\[1\]: expected float64.*float32"),
    ({"a": np.zeros(3, np.int64)}, r'params\["a"\].*int64'),
    ([np.zeros(3), [1.0]], r"params\[1\]\[0\].*float"),
    (np.zeros(3, ">f8"), "params.*>f8"),
    (3.0, "params.*float"),
])  # fmt: skip
def test_arrays_of_another_type_are_refused_by_name(params, match):
    with pytest.raises(TypeError, match=match):
        fa.flatten(params)
