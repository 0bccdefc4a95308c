"""Groups: parts of the parameters with hyperparameters of their own."""

import numpy as np
import pytest
from catalogue import ADAM
from layouts import bits, numbers

import fastadapt as fa

NAMES = ["conv.W", "conv.b", "dense.W", "dense.b"]


def network(seed=0):
    """Two layers with weights and biases."""
    W, b, W2, b2 = (numbers(n, np.float32, seed + k) for k, n in enumerate([(30, 20), 20, (20, 3), 3]))
    return {"conv": {"W": W, "b": b}, "dense": {"W": W2, "b": b2}}


def flat(tree):
    """Arrays, or what else is in the tree, by name."""
    return {f"{layer}.{name}": leaf for layer, part in tree.items() for name, leaf in part.items()}


def trained(groups, base=None, steps=3, cls=fa.Adam):
    """The parameters, as bytes by name, after some steps."""
    params = network()
    opt = cls(params, groups=groups, **(base or {}))
    for t in range(steps):
        opt.step(network(10 * t + 10))
    return {name: bits(p) for name, p in flat(params).items()}


SELECTORS = {
    "*.b": {"conv.b", "dense.b"},
    "conv.*": {"conv.W", "conv.b"},
    "dense.W": {"dense.W"},
    "*": set(NAMES),
    "[cd]*.?": set(NAMES),
    lambda name, p: p.ndim == 1: {"conv.b", "dense.b"},
    lambda name, p: name.startswith("dense"): {"dense.W", "dense.b"},
    lambda name, p: p.size > 100: {"conv.W"},
}


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda s: "predicate" if callable(s) else s)
def test_a_group_is_what_its_selector_matches(selector):
    own = {"lr": 0.3, "weight_decay": 0.2, "beta1": 0.5, "eps": 1e-2}
    base, other = trained(None, ADAM), trained(None, ADAM | own)
    mixed = trained({selector: own}, ADAM)
    for name in NAMES:
        assert mixed[name] == (other if name in SELECTORS[selector] else base)[name]
        assert base[name] != other[name]


def test_the_first_group_that_matches_counts():
    lrs = {lr: trained(None, {"lr": lr}) for lr in (0.1, 0.2, 0.3, 0.4)}
    mixed = trained({"conv.b": {"lr": 0.2}, "*.b": {"lr": 0.3}, "conv.*": {"lr": 0.4}}, {"lr": 0.1})
    expected = dict(zip(NAMES, (0.4, 0.2, 0.1, 0.3), strict=True))
    assert mixed == {name: lrs[lr][name] for name, lr in expected.items()}


HYPERS = [
    (fa.Adam, {"beta1": 0.5}),
    (fa.Adam, {"maximize": True}),
    (fa.Adam, {"weight_decay": 0.1}),
    (fa.Adam, {"weight_decay": 0.1, "decoupled": True}),
    (fa.AdamW, {"weight_decay": 0.0}),
    (fa.AdamW, {"decoupled": False}),
    (fa.AdaGrad, {"initial_accumulator": 0.5}),
    (fa.SGD, {"momentum": 0.9}),
    (fa.SGD, {"momentum": 0.9, "dampening": 0.1, "nesterov": True}),
    (fa.RMSProp, {"centered": True}),
    (fa.RMSProp, {"centered": True, "momentum": 0.5}),
]


@pytest.mark.parametrize(("cls", "own"), HYPERS, ids=[f"{cls.__name__}-{'-'.join(own)}" for cls, own in HYPERS])
def test_any_hyperparameter_of_a_group_is_as_in_an_optimizer_of_its_own(cls, own):
    base, other = trained(None, {"lr": 0.1}, cls=cls), trained(None, {"lr": 0.1} | own, cls=cls)
    mixed = trained({"conv.*": own}, {"lr": 0.1}, cls=cls)
    assert mixed == {name: (other if name.startswith("conv") else base)[name] for name in NAMES}


def test_a_switch_of_the_base_may_be_off_in_a_group():
    base, other = trained(None, {"momentum": 0.9}, cls=fa.SGD), trained(None, {}, cls=fa.SGD)
    mixed = trained({"*.b": {"momentum": 0.0}}, {"momentum": 0.9}, cls=fa.SGD)
    assert mixed == {name: (other if name.endswith("b") else base)[name] for name in NAMES}


def test_state_that_a_group_has_not_is_none():
    opt = fa.SGD(network(), groups={"*.b": {"momentum": 0.9}})
    b = flat(opt.state["b"])
    assert {name for name in NAMES if b[name] is not None} == {"conv.b", "dense.b"}
    assert 4 * 23 <= opt.nbytes <= 4 * 23 + 2 * 64


