"""Steps that a CUDA graph can capture: a replay is their launches alone, once more."""

from functools import partial

import numpy as np
import pytest
from catalogue import CASES, IDS
from clipping import held
from conftest import SIMULATED
from gpu import CUDA, compare, on, only_cuda, tree

import fastadapt as fa

pytestmark = pytest.mark.skipif(not SIMULATED, reason="a graph is stood in for by launches in the simulator")
SHAPES = {"a": (7,), "b": (0,), "c": (3, 5), "d": (261,)}
device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)


@pytest.fixture
def capture(monkeypatch):
    """The function that captures `step()`, in which nothing may be sent or waited for, and returns its replay."""
    from fastadapt.devices import cuda, cuda_launch

    launcher, graphs = cuda_launch.launcher, []

    def recording(kernel, *where):
        def launch(*args):
            launcher.__wrapped__(kernel, *where)(*args)  # the simulator's kernel keeps one grid

        return lambda *args: graphs[-1].append(partial(launch, *args)) if graphs else launch(*args)

    def refuse():
        raise AssertionError("a captured step waited")

    def captured(step):
        graphs.append([])
        with monkeypatch.context() as patch:
            for module in (cuda, cuda_launch):
                patch.setattr(module, "captured", lambda stream: True)
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
    params, grads = tree(SHAPES, seed), tree(SHAPES, seed + 50)
    theirs, given = on(device, params), on(device, grads)
    return (params, grads, cls(params, **hyper)), (theirs, given, cls(theirs, capturable=True, **hyper))


def fill(device, given, grads, seed):
    """Other values, in place, as a captured backward pass leaves them."""
    for name, g in tree(SHAPES, seed).items():
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
    hyper = {"lr": 0.1, "max_norm": 0.5, "nonfinite": "skip", "state_bits": bits, "min_quantized_size": 0}
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


def test_what_happens_between_replays_does_not_change_what_was_captured(device, capture):
    """A replay is the step that was captured, from where the optimizer stands now."""
    hyper = {"lr": 0.1, "max_norm": 0.5, "groups": {"c": {"lr": 0.5}}}
    (params, grads, ours), (theirs, given, opt) = made(device, fa.AdamW, hyper)
    other = tree(SHAPES, 99)
    there, kept = on(device, other), opt.state_dict()
    for o, g in ((ours, grads), (opt, given)):
        o.step(g, 0.5, max_value=2.0)
    replay = capture(lambda: opt.step(given, 0.5, max_value=2.0))
    between = [
        lambda o, g: o.step(g),
        lambda o, g: o.step(g, 2.0, max_norm=7.0),
        lambda o, g: o.step(g | {"a": None, "c": None}, max_norm=0.1),
        lambda o, g: setattr(o, "max_norm", 3.0),
        lambda o, g: setattr(o, "beta1", 0.3),
        lambda o, g: o.zero_state(),
        lambda o, g: o.step(g | {"d": None}),
        lambda o, g: o.load_state_dict(kept),
        lambda o, g: o.step(g),
    ]
    for change in between:
        change(ours, other)
        change(opt, there)
        for _ in range(2):
            ours.step(grads, 0.5, max_value=2.0)
            replay()
        assert opt.counts == ours.counts
        assert opt.t == ours.t
    compare(device, theirs, params)


def test_a_capture_that_measures_for_the_first_time_is_refused_before_anything_is_made(device, capture):
    _, (theirs, given, opt) = made(device, fa.Adam, {})
    opt.step(given)
    opt.max_norm = 1.0
    before = held(device, opt, list(theirs.values()))
    with pytest.raises(RuntimeError, match="take one step before the capture"):
        capture(lambda: opt.step(given))
    assert held(device, opt, list(theirs.values())) == before


def test_a_step_captured_with_a_limit_of_its_own_leaves_the_optimizers_free(device, capture):
    _, (_, given, opt) = made(device, fa.Adam, {"max_norm": 0.5})
    opt.step(given, max_norm=np.inf)
    capture(lambda: opt.step(given, max_norm=np.inf))
    opt.load_state_dict(opt.state_dict())
    opt.max_norm = 0.4
    with pytest.raises(ValueError, match="captured a step that measures no norm"):
        opt.nonfinite = "skip"


