"""Copies of optimizers whose keys have no lasting names, and from memory that cannot be written to."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from children import real_processes
from layouts import bits, numbers
from test_pickle import pickled
from untouched import leaves

import fastadapt as fa
from fastadapt.torch_state import Members


class Node:
    """A key without a name of its own, as in a small autodiff library."""


class Kind(np.ndarray):
    """A type of arrays of a user's own."""


def out_of_band(thing):
    """A copy by buffers that are read-only."""
    buffers = []
    text = pickle.dumps(thing, 5, buffer_callback=buffers.append)
    return pickle.loads(text, buffers=[bytes(buffer) for buffer in buffers])


WAYS = [copy.deepcopy, pickled, out_of_band, copy.copy]
every_way = pytest.mark.parametrize("way", WAYS, ids=["deepcopy", "pickle", "read-only", "copy"])


def arrays(seed=0, count=3):
    return [numbers((k + 2,), np.float32, seed + k) for k in range(count)]


def stepped(params, grads, **options):
    opt = fa.SGD(params, lr=0.5, momentum=0.5, **options)
    opt.step(grads)
    return opt


KEYS = {
    "objects": lambda: (Node(), Node(), Node()),
    "one string": lambda: (0, "0", np.int64(1)),
    "a part of the other": lambda: (1, "1", ("1", 1)),
}


@every_way
@pytest.mark.parametrize("kind", KEYS)
def test_keys_need_no_lasting_names_and_no_two_different_ones(kind, way):
    keys = KEYS[kind]()
    opt = stepped(dict(zip(keys, arrays(), strict=True)), dict(zip(keys, [*arrays(10, 2), None], strict=True)))
    other = way(opt)
    assert list(other.counts.values()) == [1, 1, 0]
    for one in {id(opt): opt, id(other): other}.values():
        one.step(dict(zip(one.params, arrays(20), strict=True)))
        if way is copy.copy:  # which has the same parameters
            break
    if way is not copy.copy:
        assert [bits(p) for p in leaves(other.params)] == [bits(p) for p in leaves(opt.params)]
    assert [bits(b) for b in leaves(opt.state["b"])] != [bits(b) for b in arrays(10)]


@every_way
def test_an_array_stays_in_its_group_whatever_its_key_is_called_in_the_copy(way):
    first, second = Node(), Node()
    params = dict(zip((first, second), arrays(count=2), strict=True))
    opt = stepped(params, None, groups={str(first): {"lr": 0.25, "state_bits": 16, "min_quantized_size": 0}})
    other = way(opt)
    assert list(other.groups) == [str(first)]
    before = [p.copy() for p in leaves(other.params)]
    other.step(dict(zip(other.params, arrays(10, 2), strict=True)))
    for p, was, g, lr in zip(leaves(other.params), before, arrays(10), (0.25, 0.5), strict=False):
        np.testing.assert_array_equal(p, was - np.float32(lr) * g)
    other.groups[str(first)].lr = 1.0
    assert way(other).groups[str(first)].lr == 1.0


def test_a_function_that_chose_a_group_is_not_asked_again():
    calls = []
    opt = fa.SGD(arrays(), groups={lambda name, p: calls.append(name) or name == "1": {"lr": 0.5}})
    count = len(calls)
    assert [repr(group) for group in copy.deepcopy(opt).groups.values()] == [repr(g) for g in opt.groups.values()]
    assert len(calls) == count


@pytest.mark.parametrize("kind", [list, tuple, lambda a: {"net": [a[0], tuple(a[1:])]}])
def test_read_only_memory_is_copied_and_parameters_copied_along_stay_those_of_the_optimizer(kind):
    opt = stepped(kind(arrays()), kind(arrays(10)))
    params, other = out_of_band((opt.params, opt))
    assert all(p.flags.writeable for p in leaves(other.params))
    for one in (opt, other):
        one.step(kind(arrays(20)))
    assert [bits(p) for p in leaves(other.params)] == [bits(p) for p in leaves(opt.params)]
    if kind is not tuple:
        assert params is other.params
        assert all(p is q for p, q in zip(leaves(params), leaves(other.params), strict=True)) or kind is not list


def test_copies_keep_the_order_of_memory_and_the_type_of_arrays():
    params = [np.asfortranarray(numbers((3, 4), np.float32, 0)), np.ones((2, 2)).view(Kind)]
    other = out_of_band(fa.Adam(params))
    assert [type(p) for p in other.params] == [np.ndarray, Kind]
    assert other.params[0].flags.f_contiguous
    assert other.params[0].flags.writeable


@every_way
def test_a_group_by_arrays_selects_those_of_the_copy(way):
    params = arrays()
    selector = Members(params[1:])
    other = way(stepped(params, None, groups={selector: {"lr": 0.25}}))
    (found,) = other.groups
    assert [found("", p) for p in other.params] == [False, True, True]
    assert all(p is q for p, q in zip(found.arrays, other.params[1:], strict=True))
    assert (found is selector) is (way is copy.copy)
    assert len(pickle.dumps(other)) < len(pickle.dumps(stepped(arrays(), None, groups={"[12]": {"lr": 0.25}}))) + 300


def test_arrays_that_can_be_written_to_are_not_copied_again(monkeypatch):
    opt = stepped(arrays(), arrays(10))
    monkeypatch.setattr("fastadapt.copies._copy", lambda array: pytest.fail("copied"))
    pickled(opt)
    copy.deepcopy(opt)


def test_parameters_that_were_frozen_stay_those_of_the_optimizer_that_is_copied():
    params = arrays()
    opt = stepped(params, arrays(10))
    for p in params:
        p.flags.writeable = False
    with pytest.raises(ValueError, match=r"params\[0\]: expected a writeable array"):
        copy.copy(opt)
    assert all(p.flags.writeable for p in copy.deepcopy(opt).params)
    assert [id(p) for p in opt.params] == [id(p) for p in params]
    for p in params:
        p.flags.writeable = True
    opt.step(arrays(20))


JOBLIB = """
import sys
import numpy as np, fastadapt as fa
from joblib import Parallel, delayed

def work(opt, params):
    opt.step({"W": np.ones_like(opt.params["W"]), "b": None})
    return opt, params["W"] is opt.params["W"], float(params["W"][-1])

if __name__ == "__main__":
    params = {"W": np.zeros(300_000, np.float32), "b": np.zeros(3)}
    opt = fa.SGD(params, lr=1.0, momentum=0.5)
    opt.step({"W": np.ones(300_000), "b": None})
    for other, same, last in Parallel(2)(delayed(work)(opt, params) for _ in range(2)):
        print(other.t, same, last, other.params["W"][0], other.params["W"].flags.writeable)
"""


@real_processes
@pytest.mark.maintainer
def test_joblib_takes_large_arrays_there_and_back(tmp_path):
    pytest.importorskip("joblib")
    (tmp_path / "run.py").write_text(JOBLIB)
    env = os.environ | {"PYTHONPATH": str(Path(fa.__file__).parent.parent)}
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, timeout=120, env=env)
    assert done.stdout.splitlines() == ["2 True -2.5 -2.5 True"] * 2, done.stderr


def test_an_optimizer_can_be_copied_where_its_default_rate_would_be_refused_beside_the_other_values():
    functions = {"coefficients": lambda t, lr=100.0, k=1.0: (lr * k,), "update": lambda p, g, /, step: p - step * g}
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    opt = cls(np.zeros(3, np.float32), lr=1e-10, k=3e38)
    assert repr(copy.deepcopy(opt)) == repr(copy.copy(opt)) == repr(opt)
