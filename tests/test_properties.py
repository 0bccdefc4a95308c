"""Random trees of random layouts: a step is the step of contiguous copies, bit by bit, and nothing else changes."""

import numpy as np
import pytest
from catalogue import ADAM
from conftest import SLOW
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import bits

import fastadapt as fa

EXAMPLES = settings(deadline=None, max_examples=20 if SLOW else 100)
OPTIMIZERS = [
    (fa.Adam, ADAM | {"weight_decay": 0.05}),
    (fa.SGD, {"lr": 0.1, "weight_decay": 0.05, "decoupled": True}),
]
SHAPES = st.one_of(
    st.lists(st.integers(0, 2 if SLOW else 4), max_size=4).map(tuple),
    st.tuples(st.integers(0, 10 if SLOW else 600)),
)
DTYPES = st.sampled_from([np.float32, np.float64])
GRADIENT_DTYPES = st.sampled_from([np.float32, np.float64, np.float16])


@st.composite
def views(draw, shape, dtype, broadcast=False):
    """A function that makes a base and a view of it, of this shape: the same ones at each call.

    The axes lie in any order in memory, and each may have steps, gaps around it and either direction.
    """
    order = draw(st.permutations(range(len(shape))))
    room = st.integers(0, 2)
    slices, lengths = [slice(None)] * len(shape), []
    for axis in order:
        n, step, before, behind = shape[axis], draw(st.integers(1, 3)), draw(room), draw(room)
        lengths.append(before + n * step + behind)
        slices[axis] = slice(before, before + n * step, step)
    turned = tuple(slice(None, None, draw(st.sampled_from([1, -1]))) for _ in shape)
    same = [axis for axis in range(len(shape)) if broadcast and shape[axis] and draw(st.booleans())]
    seed = draw(st.integers(0, 2**16))

    def make():
        base = np.asarray(np.random.default_rng(seed).standard_normal(lengths)).astype(dtype)
        view = base.transpose(np.argsort(order)) if shape else base
        view = view[(*slices, ...)][(*turned, ...)]
        for axis in same:
            view = np.broadcast_to(view[(slice(None),) * axis + (slice(1),)], shape)
        return base, view

    return make


@st.composite
def arrays(draw):
    """What makes a parameter, and what makes its gradient: None for none."""
    shape = draw(SHAPES)
    p = draw(views(shape, draw(DTYPES)))
    return Pair(p, draw(st.none() | views(shape, draw(GRADIENT_DTYPES), broadcast=True)))


class Pair:
    """A leaf of the tree of both."""

    def __init__(self, p, g):
        self.p, self.g = p, g


def containers(part):
    """Lists, tuples and dicts of a tree's parts."""
    keys = st.sampled_from(["W", "b", 0, 1, "a.b", ""])
    lists = st.lists(part, min_size=1, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(keys, part, min_size=1, max_size=3)


NESTS = st.recursive(arrays(), containers, max_leaves=6)


def leaves(tree):
    """The leaves of a tree."""
    if isinstance(tree, dict | list | tuple):
        return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(part)]
    return [tree]


def rebuilt(tree, new):
    """The tree with the leaves that the iterator `new` gives."""
    if isinstance(tree, dict):
        return {key: rebuilt(part, new) for key, part in tree.items()}
    return type(tree)(rebuilt(part, new) for part in tree) if isinstance(tree, list | tuple) else next(new)


@pytest.mark.parametrize(("cls", "hyper"), OPTIMIZERS, ids=[cls.__name__ for cls, _ in OPTIMIZERS])
@EXAMPLES
@given(tree=NESTS)
def test_a_step_is_the_step_of_contiguous_copies(cls, hyper, tree):
    pairs = leaves(tree)
    made = [(*pair.p(), pair.g and pair.g()[1]) for pair in pairs]
    params, grads = (rebuilt(tree, (row[k] for row in made)) for k in (1, 2))
    opt = cls(params, **hyper)
    opt.step(grads)
    opt.step(grads, scale=0.5)

    state = {name: leaves(opt.state[name]) for name in opt.state}
    for k, (pair, (base, _, _)) in enumerate(zip(pairs, made, strict=True)):
        wanted, view = pair.p()
        copy = np.array(view, order="C")
        alone = cls(copy, **hyper)
        if pair.g is not None:
            g = np.array(pair.g()[1], order="C")
            alone.step(g)
            alone.step(g, scale=0.5)
        view[...] = copy
        assert bits(base) == bits(wanted)
        assert leaves(opt.counts)[k] == alone.t
        assert [bits(state[name][k]) for name in state] == [bits(s) for s in alone.state.values()]


@st.composite
def parts(draw, lengths):
    """What takes a part of an array by basic slices, in either direction and order of axes."""
    ends = [sorted((draw(st.integers(0, n)), draw(st.integers(0, n)))) for n in lengths]
    slices = tuple(slice(*pair, draw(st.integers(1, 4))) for pair in ends)
    turned = tuple(slice(None, None, draw(st.sampled_from([1, -1]))) for _ in lengths)
    order = draw(st.permutations(range(len(lengths))))
    return lambda base: base[slices][turned].transpose(order)


@EXAMPLES
@given(takes=st.lists(parts((6, 5, 4)), min_size=2, max_size=4))
def test_views_of_one_array_are_refused_just_when_they_share_memory(takes):
    base = np.zeros((6, 5, 4))
    params = [take(base) for take in takes]
    if any(np.shares_memory(p, q) for k, p in enumerate(params) for q in params[:k]):
        with pytest.raises(ValueError, match="share memory"):
            fa.SGD(params)
    else:
        fa.SGD(params, lr=1.0).step([np.ones(p.shape) for p in params])
        assert np.count_nonzero(base) == sum(p.size for p in params)


@EXAMPLES
@given(tree=NESTS)
def test_flatten_holds_the_values_and_shares_its_memory(tree):
    params = rebuilt(tree, (pair.p()[1].astype(np.float32) for pair in leaves(tree)))
    flat, nested = fa.flatten(params)
    assert bits(flat) == b"".join(bits(p) for p in leaves(params))
    assert [v.shape for v in leaves(nested)] == [p.shape for p in leaves(params)]
    flat += 1
    assert b"".join(bits(v) for v in leaves(nested)) == bits(flat)
