"""What CUDA has apart from the CPU: two captures, references, gradients that are not finite, and first states."""

import gc
import weakref
from math import inf, isnan, nan

import numpy as np
import pytest
from conftest import Cuda, has_gpu
from numba import njit

import fastadapt as fa
from fastadapt.engine.cuda_control import _needs_norm, _needs_skips
from fastadapt.functions import reads_values

on_cuda = pytest.mark.gpu
# Without Numba, and in the simulator, NumPy's scalars tell of what overflows.
pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")


@pytest.fixture(autouse=True)
def _cuda(request):
    if request.node.get_closest_marker("gpu") and "device" not in request.fixturenames and not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")


def capturable(**hyper):
    """An optimizer on CUDA, with its parameter."""
    p = Cuda.array(np.zeros(5, np.float32))
    return fa.SGD(p, lr=1.0, capturable=True, **hyper)


WHY = "a CUDA graph has captured a step that measures no norm"


@on_cuda
@pytest.mark.parametrize("order", [(_needs_norm, _needs_skips), (_needs_skips, _needs_norm)], ids=["first", "second"])
def test_what_one_captured_step_refuses_another_does_not_allow(order):
    """A step that follows `max_norm`, and one that was given its own, in either order."""
    opt = capturable()
    for refused in order:
        opt._groups[0].refuse(WHY, refused)
    for name, value in (("max_norm", 1.0), ("nonfinite", "skip")):
        with pytest.raises(ValueError, match=WHY):
            setattr(opt, name, value)
    opt._groups[0].refuse(WHY, order[0])  # a third capture is no third reason
    assert len(opt._groups[0]._refused) == 3  # that a graph raises nothing is the other
    assert (opt.max_norm, opt.nonfinite) == (inf, "propagate")


HYPER = [{}, {"max_norm": 1.0, "nonfinite": "skip"}, {"capturable": True}]


@pytest.mark.parametrize("hyper", HYPER, ids=["plain", "clipped", "capturable"])
def test_an_optimizer_is_freed_with_its_last_reference(hyper, device):
    if device.name == "cpu" and "capturable" in hyper:
        pytest.skip("graphs are CUDA's")

    def stepped():
        opt = fa.Adam([device.array(np.ones(n, np.float32)) for n in (5, 3)], **hyper)
        opt.step([device.array(np.ones(5, np.float32)), None])
        opt.lr = 0.5
        return opt

    stepped()  # while it compiles, Numba makes cycles of its own
    gc.collect()
    gc.disable()
    try:
        opt = stepped()
        group, known = opt._groups[0], weakref.ref(opt)
        del opt
        assert known() is None
        group.lr = 0.25  # of whose optimizer nothing is left
    finally:
        gc.enable()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_value", [0.0, 1e-30, 1.0, inf])
@pytest.mark.parametrize("bad", [inf, -inf, nan])
def test_what_is_not_finite_is_so_for_any_max_value(bad, max_value, dtype, device):
    p, g = np.zeros(7, dtype), np.ones(7, dtype)
    g[3] = bad
    given = device.array(p)
    opt = fa.SGD(given, lr=1.0, nonfinite="skip", max_value=max_value)
    opt.step(device.array(g))
    assert opt.skipped == (1, 1)
    assert (opt.t, device.numpy(given).tolist()) == (0, [0] * 7)
    assert isnan(opt.grad_norm) if isnan(bad) else opt.grad_norm == inf


def of_shape(p, /, a=0.5):
    return (np.full(p.shape, a, p.dtype), p.ndim * p.size)


def of_nothing(p, /, a=0.5):
    return (a,)


READ = [
    lambda p, /: (p * 2,),
    lambda p, /: (np.zeros_like(p),),
    lambda p, /: (p.sum(),),
    lambda p, /: (p.shape, p[0]),
    lambda p, /: (np.array([0.0, *(x for x in p)]),),
    lambda p, /: (getattr(p, "shape"), max(p)),  # noqa: B009
    lambda p, /: (lambda: p)(),
]


@pytest.mark.parametrize("start", READ)
def test_a_start_that_reads_values_is_told_from_one_that_does_not(start):
    assert reads_values(start)
    assert reads_values(njit(start))
    assert not reads_values(of_shape)
    assert not reads_values(of_nothing)
    assert not reads_values(fa.AdaGrad.start)


@pytest.mark.parametrize(
    "start", [of_nothing, lambda p, /, a=0.5: (np.full(p.shape, a),), lambda p, /, a=0.5: (p + a,)]
)
def test_only_a_start_that_reads_values_copies_the_parameters(start, device, monkeypatch):
    functions = {
        "coefficients": lambda t, lr=1.0: (lr,),
        "start": start,
        "update": lambda p, g, s, /, lr: (p - lr * g, s),
    }
    cls = type("Mine", (fa.Optimizer,), {name: staticmethod(function) for name, function in functions.items()})
    first = device.array(np.ones((2, 3), np.float32))
    opt = cls(first)
    copied = []
    monkeypatch.setattr(opt, "_device", opt._device)
    real = opt._device.on_host
    monkeypatch.setattr(opt._device, "on_host", lambda found: copied.append(found) or real(found))
    opt.zero_state()
    assert bool(copied) == reads_values(start)
    assert device.numpy(opt.state["s"]).tolist() == np.full((2, 3), 1.5 if copied else 0.5).tolist()
