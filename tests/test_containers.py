"""Containers beyond lists, tuples and dicts: any mapping, arrays of objects, and trees deeper than Python's stack."""

import copy
import pickle
import sys
from collections import ChainMap, OrderedDict, UserDict
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from layouts import bits
from untouched import refused

import fastadapt as fa


class Frozen(Mapping):
    """A mapping of a user's own, which cannot be written to."""

    def __init__(self, items):
        self._items = dict(items)

    def __getitem__(self, key):
        return self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


MAPPINGS = [dict, OrderedDict, UserDict, lambda d: MappingProxyType(dict(d)), Frozen, ChainMap]


def objects(*arrays, shape=None):
    """An array of objects."""
    made = np.empty(len(arrays), object)
    made[:] = arrays
    return made if shape is None else made.reshape(shape)


@pytest.mark.parametrize("outer", MAPPINGS)
@pytest.mark.parametrize("inner", MAPPINGS)
def test_any_mapping_holds_parameters_and_gradients(outer, inner):
    p, q = np.zeros(2), np.zeros(3)
    opt = fa.SGD(outer({"net": inner({"W": p, 1: q})}), lr=1.0, momentum=0.5, groups={"net.1": {"lr": 2.0}})
    for kind in MAPPINGS:
        opt.step(outer({"net": kind({1: np.ones(3), "W": np.ones(2)})}))
    assert (p == q[:2] / 2).all()
    assert opt.counts == {"net": {"W": 6, 1: 6}}
    assert opt.state["b"]["net"]["W"].shape == (2,)
    assert opt.state_dict()["counts"] == {"net": {"W": 6, "1": 6}}
    _, views = fa.flatten(outer({"net": inner({"W": p})}))
    assert bits(views["net"]["W"]) == bits(p)
    with refused(
        opt, [p, q], ValueError, r'^grads\["net"\]: expected the keys of params, but "V" is not in params, no 1$'
    ):
        opt.step({"net": Frozen({"W": np.ones(2), "V": np.ones(3)})})
    with refused(opt, [p, q], TypeError, r'^grads\["net"\]: expected a dict, as in params, not list$'):
        opt.step(outer({"net": [np.ones(2), np.ones(3)]}))


def test_an_array_that_was_replaced_in_a_mapping_is_named():
    params = UserDict(a=np.zeros(2), b=np.zeros(2))
    opt = fa.SGD(params)
    params["b"] = np.zeros(2)
    with pytest.raises(ValueError, match=r'^params\["b"\]: expected the array that the optimizer was made with'):
        opt.step({"a": None, "b": None})


def trees(arrays):
    """Four arrays in arrays of objects, and in the lists and tuples that they stand for."""
    halves = arrays[:2], arrays[2:]
    flat = objects(*arrays), list(arrays), tuple(arrays)
    return zip(flat, (objects(*arrays, shape=(2, 2)), [objects(*half) for half in halves], list(halves)), strict=True)


def test_an_array_of_objects_is_a_list_of_them():
    p, counts = [np.zeros(k + 1) for k in range(4)], ([3] * 4, [[3, 3], [3, 3]])
    for params in trees(p):
        for k, tree in enumerate(params):
            opt = fa.SGD(tree, lr=1.0)
            for grads in trees([np.ones_like(a) for a in p]):
                opt.step(grads[k])
            assert list(map(list, opt.counts) if k else opt.counts) == counts[k]
            assert copy.deepcopy(opt).counts == opt.counts
    assert [set(a) for a in p] == [{-18.0}] * 4


def test_what_is_no_array_in_an_array_of_objects_is_named():
    with pytest.raises(TypeError, match=r"^params\[1\]: expected a NumPy or CUDA array, .*, not int$"):
        fa.SGD(objects(np.zeros(2), 3))
    with pytest.raises(TypeError, match=r"^params: expected .*, not one of object$"):
        fa.SGD(np.array(3, object))
    with pytest.raises(TypeError, match=r"^params: expected .*, not MaskedArray$"):
        fa.SGD(np.ma.MaskedArray(objects(np.zeros(2), np.zeros(3))))
    opt = fa.SGD(objects(np.zeros(2), np.zeros(3)))
    with pytest.raises(ValueError, match=r"^grads: expected 2 items, as in params, not 1$"):
        opt.step(objects(np.zeros(2)))
    for grads in (np.ones((2, 3)), np.array(None)):
        with pytest.raises(TypeError, match=r"^grads: expected a list or tuple, as in params, not ndarray$"):
            opt.step(grads)


