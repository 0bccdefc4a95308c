"""A checkpoint that does not fit is refused with all that is wrong with it, and nothing has changed."""

import numpy as np
import pytest
from layouts import numbers
from test_checkpoints import flat
from untouched import everything, leaves, refused

import fastadapt as fa

LR = "Adam: expected lr to be at least 0 and finite, not"


def params():
    """Three arrays: the state of W has 8 bits, that of b 16, that of c 32."""
    return {"layer": {"W": numbers((4, 6), np.float32, 0), "b": numbers((3,), np.float32, 1)}, "c": np.ones(2)}


def made(seed=0):
    """An optimizer and its parameters, after two steps, in which b took part once."""
    arrays = params()
    groups = {"c": {"lr": 0.5, "state_bits": 32}, "*.b": {"state_bits": 16, "rounding": "nearest"}}
    opt = fa.Adam(arrays, groups=groups, state_bits=8, min_quantized_size=0, rounding="nearest", lr=0.1 + seed)
    for t in (1, 2):
        b = numbers((3,), np.float32, 10 + t + seed) if t == 1 else None
        opt.step({"layer": {"W": numbers((4, 6), np.float32, t + seed), "b": b}, "c": np.ones(2)})
    return opt, leaves(arrays)


def at(path, value):
    """What puts a value into a nested dict; None takes away what is there."""

    def alter(found):
        *above, last = path.split(" ")
        for key in above:
            found = found.setdefault(key, {})
        if value is None:
            del found[last]
        else:
            found[last] = value

    return alter


ODD = {
    "state m layer b": (None, "missing"),
    "state v c": (None, "missing"),
    "state v layer b": (np.ones((3, 1), np.uint16), "expected shape (3,) of uint16, not (3, 1) of uint16"),
    "state m layer W codes": (np.ones((4, 6)), "expected shape (4, 6) of uint8, not (4, 6) of float64"),
    "state m layer W headers": ([1], "expected an array of uint32, not [1]"),
    "state m layer W order": (np.array([6, 2]), "expected strides of shape (4, 6), not array([6, 2])"),
    "state v layer W order": (np.array([-6, 1]), "expected strides of shape (4, 6), not array([-6,  1])"),
    "state v layer W headers": (np.ones(2, np.uint32), "expected shape (1,) of uint32, not (2,) of uint32"),
    "state v layer W codes": (np.ones((6, 4), np.uint8), "expected shape (4, 6) of uint8, not (6, 4) of uint8"),
    "state m c": (np.ones(2, ">f8"), "expected shape (2,) of float64, not (2,) of >f8"),
    "state m d": (np.ones(2), "not expected"),
    "state u": ({}, "not expected"),
    "more": (1, "not expected"),
    "version": (4, "expected 1 to 3, not 4"),
    "optimizer": ("AdamW", "expected 'Adam', not 'AdamW'"),
    "skipped total": (True, "expected a count, not True"),
    "skipped in_a_row": (2.0, "expected a count, not 2.0"),
    "counts layer W": (3, "expected a count of at most t, 2, not 3"),
    "counts layer b": (-1, "expected a count of at most t, 2, not -1"),
    "counts c": ("2", "expected a count of at most t, 2, not '2'"),
    "hyper lr": (-1.0, f"{LR} -1.0"),
    "hyper beta1": (True, "Adam: expected beta1 to be a number, not True"),
    "hyper eps": (None, "missing"),
    "hyper decoupled": (1, "Adam: expected decoupled to be True or False, not 1"),
    "hyper nonfinite": ("ignore", "Adam: expected nonfinite to be 'propagate' or 'skip' or 'raise', not 'ignore'"),
    "hyper seed": (1, "expected 0, as this optimizer was made, not 1"),
    "hyper state_bits": (16, "expected 8, as this optimizer was made, not 16"),
    "hyper momentum": (0.5, "not expected"),
    "groups 0 lr": (np.nan, f"{LR} nan"),
    "groups 0 state_bits": (8, "expected 32, as this optimizer was made, not 8"),
    "groups 2 lr": (0.1, "not expected"),
}
"""What is put at a place, or None to take it away, and what is said of it."""


def said(path, text):
    return "".join(f"[{key!r}]" for key in path.split(" ")) + f": {text}"


def lines(opt, arrays, found):
    """What is said to be wrong, line by line; nothing has changed."""
    before = everything(opt, arrays), flat(opt.state_dict())
    with pytest.raises(
        ValueError, match=r"\AAdam: nothing was loaded, because the checkpoint does not fit:\n"
    ) as caught:
        opt.load_state_dict(found)
    assert (everything(opt, arrays), flat(opt.state_dict())) == before
    return str(caught.value).split("\n  ")[1:]


@pytest.mark.parametrize("path", ODD)
def test_an_entry_that_does_not_fit_is_named(path):
    found = made()[0].state_dict()
    at(path, ODD[path][0])(found)
    assert lines(*made(5), found) == [said(path, ODD[path][1])]


