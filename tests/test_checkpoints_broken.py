"""Whatever is handed to an optimizer as a checkpoint, it loads what is right, refuses the rest, and is never half."""

import warnings
from copy import deepcopy
from fractions import Fraction
from numbers import Real

import numpy as np
from conftest import SLOW, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from untouched import everything, leaves

import fastadapt as fa

EXAMPLES = settings(deadline=None, derandomize=True, database=None)
many_examples = sample(20 if SLOW else 60, 50 if SLOW else 2500)


def made(steps):
    """An optimizer whose arrays have state of 8, 16 and 32 bits, and its parameters."""
    params = {"a/~": [np.ones(5, np.float32)], "b": np.ones(3, np.float32), "c": np.ones(())}
    groups = {"b": {"state_bits": 16, "rounding": "nearest"}, "c": {"state_bits": 32, "lr": 0.5}}
    opt = fa.Adam(params, groups=groups, state_bits=8, min_quantized_size=0, rounding="nearest")
    for t in range(steps):
        opt.step({"a/~": [np.ones(5, np.float32)], "b": None if t else np.ones(3, np.float32), "c": np.ones(())})
    return opt, leaves(params)


FULL = made(3)[0].state_dict()
OPT, ARRAYS = made(2)
OWN = OPT.state_dict()


def refused(load, wanted):
    """Whether a load was an error, after which all is as before; else the optimizer is what was wanted."""
    OPT.load_state_dict(OWN)
    before = everything(OPT, ARRAYS)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            load()
        except (ValueError, TypeError) as error:
            assert str(error)  # noqa: PT017 - no error is as good
            assert (everything(OPT, ARRAYS), values(OPT.state_dict())) == (before, values(OWN))
            wrong = True
        else:
            # One that calls itself older, and has all entries of today, is read, and is of today then.
            assert values(OPT.state_dict()) == values(wanted | {"version": OWN["version"]})
            assert 1 <= wanted["version"] <= OWN["version"]
            wrong = False
    assert [str(one.message) for one in seen] == []
    return wrong


def values(node, path=()):
    """The leaves by path: arrays by their bits, numbers as floats, and apart from booleans."""
    if isinstance(node, dict) and (node or not path):
        return {at: leaf for key, child in node.items() for at, leaf in values(child, (*path, str(key))).items()}
    if isinstance(node, np.ndarray) and node.shape:
        return {path: (node.dtype.str, node.shape, node.tobytes())}
    number = isinstance(node, Real) and not isinstance(node, bool)
    return {path: (isinstance(node, bool | np.bool), float(node) if number else node)}


def places(node, above=()):
    """The paths to all nodes but the root."""
    for key, child in node.items():
        yield (*above, key)
        if isinstance(child, dict):
            yield from places(child, (*above, key))


PLACES = list(places(FULL))
WORDS = sorted({key for path in PLACES for key in path} | {"", "/", "2", "momentum"})
NUMBERS = st.one_of(
    st.integers(-3, 4),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from([10**400, 2**63 - 1, 2**63, Fraction(1, 3), 1j, np.int8(2), np.float16(0.5), np.bool(True)]),
)
DTYPES = st.sampled_from(["u1", "u2", "u4", ">u2", "i8", "f4", "f8", "c8", "?", "O", "U3", "M8[s]", [("x", "f4")]])
SHAPES = st.sampled_from([(), (0,), (1,), (3,), (5,), (1, 5), (2**40, 0)])
ARRAYS_OF_ANY_KIND = st.builds(np.zeros, SHAPES, DTYPES)
THINGS = st.one_of(
    NUMBERS,
    ARRAYS_OF_ANY_KIND,
    st.none(),
    st.binary(max_size=3),
    st.sampled_from(WORDS),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([OPT, object(), np.zeros, Ellipsis]),
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=2) | st.integers(0, 2) | st.none() | st.tuples(st.integers(0, 2))
JUNK = st.recursive(THINGS, lambda part: st.dictionaries(KEYS, part, max_size=4), max_leaves=8)


@st.composite
def altered(draw):
    """A checkpoint of which up to three entries were dropped, renamed, replaced, swapped, retyped or added."""
    found = deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(PLACES))
        node = found
        for key in above:
            node = node.get(key, {}) if isinstance(node, dict) else {}
        if not isinstance(node, dict) or last not in node:
            continue
        old, how = node[last], draw(st.integers(0, 6))
        if how == 0:
            del node[last]
        elif how == 1:
            node[draw(KEYS)] = node.pop(last)
        elif how == 2:
            node[last] = draw(JUNK)
        elif how == 3:
            node[draw(KEYS)] = draw(JUNK)
        elif how == 4 and isinstance(old, np.ndarray) and old.size and old.dtype.kind in "uif":
            node[last] = draw(
                st.sampled_from(
                    [
                        old[None],
                        old.tolist(),
                        old.astype("c16"),
                        old.byteswap().view(old.dtype.newbyteorder()),
                        old.copy(),
                    ]
                )
            )
        elif how == 5:
            other = draw(st.sampled_from(list(node)))
            node[last], node[other] = node[other], old
        elif how == 6 and isinstance(old, int | float | bool):
            node[last] = draw(st.sampled_from([np.array(old), np.asarray(old)[()], str(old), float(old), int(old < 5)]))
    return found


@many_examples
def test_a_checkpoint_with_altered_entries_is_loaded_right_or_not_at_all(count):
    @settings(EXAMPLES, max_examples=count)
    @given(found=altered())
    def check(found):
        refused(lambda: OPT.load_state_dict(found), found)

    check()


@many_examples
def test_what_was_never_a_checkpoint_is_refused(count):
    @settings(EXAMPLES, max_examples=count)
    @given(found=JUNK)
    def check(found):
        assert refused(lambda: OPT.load_state_dict(found), None)

    check()
