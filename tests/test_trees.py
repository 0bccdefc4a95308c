"""Containers: parameters, gradients, state and counts in the same structure, whatever it is."""

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from catalogue import ADAM
from layouts import bits, numbers

import fastadapt as fa

Layer = namedtuple("Layer", "W b")
SHAPES = [(3, 5), (7,), (), (0,), (257,)]


def arrays(seed=0):
    """Five arrays."""
    return [numbers(shape, np.float32, seed + k) for k, shape in enumerate(SHAPES)]


NESTS = {
    "list": list,
    "tuple": tuple,
    "dict": lambda a: dict(zip("abcde", a, strict=True)),
    "numbered dict": lambda a: dict(enumerate(a)),
    "namedtuples": lambda a: [Layer(a[0], a[1]), Layer(a[2], Layer(a[3], a[4]))],
    "nested": lambda a: {"net": [{"W": a[0], "b": a[1]}, (a[2], [])], "last": {"deep": {"er": [a[3], (a[4],)]}}},
    "one each": lambda a: [[[[a[0]]], a[1]], [[a[2]], [[a[3]], [[a[4]]]]]],
}


def leaves(tree):
    """The arrays of a tree, by a way of the tests' own."""
    if isinstance(tree, dict | list | tuple):
        return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(part)]
    return [tree]


def structure(tree):
    """The containers and keys of a tree without its arrays."""
    if isinstance(tree, dict):
        return {key: structure(part) for key, part in tree.items()}
    return (type(tree), *map(structure, tree)) if isinstance(tree, list | tuple) else None


@pytest.mark.parametrize("name", NESTS)
def test_arrays_in_a_nest_are_updated_as_each_alone(name):
    alone, together, grads = arrays(), arrays(), arrays(10)
    params = NESTS[name](together)
    opt = fa.Adam(params, **ADAM)
    for _ in range(3):
        opt.step(NESTS[name](grads))
    for p, g in zip(alone, grads, strict=True):
        one = fa.Adam(p, **ADAM)
        for _ in range(3):
            one.step(g)
    assert [bits(p) for p in together] == [bits(p) for p in alone]


@pytest.mark.parametrize("name", NESTS)
def test_state_and_counts_have_the_structure_of_params(name):
    params = NESTS[name](arrays())
    opt = fa.Adam(params)
    assert list(opt.state) == ["m", "v"]
    assert structure(opt.state["m"]) == structure(opt.counts) == structure(params)
    assert leaves(opt.counts) == [0] * 5
    assert [m.shape for m in leaves(opt.state["m"])] == SHAPES


def test_a_single_array_has_state_and_count_without_a_container(device):
    opt = fa.Adam(device.array(np.zeros((3, 5), np.float32)))
    opt.step(device.array(np.ones((3, 5), np.float32)))
    assert (opt.state["m"].shape, opt.counts, opt.t) == ((3, 5), 1, 1)
    assert fa.SGD(device.array(np.zeros(3))).state == {}


def test_containers_of_gradients_need_be_of_the_same_kind_only():
    for params, grads in [
        (arrays(), tuple(arrays(10))),
        (Layer(*arrays()[:2]), arrays(10)[:2]),
        ({"a": arrays()[0], "b": arrays()[1]}, OrderedDict(b=arrays(10)[1], a=arrays(10)[0])),
        ([{0: arrays()[0], "0": arrays()[1]}], (defaultdict(list, {"0": arrays(10)[1], 0: arrays(10)[0]}),)),
    ]:
        fa.SGD(params, lr=1.0).step(grads)
        expected = [p - g for p, g in zip(arrays(), arrays(10), strict=True)]
        for p, wanted in zip(leaves(params), expected, strict=False):
            assert bits(p) == bits(wanted)


def test_the_order_of_keys_may_differ_in_gradients_and_change_in_params():
    params, grads = NESTS["dict"](arrays()), NESTS["dict"](arrays(10))
    opt = fa.SGD(params, lr=1.0)
    opt.step(dict(reversed(grads.items())))
    params["a"] = params.pop("a")
    opt.step(grads)
    for key, p, g in zip("abcde", arrays(), arrays(10), strict=True):
        assert bits(params[key]) == bits(p - g - g)


@pytest.mark.parametrize("missing", [{0}, {4}, {0, 1}, {1, 3}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}])
def test_an_array_without_a_gradient_is_left_alone_with_its_state_and_count(device, missing):
    params = [device.array(p) for p in arrays()]
    opt = fa.Adam(params, **ADAM)
    opt.step([device.array(g) for g in arrays(10)])
    before = [bits(device.numpy(a)) for tree in (params, opt.state["m"], opt.state["v"]) for a in tree]
    opt.step([None if k in missing else device.array(g) for k, g in enumerate(arrays(20))])
    after = [bits(device.numpy(a)) for tree in (params, opt.state["m"], opt.state["v"]) for a in tree]
    same = [was == now for was, now in zip(before, after, strict=True)]
    empty = SHAPES.index((0,))
    assert same == [k in missing or k == empty for k in range(5)] * 3
    assert opt.counts == [1 if k in missing else 2 for k in range(5)]
    assert opt.t == 2


@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_array_whose_first_gradient_comes_late_has_the_bias_correction_of_its_own_steps(device, first):
    alone, p = device.array(np.ones(300, np.float32)), [device.array(np.ones(300, np.float32)) for _ in range(3)]
    g = device.array(np.full(300, 0.3, np.float32))
    opt, one = fa.Adam(p), fa.Adam(alone)
    for t in range(4):
        opt.step([g if k == first or t > 1 else None for k in range(3)])
    for _ in range(2):
        one.step(g)
    assert opt.counts == [4 if k == first else 2 for k in range(3)]
    assert all(bits(device.numpy(q)) == bits(device.numpy(alone)) for k, q in enumerate(p) if k != first)


def test_none_stands_for_a_container_and_for_all():
    params, grads = NESTS["nested"](arrays()), NESTS["nested"](arrays(10))
    opt = fa.SGD(params, lr=1.0)
    opt.step({"net": None, "last": grads["last"]})
    assert leaves(opt.counts) == [0, 0, 0, 1, 1]
    opt.step({"net": [grads["net"][0], None], "last": {"deep": None}})
    opt.step(None)
    expected = [p if k == 2 else p - g for k, (p, g) in enumerate(zip(arrays(), arrays(10), strict=True))]
    assert [bits(p) for p in leaves(params)] == [bits(p) for p in expected]
    assert (leaves(opt.counts), opt.t) == ([1, 1, 0, 1, 1], 3)


def test_one_gradient_may_serve_many_arrays():
    params, g = [np.zeros(5, np.float32) for _ in range(4)], np.arange(5, dtype=np.float32)
    fa.SGD(params, lr=1.0).step([g] * 4)
    assert all(bits(p) == bits(0 - g) for p in params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nbytes_is_the_state_and_no_more_than_a_cache_line_beside_each_array(dtype):
    params = [np.zeros(n, dtype) for n in (0, 1, 16, 1000)]
    exact = sum(p.nbytes for p in params)
    assert 2 * exact <= fa.Adam(params).nbytes <= 2 * (exact + 64 * len(params))
    assert fa.SGD(params).nbytes == 0
    assert exact <= fa.SGD(params, momentum=0.9).nbytes <= exact + 64 * len(params)
