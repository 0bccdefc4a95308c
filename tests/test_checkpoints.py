"""A state dict is plain data, and a run that is resumed from it goes on as if it had never stopped."""

import numpy as np
import pytest
from codes import SLACK
from conftest import for_maintainers
from layouts import LAYOUTS, SIZE, bits, numbers, place
from small import NEAREST, SOME, STOCHASTIC, assert_held, kernels_and, run_of
from untouched import leaves

import fastadapt as fa

NAMES = ["C", "permuted 3-d", "inner block", "steps in 3-d", "0-d", "empty", "from an odd place"]
"""Layouts: dense in two orders of the axes, gappy, with one, no and 599 weights."""


def tree(device, seed):
    """Lists, tuples and dicts of arrays of every kind of layout, and the bases that they are views of."""
    bases = [numbers(SIZE, np.float32, seed + k) for k in range(len(NAMES))]
    pairs = [place(device, base, LAYOUTS[name](base)) for base, name in zip(bases, NAMES, strict=True)]
    wholes, arrays = map(list, zip(*pairs, strict=True))
    return {"net": [arrays[0], (arrays[1], arrays[2])], "a/b": {"~": arrays[3], "": arrays[4], 7: arrays[5:]}}, wholes


def grads_on(device, t, none=()):
    """Gradients of step `t`, in which the parts of these names have none."""
    found, _ = tree(device, 100 * t)
    parts = found["a/b"]
    return {"net": None if "net" in none else found["net"], "a/b": parts | {key: None for key in none if key in parts}}


def begin(device, opt):
    """Steps after which arrays have come differently far, one was skipped, and hyperparameters were assigned."""
    opt.step(grads_on(device, 1, none=("net", "~")))
    opt.step(grads_on(device, 2))
    spoilt = grads_on(device, 3)
    spoilt["a/b"][""] = device.array(np.array(np.nan, np.float32))
    opt.step(spoilt)
    opt.lr = 0.07
    opt.groups["net.*"].weight_decay = 0.02


def go_on(device, opt):
    """Two more steps, with further assignments, which leave all else as it was."""
    opt.weight_decay = 0.03
    opt.groups["net.*"].maximize = True
    opt.step(grads_on(device, 4, none=("",)))
    opt.step(grads_on(device, 5))


def flat(node):
    """The leaves of a state dict by what is written behind it, arrays as their type, shape and bytes."""
    if isinstance(node, dict):
        return {f"[{k!r}]{path}": leaf for k, child in node.items() for path, leaf in flat(child).items()}
    return {"": (node.dtype, node.shape, bits(node)) if isinstance(node, np.ndarray) else (type(node), node)}


@kernels_and(STOCHASTIC, SOME)
def test_a_resumed_run_goes_on_to_the_bit(cls, hyper, device):
    hyper = hyper | {"nonfinite": "skip"}
    ends = []
    for stops in (False, True):
        params, wholes = tree(device, 0)
        opt = cls(params, groups={"net.*": {"weight_decay": 0.01}, "a/b.7.*": {"lr": 0.5}}, **hyper)
        begin(device, opt)
        if stops:
            found = opt.state_dict()
            others = {name: cls.defaults[name] for name in ("lr", "nonfinite", "weight_decay")}
            opt = cls(params, groups={"net.*": {"lr": 3.0}, "a/b.7.*": {}}, **hyper | others)
            opt.load_state_dict(found)
            assert flat(opt.state_dict()) == flat(found)
        go_on(device, opt)
        groups = [repr(group) for group in opt.groups.values()]
        ends.append((flat(opt.state_dict()), [bits(device.numpy(whole)) for whole in wholes], repr(opt), groups))
    assert ends[0] == ends[1]
    assert opt.counts["net"][0] == opt.t - 1 == 3
    assert opt.skipped == (1, 0)
    assert (opt.lr, opt.groups["net.*"].weight_decay, opt.groups["net.*"].lr) == (0.07, 0.02, 0.07)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # where kernels run as Python
def test_a_run_is_resumed_with_the_steps_that_it_skipped_in_a_row(device):
    p = device.array(np.ones(3, np.float32))
    opt = fa.SGD(p, nonfinite="skip", max_norm=1.0)
    for g in (np.nan, 1.0, np.inf, np.nan):
        opt.step(device.array(np.full(3, g, np.float32)))
    again = fa.SGD(p)
    again.load_state_dict(opt.state_dict())
    assert again.skipped == opt.skipped == (3, 2)
    assert (again.t, again.max_norm, again.nonfinite) == (1, 1.0, "skip")


