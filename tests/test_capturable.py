"""Steps that a CUDA graph can capture: a replay is their launches alone, once more."""

from functools import partial

import numpy as np
import pytest
from catalogue import CASES, IDS
from clipping import held
from conftest import SIMULATED
from gpu import CUDA, compare, nest, on, only_cuda

import fastadapt as fa

pytestmark = pytest.mark.skipif(not SIMULATED, reason="a graph is stood in for by launches in the simulator")
SHAPES = {"a": (7,), "b": (0,), "c": (3, 5), "d": (261,)}
device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)


@pytest.fixture
def capture(monkeypatch):
    """The function that captures `step()`, in which nothing may be sent or waited for, and returns its replay."""
    from fastadapt.kernels import cuda, cuda_launch

    launcher, graphs = cuda_launch.launcher, []

    def recording(kernel, blocks, stream):
        def launch(*args):
            launcher.__wrapped__(kernel, blocks, stream)(*args)  # the simulator's kernel keeps one grid

        return lambda *args: graphs[-1].append(partial(launch, *args)) if graphs else launch(*args)

    def refuse():
        raise AssertionError("a captured step waited")

    def captured(step):
        graphs.append([])
        with monkeypatch.context() as patch:
            patch.setattr(cuda_launch, "captured", lambda stream: True)
            patch.setattr(cuda, "synchronize", refuse)
            try:
                step()
            finally:
                graph = graphs.pop()
        assert graph
        return lambda: [launch() for launch in graph]

    monkeypatch.setattr(cuda_launch, "launcher", recording)
    return captured


def made(device, cls, hyper, seed=1):
    """Parameters and gradients on the CPU and on CUDA, and an optimizer of each; the second can be captured."""
    params, grads = nest(SHAPES, seed), nest(SHAPES, seed + 50)
    theirs, given = on(device, params), on(device, grads)
    return (params, grads, cls(params, **hyper)), (theirs, given, cls(theirs, capturable=True, **hyper))


def fill(device, given, grads, seed):
    """Other values, in place, as a captured backward pass leaves them."""
    for name, g in nest(SHAPES, seed).items():
        grads[name][...] = g
        given[name][...] = g


@pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
def test_replays_are_the_steps_of_the_cpu(cls, hyper, device, capture):
    (params, grads, ours), (theirs, given, opt) = made(device, cls, hyper)
    ours.step(grads, 0.5)
    opt.step(given, 0.5)
    replay = capture(lambda: opt.step(given, 0.5))
    assert opt.t == 1
    for t in range(3):
        fill(device, given, grads, 100 * t + 7)
        ours.step(grads, 0.5)
        replay()
    compare(device, theirs, params)
    assert opt.t == ours.t == 4
    assert opt.counts == ours.counts
    for name, arrays in ours.state.items():
        compare(device, opt.state[name], arrays)


def test_hyperparameters_reach_a_replay(device, capture):
    groups = {"c": {"lr": 0.5}}
    (params, grads, ours), (theirs, given, opt) = made(device, fa.AdamW, {"lr": 0.1, "groups": groups})
    for o, g in ((ours, grads), (opt, given)):
        o.step(g)
    replay = capture(lambda: opt.step(given))
    for lr in (0.1, 0.02, 0.3):
        for o in (ours, opt):
            o.lr, o.groups["c"].weight_decay = lr, lr / 2
        ours.step(grads)
        replay()
    compare(device, theirs, params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scale_on_the_device_is_read_by_a_replay(dtype, device, capture):
    (params, grads, ours), (theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1, "eps": 0.5})
    scale = device.array(np.ones(1, dtype))
    opt.step(given, scale)
    ours.step(grads)
    replay = capture(lambda: opt.step(given, scale))
    for value in (0.5, 2.0, 0.25):
        scale[0] = value
        replay()
        ours.step(grads, value)
    compare(device, theirs, params)


@pytest.mark.parametrize("bits", [32, 8])
def test_a_replay_clips_and_skips_by_what_it_finds(bits, device, capture):
    hyper = {"lr": 0.1, "max_norm": 0.5, "nonfinite": "skip", "state_bits": bits, "small_from": 0}
    (params, grads, ours), (theirs, given, opt) = made(device, fa.Adam, hyper)
    for o, g in ((ours, grads), (opt, given)):
        o.step(g)
    replay = capture(lambda: opt.step(given))
    for t in range(5):
        fill(device, given, grads, 100 * t + 7)
        if t in (1, 2, 4):
            grads["d"][260] = given["d"][260] = np.inf
        before = held(device, opt, list(theirs.values()))
        ours.step(grads)
        replay()
        assert (held(device, opt, list(theirs.values())) == before) == (t in (1, 2, 4))
        assert opt.skipped == ours.skipped
        assert opt.grad_norm == pytest.approx(ours.grad_norm)
    compare(device, theirs, params)
    assert (opt.t, opt.skipped) == (3, (3, 1))


