"""Copies and pickles of an optimizer go on as it would, with parameters of their own."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from layouts import LAYOUTS, SIZE, bits, numbers
from runs import every_kernel
from small import STORAGES, id_of
from test_checkpoints import flat
from untouched import leaves
from users_rule import HeavyBall

import fastadapt as fa

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def pickled(thing, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(thing, protocol))


every_way = pytest.mark.parametrize("way", [copy.deepcopy, pickled])


def tree(seed):
    """A tree of arrays in orders of memory that copies keep."""
    arrays = [LAYOUTS[name](numbers(SIZE, np.float32, seed)) for name in ("C", "transposed", "0-d", "empty")]
    return {"net": arrays[:2], "rest": (arrays[2], {1: arrays[3]})}


def made(cls, groups=None, **hyper):
    """An optimizer after steps in which its arrays have come differently far, and one that was skipped."""
    params = tree(0)
    opt = cls(params, groups=groups or {"net.1": {"lr": 0.5}}, nonfinite="skip", **hyper)
    opt.step(tree(1) | {"rest": None})
    opt.step(tree(2))
    opt.step(tree(3) | {"rest": (np.array(np.nan, np.float32), None)})
    opt.lr = 0.07
    opt.groups[next(iter(opt.groups))].weight_decay = 0.01
    return opt


def end(opt):
    """All that there is after two more steps."""
    opt.step(tree(4) | {"net": [tree(4)["net"][0], None]})
    opt.step(tree(5))
    # The strides of an array without weights mean nothing, and copies have others.
    found = {path: leaf for path, leaf in flat(opt.state_dict()).items() if not path.endswith("['1']['1']['order']")}
    return [bits(p) for p in leaves(opt.params)], found, repr(opt), opt.skipped, opt.counts


def assert_goes_on(opt, way):
    """Check that a copy goes on as the optimizer does, and neither sees the other's steps."""
    copies = [way(opt) for _ in range(3)]
    assert not any(np.shares_memory(p, q) for p in leaves(opt.params) for q in leaves(copies[0].params))
    assert type(copies[0]) is type(opt)
    assert repr(copies[0]) == repr(opt)
    untouched = flat(copies[1].state_dict()), [bits(p) for p in leaves(copies[1].params)]
    found = end(copies[0])
    copies[0].lr = 9.0
    wanted = end(opt)
    assert found == wanted
    assert (flat(copies[1].state_dict()), [bits(p) for p in leaves(copies[1].params)]) == untouched
    assert end(way(copies[2])) == wanted


@every_way
@every_kernel
def test_a_copy_goes_on_to_the_bit(cls, hyper, way):
    assert_goes_on(made(cls, **hyper), way)


@every_way
@pytest.mark.parametrize("storage", STORAGES, ids=id_of)
def test_a_copy_with_small_state_goes_on_to_the_bit(storage, way):
    assert_goes_on(made(fa.Adam, **storage, seed=7), way)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_of_pickle_does(protocol):
    assert_goes_on(made(fa.Adam), lambda opt: pickled(opt, protocol))


@every_way
def test_parameters_that_are_copied_along_stay_those_of_the_optimizer(way):
    opt = made(fa.Adam)
    params, other, again = way((opt.params, opt, opt))
    assert other is again
    assert other.params is params
    assert all(p is q for p, q in zip(leaves(other.params), leaves(params), strict=True))
    before = [bits(p) for p in leaves(params)]
    other.step(tree(4))
    assert [bits(p) for p in leaves(params)] != before
    assert [bits(p) for p in leaves(opt.params)] == before


@every_way
@pytest.mark.parametrize("groups", [{"net.*": {"lr": 0.5}, "rest.1.*": {}}, {"*.1": {"maximize": True, "eps": 1e-3}}])
def test_groups_by_pattern_are_copied_with_what_they_say_and_follow(groups, way):
    opt = made(fa.Adam, groups)
    other = way(opt)
    assert list(other.groups) == list(opt.groups)
    for pattern in groups:
        own, its = opt.groups[pattern], other.groups[pattern]
        assert repr(own) == repr(its)
        assert [own.says(name) for name in fa.Adam.defaults] == [its.says(name) for name in fa.Adam.defaults]
    opt.beta1 = other.beta1 = 0.25
    assert repr(opt) == repr(other)
    assert_goes_on(other, way)


def by_size(name, array):
    return array.size > 1


def test_groups_by_function_are_copied_and_can_be_pickled_where_the_function_can():
    opt = made(fa.SGD, {by_size: {"lr": 0.5}})
    assert_goes_on(opt, pickled)
    assert_goes_on(made(fa.SGD, {lambda name, array: array.size > 1: {"lr": 0.5}}), copy.deepcopy)


@every_way
def test_a_rule_of_a_module_is_copied(way):
    assert_goes_on(made(HeavyBall, mu=0.5), way)


def test_another_process_goes_on_from_a_pickle(tmp_path):
    opt = made(HeavyBall, state_bits=8, min_quantized_size=0)
    (tmp_path / "opt.pickle").write_bytes(pickle.dumps(opt))
    code = (
        "import pickle, sys; sys.path.insert(0, sys.argv[1]); path = sys.argv[2]\n"
        "opt = pickle.load(open(path, 'rb')); import test_pickle\n"
        "pickle.dump(test_pickle.end(opt), open(path, 'wb'))"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "opt.pickle")]
    subprocess.run(command, check=True, timeout=120)
    assert pickle.loads((tmp_path / "opt.pickle").read_bytes()) == end(opt)


def test_a_shallow_copy_has_the_same_parameters_and_a_state_of_its_own():
    opt = made(fa.Adam)
    other = copy.copy(opt)
    assert other.params is opt.params
    before = flat(opt.state_dict())
    other.step(tree(4))
    assert flat(opt.state_dict()) == before
