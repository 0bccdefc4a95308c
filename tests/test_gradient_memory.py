"""Gradients that lie where a step writes count as they were; others are checked all at once, whatever holds them."""

import pickle

import numpy as np
import pytest
from conftest import SIMULATED, SLOW
from layouts import bits, numbers

import fastadapt as fa
from fastadapt.engine.cpu_batch import CpuBatch


class Marked(np.ndarray):
    """An array with a mark, and functions of its own."""

    def __array_finalize__(self, other):
        self.mark = getattr(other, "mark", None)

    def __array_ufunc__(self, *given, **more):
        raise TypeError("units")


class Given:
    """What makes an array of itself."""

    def __array__(self, dtype=None, copy=None):
        return np.ones((2, 3), np.float32)


@pytest.fixture
def fast(monkeypatch):
    """A function that takes a step, and says whether the gradients were checked all at once."""

    def step(opt, grads):
        looked, look = [], CpuBatch.look
        with monkeypatch.context() as patch:
            patch.setattr(CpuBatch, "look", lambda *given: looked.append(1) or look(*given))
            opt.step(grads)
        return not looked

    return step


def unpickled(thing):
    return pickle.loads(pickle.dumps(thing))


def ones(count=3, dtype=np.float32):
    return [np.ones((2, 3), dtype) for _ in range(count)]


def mapped(tmp_path):
    made = np.memmap(tmp_path / "g", np.float32, "w+", shape=(2, 3))
    made[...] = 1
    return made


ORDINARY = {
    "fresh": lambda _: ones(),
    "unpickled": lambda _: unpickled(ones()),
    "unpickled one by one": lambda _: [unpickled(g) for g in ones()],
    "computed from unpickled": lambda _: [unpickled(g) * unpickled(g) for g in ones()],
    "fresh beside unpickled": lambda _: [*ones(2), unpickled(ones(1)[0])],
    "of a dtype with metadata": lambda _: ones(dtype=np.dtype(np.float32, metadata={"unit": "m"})),
    "of a dtype that says its order": lambda _: ones(dtype=np.dtype(np.float32).newbyteorder("<")),
    "of float64": lambda _: unpickled(ones(dtype=np.float64)),
    "of float16": lambda _: unpickled(ones(dtype=np.float16)),
    "read-only": lambda _: [np.broadcast_to(g, g.shape) for g in ones()],
    "a matrix": lambda _: [np.asmatrix(g) for g in ones()],
    "of a subclass": lambda _: [g.view(Marked) for g in ones()],
    "a memory map": lambda path: [*ones(2), mapped(path)],
    "of many types": lambda _: [g.view(type(f"T{k}", (np.ndarray,), {})) for k, g in enumerate(ones())],
}


@pytest.mark.skipif(SLOW, reason="of CPU arrays, with compiled kernels")
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_memory_is_checked_all_at_once_whatever_holds_it(name, fast, tmp_path):
    params, grads = [np.zeros((2, 3), np.float32) for _ in range(3)], ORDINARY[name](tmp_path)
    opt = fa.SGD(params, lr=1.0)
    assert fast(opt, grads)
    assert fast(unpickled(opt), grads)
    assert all((p == -1).all() for p in params)
    one = fa.SGD(params[0], lr=1.0)
    assert fast(one, grads[-1])
    assert (params[0] == -2).all()


@pytest.mark.skipif(SLOW, reason="of CPU arrays, with compiled kernels")
@pytest.mark.parametrize("known", [True, False], ids=["headers", "no headers"])
def test_what_differs_from_array_to_array_is_checked_with_the_others(fast, known, monkeypatch):
    """Missing gradients, other dtypes and orders, gaps; also where NumPy's headers are others, and Python looks."""
    if not known:
        monkeypatch.setattr("fastadapt.engine.cpu_batch.trusted", lambda: 0)
    gappy = np.zeros((4, 6), np.float32)
    params = [np.zeros((2, 3), np.float32) for _ in range(3)] + [gappy[::2, ::2]]
    opt, expected = fa.SGD(params, lr=1.0), np.zeros(4)
    turned = np.arange(6, dtype=np.float32).reshape(3, 2).T
    for grads in (
        [*ones(3), None],
        [*ones(2), np.ones((2, 3)), np.ones((2, 3), np.float16)],
        [None, np.ones((2, 3), order="F"), ones(1)[0][::-1, ::-1], turned],
        [np.broadcast_to(np.float32(1), (2, 3)), turned, np.ones((4, 6))[::2, ::2], np.ones((2, 3), order="F")],
    ):
        before = [p.copy() for p in params]
        assert fast(opt, grads) == known
        for p, was, g in zip(params, before, grads, strict=True):
            np.testing.assert_array_equal(p, was if g is None else was - np.asarray(g))
        expected += [g is not None for g in grads]
    assert opt.counts == expected.tolist()
    assert not gappy[1::2].any()
    assert not gappy[:, 1::2].any()