def test_all_that_does_not_fit_is_named_at_once():
    found = made()[0].state_dict()
    for path, (value, _) in ODD.items():
        at(path, value)(found)
    assert sorted(lines(*made(5), found)) == sorted(said(path, text) for path, (_, text) in ODD.items())


@pytest.mark.parametrize("t", [-1, 2.0, True, "2", 2**63, None])
def test_a_step_count_that_is_none_is_named(t):
    found = made()[0].state_dict()
    at("t", t)(found)
    assert said("t", "missing" if t is None else f"expected a count, not {t!r}") in lines(*made(5), found)


def test_groups_that_are_missing_or_of_another_shape_are_named():
    found = made()[0].state_dict()
    found["groups"] = 3
    problems = lines(*made(5), found)
    assert "['groups']: not expected" in problems


@pytest.mark.parametrize("value", [np.array([0, 0]), np.array([0]), 0.0, np.False_, "0", None])
def test_a_group_that_is_no_integer_is_named_with_all_else(value):
    opt = fa.Adam([np.zeros(3)])
    found = opt.state_dict()
    found["group"]["0"] = value
    del found["t"]
    with pytest.raises(ValueError, match=r"(?s)\['t'\]: missing.*\['group'\]\['0'\]: expected group 0"):
        opt.load_state_dict(found)


def test_nothing_is_put_in_place_where_state_of_another_order_cannot_be_rounded(monkeypatch):
    from fastadapt.engine.state import State

    p = np.zeros((60, 70), np.float32)
    opt = fa.Adam(p, state_bits=8, min_quantized_size=0, lr=0.5)
    opt.step(np.ones_like(p))
    other = fa.Adam(np.asfortranarray(p), state_bits=8, min_quantized_size=0)

    def fail(*args):
        raise MemoryError

    monkeypatch.setattr(State, "writing", fail)
    with pytest.raises(MemoryError):
        other.load_state_dict(opt.state_dict())
    assert (other.t, other.lr) == (0, 1e-3)


def test_hyperparameters_that_do_not_go_together_are_refused():
    p = np.ones(3)
    opt = fa.SGD(p, momentum=0.5)
    found = opt.state_dict()
    found["hyper"] |= {"momentum": 0.0, "dampening": 0.5}
    with refused(opt, [p], ValueError, "expected momentum with dampening"):
        opt.load_state_dict(found)


def test_a_checkpoint_of_another_rule_storage_or_structure_is_refused():
    opt, arrays = made(5)
    for other in (
        fa.AdamW(params()),
        fa.AMSGrad(params()),
        fa.Adam(params()),
        fa.Adam(params(), state_bits=8, min_quantized_size=0, rounding="nearest"),
        fa.Adam(params()["layer"], state_bits=8, min_quantized_size=0, rounding="nearest"),
        fa.Adam(list(params().values()), state_bits=8, min_quantized_size=0, rounding="nearest"),
    ):
        assert lines(opt, arrays, other.state_dict())
    opt.load_state_dict(made()[0].state_dict())


@pytest.mark.parametrize("thing", [3, None, [], "{}", np.ones(3), [("t", 1)]], ids=repr)
def test_what_is_no_dict_is_refused(thing):
    opt, arrays = made()
    with refused(opt, arrays, TypeError, f"expected a dict, as from state_dict, not {type(thing).__name__}"):
        opt.load_state_dict(thing)


@pytest.mark.parametrize(
    "tree",
    [
        lambda a, b: {1: a, "1": b},
        lambda a, b: {1: a, "1": {"b": b}},
        lambda a, b: {"1": {"b": b}, 1: a},
        lambda a, b: {"1": {0: b}, 1: [a]},
        lambda a, b: [{None: a, "None": b}],
    ],
)
def test_keys_that_are_the_same_string_are_refused(tree):
    a, b = np.ones(3), np.ones(2)
    opt = fa.Adam(tree(a, b))
    with refused(opt, [a, b], ValueError, "params: expected keys that differ as strings, but two arrays are named"):
        opt.state_dict()


def test_a_checkpoint_may_have_numbers_of_numpy_and_be_read_only():
    opt, _ = made()
    found = opt.state_dict()
    for array in leaves(found["state"]):
        array.setflags(write=False)
    other, _ = made(5)
    hyper = {k: np.float64(v) if type(v) is float else v for k, v in found["hyper"].items()}
    other.load_state_dict(found | {"t": np.int64(found["t"]), "hyper": hyper})
    assert flat(other.state_dict()) == flat(opt.state_dict())


def test_groups_that_hold_other_arrays_are_refused():
    """By their numbers alone, hyperparameters could come to other arrays."""

    def made(**groups):
        return fa.Adam({"w": np.ones(3), "b": np.ones(4)}, groups={name: {"lr": lr} for name, lr in groups.items()})

    found = made(w=1.0, b=2.0).state_dict()
    for other in (made(b=2.0, w=1.0), made(w=1.0), made()):
        before = repr(other)
        with pytest.raises(ValueError, match=r"\['group'\]\['b'\]: expected group"):
            other.load_state_dict(found)
        assert repr(other) == before
