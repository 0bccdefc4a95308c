"""A gradient or structure that does not fit: an error that names the array, and nothing is touched."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from layouts import numbers
from untouched import FakeCuda, leaves, refused

import fastadapt as fa

PATHS = ['["layer1"]["W"]', '["layer1"]["b"]', '["out"][0]', '["out"][1]', "[3]"]


def network(seed=0):
    """Arrays of both types, one of them gappy, all of ten weights."""
    a, b, c, d = (numbers(10, np.float32, seed + k) for k in range(4))
    return {"layer1": {"W": a, "b": b}, "out": [c.astype(np.float64), numbers(20, np.float32, seed)[::2]], 3: d}


def stepped(**options):
    """Parameters, and an optimizer that has taken a step."""
    params = network()
    opt = fa.Adam(params, **options)
    opt.step(network(10))
    return params, opt


def with_leaf(k, leaf):
    """Gradients, the k-th of which is `leaf`."""
    g = network(20)
    parent, key = [(g["layer1"], "W"), (g["layer1"], "b"), (g["out"], 0), (g["out"], 1), (g, 3)][k]
    parent[key] = leaf
    return g


VALUES = {shape: np.zeros(shape, np.float32) for shape in [(1, 10), (10, 1), (9,), (11,), (0,), (), (5, 2)]}
DTYPES = ["c8", "c16", "i4", "i8", "u1", "?", "O", "U3", "S4", "M8[s]", "g", ">i4", "f4,f4"]
KINDS = [
    ([1.0] * 10, "list"),
    (tuple([1.0] * 10), "tuple"),
    (1.0, "float"),
    ("gradient", "str"),
    (range(10), "range"),
    ({"a": np.zeros(10)}, "dict"),
    (np.ma.masked_array(np.zeros(10), [True] + [False] * 9), "MaskedArray"),
    (memoryview(bytearray(80)), "memoryview"),
    (np.array, "builtin"),
]


@pytest.mark.parametrize(("k", "shape"), [*((k, (1, 10)) for k in range(5)), *((3, shape) for shape in VALUES)])
def test_a_gradient_of_another_shape_is_refused_by_name(k, shape):
    params, opt = stepped()
    message = f"params{PATHS[k]}: expected gradient of shape (10,), not {shape}"
    with refused(opt, leaves(params), ValueError, f"^{re.escape(message)}$"):
        opt.step(with_leaf(k, VALUES[shape]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_is_not_of_floats_is_refused_by_name(dtype):
    params, opt = stepped()
    g = np.zeros(10, dtype)
    with refused(opt, leaves(params), TypeError, re.escape(f"params{PATHS[1]}: ") + f".*{re.escape(str(g.dtype))}"):
        opt.step(with_leaf(1, g))


@pytest.mark.parametrize(("leaf", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_a_gradient_that_is_not_an_array_is_refused_by_name(leaf, kind):
    params, opt = stepped()
    with refused(opt, leaves(params), TypeError, re.escape(f"params{PATHS[3]}: ") + f".*{kind}"):
        opt.step(with_leaf(3, leaf))


@pytest.mark.parametrize("k", range(5))
def test_a_gradient_on_another_device_is_refused_by_name(k):
    params, opt = stepped()
    with refused(opt, leaves(params), TypeError, re.escape(f"params{PATHS[k]}: ") + ".*CPU.*CUDA"):
        opt.step(with_leaf(k, FakeCuda((10,))))


def test_a_numpy_gradient_of_a_cuda_array_is_refused_by_name(device):
    params = [device.array(np.zeros(10, np.float32)) for _ in range(2)]
    opt = fa.SGD(params, lr=1.0)
    wrong = np.zeros(10, np.float32) if device.name == "cuda" else FakeCuda((10,))
    with pytest.raises(TypeError, match=r"params\[1\]: .*device"):
        opt.step([device.array(np.ones(10, np.float32)), wrong])
    assert [device.numpy(p).any() for p in params] == [False, False]
    assert (opt.t, opt.counts) == (0, [0, 0])


@pytest.mark.parametrize(("leaf", "error", "match"), [
    (np.zeros((1, 10)), ValueError, r"^params: expected gradient of shape \(10,\), not \(1, 10\)$"),
    (np.zeros(10, np.int64), TypeError, "^params: .*int64"),
    ([np.zeros(10)], TypeError, "^params: .*list"),
    ({}, TypeError, "^params: .*dict"),
])  # fmt: skip
def test_the_gradient_of_a_single_array_is_refused_as_params(leaf, error, match):
    p = np.ones(10)
    opt = fa.Adam(p)
    with refused(opt, [p], error, match):
        opt.step(leaf)


def test_the_first_array_that_does_not_fit_is_named():
    params, opt = stepped()
    g = with_leaf(1, np.zeros(9))
    g["out"][1] = None
    g[3] = np.zeros(8)
    with refused(opt, leaves(params), ValueError, "layer1.*b.*(9,)"):
        opt.step(g)


def other(**changes):
    """Gradients with some parts replaced; `...` takes a part out."""
    return {key: part for key, part in (network(20) | changes).items() if part is not ...}


G = network(20)
STRUCTURES = {
    "a key is missing": (other(out=...), ValueError, '^grads: .*"out"'),
    "a key is unknown": (other(bias=G[3]), ValueError, '^grads: .*"bias"'),
    "a key below is missing": (other(layer1={"W": G[3]}), ValueError, r'^grads\["layer1"\]: .*"b"'),
    "a key below is misspelt": (other(layer1={"W": G[3], "B": G[3]}), ValueError, r'^grads\["layer1"\]: .*"B".*"b"'),
    "a number is not its text": ({"layer1": G["layer1"], "out": G["out"], "3": G[3]}, ValueError, "^grads: .*3"),
    "one too few": (other(out=G["out"][:1]), ValueError, r'^grads\["out"\]: expected 2 items.*not 1'),
    "one too many": (other(out=[*G["out"], G[3]]), ValueError, r'^grads\["out"\]: expected 2 items.*not 3'),
    "a dict for a list": (other(out=dict(enumerate(G["out"]))), TypeError, r'^grads\["out"\]: .*list.*dict'),
    "a list for a dict": (other(layer1=list(G["layer1"].values())), TypeError, r'^grads\["layer1"\]: .*dict.*list'),
    "an array for a list": (other(out=np.zeros((2, 10))), TypeError, r'^grads\["out"\]: .*list.*ndarray'),
    "text for a list": (other(out="gg"), TypeError, r'^grads\["out"\]: .*list.*str'),
    "a number for a dict": (other(layer1=0.0), TypeError, r'^grads\["layer1"\]: .*dict.*float'),
    "a generator": (other(out=(g for g in G["out"])), TypeError, r'^grads\["out"\]: .*list.*generator'),
    "a set": (other(out={1, 2}), TypeError, r'^grads\["out"\]: .*list.*set'),
    "an object": (SimpleNamespace(layer1=G["layer1"]), TypeError, "^grads: .*dict.*SimpleNamespace"),
    "a list": (leaves(G), TypeError, "^grads: .*dict.*list"),
    "an array": (np.zeros(50), TypeError, "^grads: .*dict.*ndarray"),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_gradients_in_another_structure_are_refused_where_it_differs(name):
    grads, error, match = STRUCTURES[name]
    params, opt = stepped()
    with refused(opt, leaves(params), error, match):
        opt.step(grads)


@pytest.mark.parametrize("groups", [None, {"layer1.*": {"lr": 0.5}}])
def test_after_an_error_the_next_step_is_as_if_it_had_not_been(groups):
    params, opt = stepped(groups=groups)
    expected, same = stepped(groups=groups)
    for leaf in (np.zeros(9), np.zeros(10, np.int32), FakeCuda((10,))):
        with pytest.raises((TypeError, ValueError)):
            opt.step(with_leaf(4, leaf))
    opt.step(network(30))
    same.step(network(30))
    assert [p.tobytes() for p in leaves(params)] == [p.tobytes() for p in leaves(expected)]