@pytest.mark.skipif(SLOW, reason="of CPU arrays, with compiled kernels")
@pytest.mark.parametrize("kind", [unpickled, lambda p: p.view(Marked)])
def test_parameters_of_ordinary_memory_are_checked_all_at_once(kind, fast, tmp_path):
    params = [kind(np.zeros((2, 3), np.float32)) for _ in range(2)] + [mapped(tmp_path)]
    assert fast(fa.SGD(params, lr=1.0), ones())
    assert (np.asarray(params[0]) == -1).all()


@pytest.mark.skipif(SIMULATED, reason="of CPU arrays")
def test_what_is_no_ordinary_memory_is_not_taken_for_it(fast):
    opt = fa.SGD([np.zeros((2, 3), np.float32) for _ in range(3)], lr=1.0)
    swapped, odd = np.ones((2, 3), np.dtype(np.float32).newbyteorder()), np.ones(25, np.uint8)[1:].view(np.float32)
    for grads in ([*ones(2), swapped], [*ones(2), odd.reshape(2, 3)], [*ones(2), Given()]):
        assert not fast(opt, grads)
    opt.step([*ones(2), None])
    for wrong in (np.ma.ones((2, 3), np.float32), np.ones((2, 3), np.int32), np.ones((3, 2), np.float32)):
        with pytest.raises((TypeError, ValueError), match=r"params\[2\]"):
            opt.step([*ones(2), wrong])
    assert opt.counts == [4, 4, 3]


GAMES = {
    "each other": lambda p, state: [p[1], p[0], p[2]],
    "one for all": lambda p, state: [p[0]] * 3,
    "the state of each other": lambda p, state: [state[k] for k in (1, 2, 0)],
    "its own state": lambda p, state: state,
    "a parameter, and none": lambda p, state: [None, p[0], p[1]],
}


@pytest.mark.parametrize("clipped", [{}, {"max_norm": 0.5}])
@pytest.mark.parametrize("name", GAMES)
def test_a_gradient_that_the_step_writes_to_counts_as_it_was(device, name, clipped):
    found = []
    for copied in (False, True):
        params = [device.array(numbers(6, np.float32, k)) for k in range(3)]
        opt = fa.SGD(params, lr=0.5, momentum=0.5, **clipped)
        opt.step([device.array(numbers(6, np.float32, 10 + k)) for k in range(3)])
        for _ in range(3):
            grads = GAMES[name](params, opt.state["b"])
            if copied:
                grads = [g if g is None else device.array(device.numpy(g).copy()) for g in grads]
            opt.step(grads)
        found.append([bits(device.numpy(p)) for p in params])
    assert found[0] == found[1]


@pytest.mark.skipif(SIMULATED, reason="of CPU arrays")
def test_views_of_what_the_step_writes_count_as_they_were():
    """Parts, shifted, turned, read as another type or through an array with gaps, of arrays of two batches."""

    def run(copy):
        base, gappy, other = np.arange(40, dtype=np.float32), np.arange(24, dtype=np.float32), np.arange(6.0)
        p = [base[:6], base[10:16].reshape(2, 3), gappy[::4], other]
        opt = fa.SGD(p, lr=0.5, momentum=0.5)
        opt.step([np.ones(6), np.ones((2, 3)), np.ones(6), np.ones(6)])
        b = opt.state["b"]
        for grads in (
            [base[1:7], base[0:6].reshape(2, 3), gappy[:6], gappy[20:14:-1]],
            [gappy[::4], base[10:16].reshape(3, 2).T, base[5::-1], p[0]],
            [b[1].ravel(), b[3].reshape(2, 3), other, b[0]],
            [other.view(np.float32)[3:9], other[::-1].reshape(2, 3), b[2][::-1], other.view(np.float16)[:6] * 0 + 1],
        ):
            opt.step([g.copy() for g in grads] if copy else grads)
        return [bits(a) for a in (base, gappy, other)]

    assert run(False) == run(True)


@pytest.mark.skipif(SLOW, reason="of CPU arrays, with compiled kernels")
def test_gradients_beside_what_the_step_writes_are_checked_all_at_once(fast):
    memory = np.zeros(60, np.float32)
    p, g = [memory[k : k + 6] for k in (0, 12, 24)], [memory[k : k + 6] for k in (6, 18, 30)]
    memory[:] = np.arange(60)
    opt = fa.SGD(p, lr=1.0)
    wanted = [a - b for a, b in zip(p, g, strict=True)]
    assert fast(opt, g)
    assert [bits(a) for a in p] == [bits(a) for a in wanted]
    assert fast(opt, p)  # each its own
    for shift in (-1, 1):  # which count as they were
        wanted = [a - b for a, b in zip(p, [memory[18 + shift : 24 + shift].copy(), *g[1:]], strict=True)]
        assert fast(opt, [memory[18 + shift : 24 + shift], *g[1:]])
        assert [bits(a) for a in p] == [bits(a) for a in wanted]
    assert fast(opt, g[::-1])
    assert fast(opt, [memory[54:]] * 3)