def test_a_capture_refuses_what_is_not_on_the_device_yet(device, capture):
    _, (theirs, given, opt) = made(device, fa.Adam, {})
    opt.step(given)
    before = held(device, opt, list(theirs.values()))
    others = on(device, nest(SHAPES, 3))
    for step in (lambda: opt.step(others), lambda: opt.step(given, 0.5), lambda: opt.step(given, max_norm=1.0)):
        with pytest.raises(RuntimeError, match="take one step before the capture"):
            capture(step)
    assert held(device, opt, list(theirs.values())) == before


def test_where_it_makes_no_sense_it_is_refused(device):
    with pytest.raises(ValueError, match="capturable: expected arrays on CUDA"):
        fa.Adam(np.zeros(3), capturable=True)
    p = device.array(np.zeros(3))
    with pytest.raises(ValueError, match="capturable: expected nonfinite"):
        fa.Adam(p, capturable=True, nonfinite="raise")
    opt = fa.Adam(p, capturable=True)
    with pytest.raises(ValueError, match="capturable: expected nonfinite"):
        opt.nonfinite = "raise"
    assert opt.nonfinite == "propagate"
    with pytest.raises(AttributeError, match="capturable cannot be assigned"):
        opt.capturable = False
    with pytest.raises(ValueError, match="one float32 or float64"):
        opt.step(device.array(np.zeros(3)), device.array(np.ones(2)))


def test_a_rule_whose_coefficients_do_not_compile_cannot_be_captured_and_waits_for_the_norm(device, monkeypatch):
    from fastadapt.kernels import cuda

    real = cuda.decider

    def decider(coefficients, values):
        if values:
            raise TypeError("not for a GPU")
        return real(coefficients, values)

    (params, grads, ours), (theirs, given, _) = made(device, fa.Adam, {"lr": 0.1})
    monkeypatch.setattr(cuda, "decider", decider)
    with pytest.raises(TypeError, match=r"Adam.coefficients: Numba cannot compile it for CUDA"):
        fa.Adam(theirs, capturable=True)
    opt = fa.Adam(theirs, lr=0.1)
    for t in range(6):
        fill(device, given, grads, 100 * t)
        if t in (2, 3):
            grads["a"][0] = given["a"][0] = np.nan
        limits = {} if t == 1 else {"max_norm": 0.5}
        for o, g in ((ours, grads), (opt, given)):
            o.nonfinite = "skip"
            o.step(g, 0.5, **limits)
            o.lr *= 0.5
    compare(device, theirs, params)
    assert (opt.t, opt.skipped) == (ours.t, ours.skipped) == (4, (2, 0))


def test_copies_and_checkpoints_go_on(device):
    _, (_theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1, "max_norm": 0.5, "nonfinite": "skip"})
    for _ in range(2):
        opt.step(given)
    kept = opt.state_dict()
    other = fa.Adam(on(device, nest(SHAPES, 1)), capturable=True)
    other.load_state_dict(kept)
    assert other.capturable
    assert (other.t, other.lr) == (2, 0.1)
    assert other.state_dict()["counts"] == kept["counts"]
    opt.zero_state()
    assert opt.t == 0
    assert np.isnan(opt.grad_norm)
    opt.step(given)
    assert (opt.t, opt.counts["a"]) == (1, 1)


@pytest.mark.parametrize("limits", [{}, {"max_norm": 0.5}, {"max_norm": 0.5, "nonfinite": "skip"}])
@pytest.mark.parametrize("capturable", [False, True])
def test_a_step_waits_for_nothing(limits, capturable, device, monkeypatch):
    from fastadapt.kernels import cuda

    theirs, given = on(device, nest(SHAPES, 1)), on(device, nest(SHAPES, 2))
    opt = fa.Adam(theirs, capturable=capturable, **limits)
    opt.step(given)  # the first may wait for memory to be made zero
    waits = []
    with monkeypatch.context() as patch:
        patch.setattr(cuda, "synchronize", lambda: waits.append("synchronize"))
        patch.setattr(cuda, "fetched", lambda *args: waits.append("fetched"))
        for _ in range(3):
            opt.step(given)
    assert waits == []
    assert opt.t == 4


def test_arrays_without_gradients_wait_only_where_a_step_may_be_skipped(device):
    (params, grads, ours), (theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1, "nonfinite": "skip"})
    for t in range(5):
        for o, g in ((ours, grads), (opt, given)):
            found = dict(g)
            if t in (1, 3):
                found["a"] = None
            if t == 3:
                found["c"][0, 0] = np.inf
            o.step(found)
            if t == 3:
                found["c"][0, 0] = 1.0
    compare(device, theirs, params)
    assert opt.counts == ours.counts == {"a": 3, "b": 4, "c": 4, "d": 4}