def test_two_captured_steps_take_turns(device, capture):
    (params, grads, ours), (theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1})
    other = tree(SHAPES, 99)
    there, replays = on(device, other), []
    for given_there, scale, most in ((given, 0.5, 0.3), (there, 2.0, None)):
        ours.step(grads if given_there is given else other, scale, max_norm=most)
        opt.step(given_there, scale, max_norm=most)
        replays.append(capture(lambda g=given_there, scale=scale, most=most: opt.step(g, scale, max_norm=most)))
    for lr in (0.2, 0.05):
        for o in (ours, opt):
            o.lr = lr
        ours.step(grads, 0.5, max_norm=0.3)
        replays[0]()
        ours.step(other, 2.0)
        replays[1]()
    compare(device, theirs, params)


def test_what_a_replay_cannot_heed_is_refused_and_changes_nothing(device, capture):
    _, (_, given, opt) = made(device, fa.Adam, {"lr": 0.1, "groups": {"c": {}}})
    opt.max_norm, opt.nonfinite = 1.0, "skip"  # nothing is captured yet
    opt.max_norm, opt.nonfinite = np.inf, "propagate"
    opt.step(given)
    capture(lambda: opt.step(given))
    opt.max_value = 2.0
    kept = opt.state_dict()
    for change in (
        lambda: setattr(opt, "max_norm", 1.0),
        lambda: setattr(opt.groups["c"], "max_norm", 1.0),
        lambda: setattr(opt, "nonfinite", "skip"),
        lambda: opt.load_state_dict(kept | {"hyper": kept["hyper"] | {"max_norm": 1.0}}),
    ):
        with pytest.raises(ValueError, match="captured a step that measures no norm"):
            change()
    with pytest.raises(ValueError, match="lr to be at most"):
        opt.lr = 1e300
    assert (opt.max_norm, opt.nonfinite, opt.lr, opt.groups["c"].lr) == (np.inf, "propagate", 0.1, 0.1)
    opt.step(given, max_norm=1.0)  # this one measures it


def test_what_is_done_about_gradients_reaches_a_replay_that_measures_them(device, capture):
    (params, grads, ours), (theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1, "max_norm": 0.5})
    for o, g in ((ours, grads), (opt, given)):
        o.step(g)
    replay = capture(lambda: opt.step(given))
    fill(device, given, grads, 7)
    grads["d"][260] = given["d"][260] = np.inf
    for o in (ours, opt):
        o.nonfinite = "skip"
    ours.step(grads)
    replay()
    assert opt.skipped == ours.skipped == (1, 1)
    for most in (3.0, np.inf):
        fill(device, given, grads, 9)
        for o in (ours, opt):
            o.max_norm = most
        ours.step(grads)
        replay()
    compare(device, theirs, params)


@pytest.mark.parametrize("given", [None, "transposed"])
def test_what_would_need_a_copy_or_a_count_is_refused_in_a_capture(given, device, capture):
    _, (theirs, grads, opt) = made(device, fa.Adam, {})
    grads["c"] = given and device.array(np.asfortranarray(device.numpy(grads["c"])))
    opt.step(grads)
    before = held(device, opt, list(theirs.values()))
    with pytest.raises(RuntimeError, match=r'params\["c"\]: expected a .*gradient .*where a CUDA graph captures'):
        capture(lambda: opt.step(grads))
    assert held(device, opt, list(theirs.values())) == before
    opt.step(grads)


def test_a_capture_refuses_what_is_not_on_the_device_yet(device, capture):
    _, (theirs, given, opt) = made(device, fa.Adam, {})
    opt.step(given)
    before = held(device, opt, list(theirs.values()))
    others = on(device, tree(SHAPES, 3))
    for step in (lambda: opt.step(others), lambda: opt.step(given, 0.5), lambda: opt.step(given, max_norm=1.0)):
        with pytest.raises(RuntimeError, match="take one step before the capture"):
            capture(step)
    assert held(device, opt, list(theirs.values())) == before


def test_where_it_makes_no_sense_it_is_refused(device):
    with pytest.raises(ValueError, match="capturable: expected arrays on CUDA"):
        fa.Adam(np.zeros(3), capturable=True)
    p = device.array(np.zeros(3))
    with pytest.raises(TypeError, match="Adam: expected capturable to be True or False, not 'yes'"):
        fa.Adam(p, capturable="yes")
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


def test_copies_and_checkpoints_go_on(device):
    _, (_theirs, given, opt) = made(device, fa.Adam, {"lr": 0.1, "max_norm": 0.5, "nonfinite": "skip"})
    for _ in range(2):
        opt.step(given)
    kept = opt.state_dict()
    other = fa.Adam(on(device, tree(SHAPES, 1)), capturable=True)
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
    from fastadapt.devices import cuda

    theirs, given = on(device, tree(SHAPES, 1)), on(device, tree(SHAPES, 2))
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