def test_arrays_without_gradients_in_groups_of_different_rules():
    params = network()
    opt = fa.SGD(params, lr=1.0, groups={"*.b": {"momentum": 0.5}})
    for missing in NAMES:
        before, g = {name: bits(p) for name, p in flat(params).items()}, network(10)
        g[missing.split(".")[0]][missing.split(".")[1]] = None
        opt.step(g)
        assert [name for name in NAMES if bits(flat(params)[name]) == before[name]] == [missing]
    assert list(flat(opt.counts).values()) == [3] * 4
    assert opt.t == 4


def test_a_group_follows_the_base_for_what_it_does_not_name():
    opt = fa.Adam(network(), lr=0.1, groups={"*.b": {"beta1": 0.5}, "conv.W": {"lr": 0.7}})
    biases, conv = opt.groups.values()
    opt.lr, opt.beta1 = 0.2, 0.3
    assert (biases.lr, biases.beta1, conv.lr, conv.beta1) == (0.2, 0.5, 0.7, 0.3)
    opt.groups["*.b"].lr = 0.4
    opt.lr = 0.5
    assert (opt.lr, biases.lr, conv.lr) == (0.5, 0.4, 0.7)


def test_hyperparameters_assigned_between_steps_hold_from_the_next_step():
    params, expected = network(), network()
    opt = fa.SGD(params, lr=1.0, groups={"*.b": {"lr": 0.5}})
    for base, group in [(1.0, 0.5), (0.25, 0.5), (0.25, 4.0)]:
        opt.lr = base
        opt.groups["*.b"].lr = group
        opt.step(network(10))
        for name, p in flat(expected).items():
            p -= np.float32(group if name.endswith("b") else base) * flat(network(10))[name]
    assert [bits(p) for p in flat(params).values()] == [bits(p) for p in flat(expected).values()]


def test_momentum_may_be_let_go_and_taken_up_again():
    # The state is there: the rule was chosen with momentum.
    opt = fa.SGD(p := np.zeros(3, np.float32), lr=1.0, momentum=0.5)
    for momentum, expected in [(0.5, -1.0), (0.0, -2.0), (0.5, -3.5)]:
        opt.momentum = momentum
        opt.step(np.ones(3, np.float32))
        assert p.tolist() == [expected] * 3


@pytest.mark.parametrize(("cls", "base", "name", "value"), [
    (fa.SGD, {}, "momentum", 0.9),
    (fa.SGD, {"momentum": 0.9}, "nesterov", True),
    (fa.RMSProp, {"centered": True}, "centered", False),
])  # fmt: skip
def test_a_switch_that_would_need_another_state_cannot_be_assigned(cls, base, name, value):
    opt = cls(np.zeros(3), groups={"*": {"lr": 0.1}}, **base)
    before = repr(opt)
    with pytest.raises(ValueError, match=name):
        setattr(opt, name, value)
    with pytest.raises(ValueError, match=name):
        setattr(opt.groups["*"], name, value)
    assert repr(opt) == before


def test_an_assignment_that_a_group_cannot_follow_changes_nothing():
    opt = fa.SGD(network(), momentum=0.9, groups={"*.b": {"lr": 0.1}, "dense.W": {"dampening": 0.3}})
    with pytest.raises(ValueError, match="dampening"):
        opt.momentum = 0.0
    assert [group.momentum for group in (opt, *opt.groups.values())] == [0.9] * 3


@pytest.mark.parametrize("groups", [{"*.c": {"lr": 0.1}}, {"*.b": {}, "conv": {}}, {lambda name, p: False: {}}])
def test_a_selector_that_matches_nothing_is_an_error_that_names_the_arrays(groups):
    with pytest.raises(ValueError, match=r"groups.*conv\.W, conv\.b, dense\.W, dense\.b"):
        fa.Adam(network(), groups=groups)


@pytest.mark.parametrize(("own", "error", "match"), [
    ({"momentum": 0.9}, TypeError, "momentum"),
    ({"Lr": 0.9}, TypeError, "Lr"),
    ({"lr": -0.9}, ValueError, "lr"),
    ({"lr": "0.9"}, TypeError, "lr"),
    ({"maximize": 1}, TypeError, "maximize"),
])  # fmt: skip
def test_a_wrong_hyperparameter_of_a_group_is_an_error(own, error, match):
    with pytest.raises(error, match=match):
        fa.Adam(network(), groups={"*.b": own})


@pytest.mark.parametrize("groups", [[("*.b", {"lr": 0.1})], "*.b", {"*.b": 0.1}, {"*.b": None}, {3: {"lr": 0.1}}])
def test_groups_of_the_wrong_kind_are_a_type_error(groups):
    with pytest.raises(TypeError, match="groups"):
        fa.Adam(network(), groups=groups)


def test_groups_cannot_be_replaced():
    opt = fa.Adam(network(), groups={"*.b": {"lr": 0.1}})
    with pytest.raises((AttributeError, TypeError), match="groups"):
        opt.groups = {"*.b": {"lr": 0.2}}
