"""The row of numbers that compiled code reads of a group, and numbers that are assigned at once."""

import copy
from itertools import product
from math import inf, nextafter

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from untouched import refused

import fastadapt as fa
from fastadapt import group_row
from fastadapt.quick import SAFE

FIELDS = ("OWN_NORM", "MAX_NORM", "OWN_VALUE", "MAX_VALUE", "NONFINITE", "SIGN", "DECAY", "KEEP", "FORGETS")


def row(opt, selector=None):
    """What the row of a group says, by name."""
    group = opt._groups[0] if selector is None else opt.groups[selector]
    named = {field: float(group.row[getattr(group_row, field)]) for field in FIELDS}
    return named | dict(zip(type(opt).declaration.names, group.row[group_row.VALUES :].tolist(), strict=True))


def two(cls=fa.Adam, own=None, **hyper):
    """An optimizer with a group that says `own` of its own."""
    return cls({"W": np.ones(5), "b": np.ones(3)}, groups={"b": own or {}}, **hyper)


def test_a_row_says_what_is_in_force():
    opt = two(own={"max_norm": 2.0, "beta2": 0.0}, weight_decay=0.5, max_value=3.0, nonfinite="raise", maximize=True)
    base = dict(zip(FIELDS, (0, inf, 0, 3, 2, -1, 0.5, 1, 0), strict=True))
    assert row(opt) == base | {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert row(opt, "b") == row(opt) | {"OWN_NORM": 1, "MAX_NORM": 2, "FORGETS": 1, "beta2": 0}
    opt = two(fa.AdamW, {"max_value": 4.0, "weight_decay": 0.25}, lr=0.5, max_norm=7.0, nonfinite="skip")
    assert row(opt) | {"lr": 0} == base | row(opt) | {"lr": 0, "MAX_NORM": 7, "MAX_VALUE": inf, "NONFINITE": 1} | {
        "SIGN": 1,
        "DECAY": 0,
        "KEEP": 1 - 0.5 * 0.01,
    }
    assert row(opt, "b") == row(opt) | {"OWN_VALUE": 1, "MAX_VALUE": 4, "KEEP": 1 - 0.5 * 0.25}


CHANGES = [("lr", 0.3), ("beta1", 0.5), ("lr", 0.2), ("weight_decay", 0.125), ("lr", 0.7), ("beta2", 0.0), ("lr", 0.6)]
CHANGES += [
    ("beta2", 0.5),
    ("max_norm", 2.0),
    ("lr", 0.0),
    ("eps", 1e-3),
    ("eps", 1e-4),
    ("decoupled", False),
    ("lr", 1),
]


@pytest.mark.parametrize("own", [{}, {"lr": 0.25}, {"weight_decay": 0.0}, {"beta1": 0.1, "decoupled": False}], ids=str)
def test_after_any_assignments_a_row_is_as_of_an_optimizer_made_so_and_lies_where_it_lay(own):
    opt = two(fa.AdamW, own)
    rows = [group.row for group in opt._groups]
    places, given = [each.ctypes.data for each in rows], {}
    for name, value in CHANGES:
        for _ in range(3):
            setattr(opt, name, value)
        given[name] = value
        fresh = two(fa.AdamW, own, **given)
        assert (row(opt), row(opt, "b")) == (row(fresh), row(fresh, "b"))
        assert repr(opt) == repr(fresh)
        assert getattr(opt, name) == value
        assert [group.given(whole=False) for group in opt._groups] == [given, own]
        assert row(copy.copy(opt), "b") == row(fresh, "b")
    opt.load_state_dict(two(fa.AdamW, own).state_dict())
    assert (row(opt), row(opt, "b")) == (row(two(fa.AdamW, own)), row(two(fa.AdamW, own), "b"))
    for value in (0.5, 0.75, 0.875):
        opt.groups["b"].lr = value
        assert row(opt, "b") == row(two(fa.AdamW, own | {"lr": value}), "b")
        opt.lr = value / 2
        assert (opt.lr, opt.groups["b"].lr) == (value / 2, value)
    assert [group.row.ctypes.data for group in opt._groups] == places
    assert all(each.flags.c_contiguous and each.dtype == np.float64 for each in rows)


WRONG = {"lr": [-1.0, float("nan"), inf, True, "1", 1e39], "beta1": [1.0, -0.5, 1e-50], "eps": [1e-50, -1e-8, None]}


@pytest.mark.parametrize("owner", ["base", "group"])
@pytest.mark.parametrize("name", WRONG)
def test_what_was_assigned_before_is_checked_as_at_first(name, owner):
    params = {"W": np.ones(5, np.float32), "b": np.ones(3, np.float32)}
    opt = fa.Adam(params, groups={"b": {"beta1": 0.5}})
    target = opt if owner == "base" else opt.groups["b"]
    for value in (0.25, 0.5, 0.75):
        setattr(target, name, value)
    for value in WRONG[name]:
        with refused(opt, params.values(), (TypeError, ValueError), name):
            setattr(target, name, value)
    setattr(target, name, np.float64(0.5))
    assert getattr(target, name) == 0.5


class Halved(fa.Optimizer):
    """A rule that takes not every number, and has its learning rate behind another."""

    requires = {"beta": "alpha"}  # noqa: RUF012 - as a user writes it

    @staticmethod
    def coefficients(t, alpha=0.5, lr=0.1, beta=0.0):
        if lr == 0.25:
            raise ValueError("a quarter")
        return lr / (0.5 - lr), alpha, beta

    @staticmethod
    def update(p, g, /, lr, alpha, beta):
        return p - lr * alpha * g


@pytest.mark.parametrize("own", [{}, {"lr": 0.375}, {"weight_decay": 0.0}], ids=str)
@pytest.mark.parametrize("cls", [fa.Adam, fa.AdamW, Halved])
def test_what_was_assigned_before_is_assigned_at_once(cls, own, monkeypatch):
    opt = two(cls, own)
    opt.lr = 0.125
    monkeypatch.setattr("fastadapt.group.Group.assign_all", None)
    for value in (0.2, 0.3):
        opt.lr = value
        assert (row(opt), row(opt, "b")) == (row(two(cls, own, lr=value)), row(two(cls, own, lr=value), "b"))


def test_a_number_whose_meaning_depends_on_whether_it_is_0_keeps_its_checks():
    opt = fa.SGD(np.ones(3), momentum=0.5)
    for name, value in [("dampening", 0.0), ("dampening", 0.5), ("dampening", 0.25), ("momentum", 0.75)]:
        setattr(opt, name, value)
    with refused(opt, [], ValueError, "SGD: expected momentum with dampening, which has no meaning without it"):
        opt.momentum = 0.0
    opt.dampening = 0.0
    opt.momentum = 0.0
    for _ in range(2):
        with refused(opt, [], ValueError, "SGD: expected momentum with dampening"):
            opt.dampening = 0.5
    plain = fa.SGD(np.ones(3))
    for _ in range(2):
        plain.momentum = 0.0
        with refused(plain, [], ValueError, "momentum"):
            plain.momentum = 0.5


def test_what_a_users_coefficients_say_is_said_of_every_assignment():
    p = np.ones(3, np.float32)
    opt = Halved(p)
    for value in (0.2, 0.3, 0.4):
        opt.lr = value
    for value, error in ((0.5, ZeroDivisionError), (0.25, ValueError), (nextafter(0.5, 0), None)):
        if error:
            with refused(opt, [p], error, "quarter|zero"):
                opt.lr = value
    late = Halved(p, weight_decay=0.5, decoupled=True)
    for value in (0.2, 0.3):
        late.lr = value
        assert row(late) == row(Halved(p, lr=value, weight_decay=0.5, decoupled=True))


def test_a_rule_says_what_its_hyperparameters_require():
    class Rated(Halved):
        requires = {"beta": "lr", "alpha": "lr"}  # noqa: RUF012

    p = np.ones(3)
    with pytest.raises(ValueError, match=r"^Halved: expected alpha with beta, which has no meaning without it"):
        Halved(p, alpha=0.0, beta=0.5)
    opt = Rated(p, alpha=0.0, beta=0.5)
    for value in (0.1, 0.2, 0.3):
        opt.lr = value
    for value in (0.0, -0.0):
        with refused(opt, [p], ValueError, "Rated: expected lr with beta"):
            opt.lr = value


def interrupt(monkeypatch, opt, handler):
    """Let `handler` run once, as from a signal, in the middle of the next assignment that is made at once."""
    real, left = opt._turn.cut_in, [handler]

    def cut_in():
        if left:
            left.pop()()
        return real()

    monkeypatch.setattr(opt._turn, "cut_in", cut_in)


def test_a_change_by_a_handler_in_the_middle_of_an_assignment_is_not_undone(monkeypatch):
    opt = two(fa.AdamW, {"beta1": 0.5}, lr=0.5)
    for value in (0.25, 0.5):
        opt.lr = value

    def handler():
        opt.weight_decay = 0.5
        opt.groups["b"].lr = 0.75

    interrupt(monkeypatch, opt, handler)
    opt.lr = 0.125
    fresh = two(fa.AdamW, {"beta1": 0.5, "lr": 0.75}, lr=0.125, weight_decay=0.5)
    assert (row(opt), row(opt, "b"), repr(opt)) == (row(fresh), row(fresh, "b"), repr(fresh))


@pytest.mark.parametrize("cls", [fa.Adam, fa.AdamW, Halved])
@pytest.mark.parametrize(
    "change", [{"weight_decay": 0.5, "decoupled": True}, {"lr": 0.375}, {"maximize": True}], ids=str
)
def test_an_assignment_that_a_handler_interrupts_comes_last(cls, change, monkeypatch):
    opt = cls(np.ones(3), lr=0.3)
    for value in (0.2, 0.1):
        opt.lr = value
    interrupt(monkeypatch, opt, lambda: [setattr(opt, name, value) for name, value in change.items()])
    opt.lr = 0.125
    fresh = cls(np.ones(3), **(change | {"lr": 0.125}))
    assert (row(opt), repr(opt)) == (row(fresh), repr(fresh))


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_numbers_that_are_assigned_at_once_give_first_coefficients_that_float32_holds(cls):
    """The largest, the smallest, and those next to the ends of their ranges: nothing else is looked at."""
    tiny, below_one = float(np.finfo(np.float32).tiny), nextafter(1.0, 0.0)
    ends = []
    for name in cls.declaration.names:
        if isinstance(cls.defaults[name], bool):
            ends.append([False])
        elif name in {"beta1", "beta2", "rho", "momentum", "dampening"}:
            ends.append([0.0, tiny, 0.5, below_one])
        else:
            ends.append([tiny if name == "d0" else 0.0, tiny, 1.0, SAFE])  # of which 0 is refused
    for values in product(*ends):
        assert max(map(abs, cls.declaration.at_first(1, *values))) <= 1e38


def test_a_class_with_a_limit_of_its_own_clips(device):
    class Clipped(fa.SGD):
        max_norm = 1.0
        lr = 1.0

    class Bounded(Clipped):
        max_norm = inf
        max_value = 0.5

    class Skipping(fa.SGD):
        nonfinite = "skip"

    for cls, expected in ((Clipped, -0.5), (Bounded, -0.5), (Skipping, 0.0)):
        p, g = device.array(np.zeros(4)), device.array(np.full(4, inf if cls is Skipping else 3.0))
        cls(p).step(g)
        assert device.numpy(p).tolist() == [expected] * 4