def test_an_array_of_objects_that_holds_itself_is_refused():
    params = objects(np.zeros(2), None)
    params[1] = params
    with pytest.raises(ValueError, match=r"^params\[1\]: a container that holds itself"):
        fa.SGD(params)


def deep(leaf, levels):
    """A leaf in so many lists, every second one of which is in a dict."""
    for k in range(levels):
        leaf = {"a": leaf} if k % 2 else [leaf]
    return leaf


def innermost(tree):
    while isinstance(tree, dict | list):
        tree = tree["a"] if isinstance(tree, dict) else tree[0]
    return tree


@pytest.mark.parametrize("levels", [400, 3000])
def test_a_tree_deeper_than_pythons_stack_is_a_tree_like_others(levels, tmp_path):
    p = np.zeros(3)
    opt = fa.SGD(deep(p, levels), lr=1.0, momentum=0.5, groups={"*.a.*": {"lr": 2.0}})
    opt.step(deep(np.ones(3), levels))
    opt.step(deep(None, levels // 2))
    assert (p == -2).all()
    assert (innermost(opt.counts), innermost(opt.state["b"]).tolist()) == (1, [1, 1, 1])
    found = opt.state_dict()
    opt.step(deep(np.ones(3), levels))
    opt.load_state_dict(found)
    opt.save(tmp_path / "a.npz")
    opt.step(deep(np.ones(3), levels))
    opt.load(tmp_path / "a.npz")
    assert (opt.t, innermost(opt.counts)) == (2, 1)
    flat, views = fa.flatten(deep(p, levels))
    assert innermost(views).base is flat.base or innermost(views).base is flat
    with pytest.raises(ValueError, match=r"^params(\[0\]|\[\"a\"\])+: expected gradient of shape \(3,\), not \(4,\)$"):
        opt.step(deep(np.ones(4), levels))


@pytest.mark.parametrize("way", [copy.deepcopy, pickle.dumps])
def test_a_tree_too_deep_for_pythons_copies_is_refused_in_words(way):
    opt = fa.SGD(deep(np.zeros(3), 3000))
    with pytest.raises(ValueError, match=r"^params: expected at most \d+ containers in each other .*, not 3000; "):
        way(opt)
    assert copy.copy(opt).params is opt.params
    way(fa.SGD(deep(np.zeros(3), 400)))


@pytest.mark.parametrize("way", [copy.deepcopy, pickle.dumps])
def test_the_deepest_tree_that_can_be_copied_is_the_one_that_the_error_names(way):
    with pytest.raises(ValueError, match="at most") as caught:
        way(fa.SGD(deep(np.zeros(3), sys.getrecursionlimit())))
    most = int(str(caught.value).split("at most ")[1].split()[0])
    way(fa.SGD(deep(np.zeros(3), most - 1)))


def test_a_state_dict_that_holds_itself_is_refused():
    opt = fa.SGD([np.zeros(3)])
    found = opt.state_dict()
    found["hyper"]["more"] = {"again": found}
    with pytest.raises(ValueError, match="not one that holds itself"):
        opt.load_state_dict(found)


def test_params_that_have_more_or_fewer_arrays_than_before_are_told_so():
    params, nest = {"a": np.ones(2)}, [[np.ones(2)]]
    opt, other = fa.Adam(params), fa.Adam(nest)
    params["b"] = np.ones(2)
    with pytest.raises(
        ValueError, match=r"^params: expected 1 items, as when the optimizer was made, not 2: make a new"
    ):
        opt.step(params)
    nest[0].append(np.ones(2))
    with pytest.raises(ValueError, match=r"^params\[0\]: expected 1 items, as when the optimizer was made, not 2"):
        other.step(nest)