@pytest.mark.parametrize("dtype", [np.float32, *for_maintainers(np.float64)])
@pytest.mark.parametrize("storage", [{}, *NEAREST], ids=lambda s: str(s.get("state_bits", 32)))
def test_a_state_dict_is_plain_and_holds_the_state_as_the_optimizer_does(storage, dtype):
    params = {"W": np.ones((3, 200), dtype).T, 1: [np.ones((), dtype), np.ones((0, 4), np.float32)]}
    opt = fa.Adam(params, **storage, groups={"1.*": {"lr": 0.5, "maximize": True}})
    opt.step({"W": numbers((200, 3), np.float64, 1).astype(dtype), 1: [np.ones((), dtype), None]})
    found = opt.state_dict()

    def plain(node):
        assert type(node) in (dict, np.ndarray, int, float, bool, str, type(None))
        if type(node) is dict:
            assert {type(key) for key in node} == {str}
            assert all(map(plain, node.values()))
        return True

    assert plain(found)
    assert (found["version"], found["optimizer"], found["t"]) == (3, "Adam", 1)
    assert found["counts"] == {"W": 1, "1": {"0": 1, "1": 0}}
    assert found["groups"] == {"0": {"lr": 0.5, "maximize": True}}
    assert found["hyper"] == {name: getattr(opt, name) for name in fa.Adam.defaults}
    W, (one, none) = found["state"]["v"]["W"], map(found["state"]["v"]["1"].get, "01")
    says = opt.state["v"]["W"]
    if not storage:
        assert [a.dtype for a in (W, one, none)] == [dtype, dtype, np.float32]
        np.testing.assert_array_equal(W, says)
    elif storage["state_bits"] == 16:
        assert [a.dtype for a in (W, one, none)] == [np.uint16] * 3
        np.testing.assert_array_equal((W.astype(np.uint32) << 16).view(np.float32), says)
    else:
        assert [a.dtype for a in W.values()] == [np.uint8, np.uint32, np.int64]
        assert [a.shape for a in W.values()] == [(200, 3), (3,), (2,)]
        assert [a.shape for part in (one, none) for a in part.values()] == [(), (1,), (0,), (0, 4), (0,), (2,)]
        assert list(W) == ["codes", "headers", "order"]
        assert W["order"].tolist() == [1, 200]
        run = says.T.ravel()[:256], W["codes"].T.ravel()[:256]  # the first block, as the memory lies
        np.testing.assert_array_equal(*(np.argsort(values, kind="stable") for values in run))
        return
    assert [a.shape for a in (W, one, none)] == [(200, 3), (), (0, 4)]


@pytest.mark.parametrize("storage", [{}, *STOCHASTIC], ids=lambda s: str(s.get("state_bits", 32)))
def test_a_state_dict_shares_no_memory_with_the_optimizer(storage, device):
    p, g = (device.array(numbers(300, np.float32, seed)) for seed in (0, 1))
    opt = fa.Adam(p, **storage)
    opt.step(g)
    found, again = opt.state_dict(), opt.state_dict()
    before = flat(found)
    assert not any(np.shares_memory(a, b) for a, b in zip(leaves(found["state"]), leaves(again["state"]), strict=True))
    for loaded in (False, True):
        if loaded:
            opt.load_state_dict(found)
        for array in leaves(again["state"]):
            array[...] = 1
        opt.step(g)
        assert flat(found) == before
    opt.load_state_dict(found)
    for array in leaves(found["state"]):
        array[...] = 1
    assert flat(opt.state_dict()) == before


@pytest.mark.parametrize("storage", [{}, *for_maintainers(*NEAREST)], ids=["32", "16", "8"])
def test_state_from_another_order_of_memory_is_rounded_anew_only_in_8_bits(storage, device):
    first, second = (device.array(np.asarray(numbers((20, 30), np.float32, 0), order=order)) for order in "CF")
    opt, other = fa.Adam(first, **storage), fa.Adam(second, **storage)
    for t in range(1, 4):
        opt.step(device.array(numbers((20, 30), np.float32, t)))
    other.load_state_dict(opt.state_dict())
    assert other.t == 3
    for name, kind in (("m", "root"), ("v", "float")):
        was, now = device.numpy(opt.state[name]), device.numpy(other.state[name])
        if storage.get("state_bits") != 8:
            np.testing.assert_array_equal(now, was)
            continue
        like = np.asarray(was, order="F")
        exact = run_of(was.astype(np.float64), like)
        assert_held(run_of(now.astype(np.float64), like), exact, kind, "nearest", SLACK * np.abs(exact))
        assert not np.array_equal(now, was)
