"""Arrays of CuPy and PyTorch on a real GPU: updated in place, on their streams, in graphs."""

import numpy as np
import pytest
from conftest import SIMULATED
from gpu import CUDA, TOLERANCE, only_cuda, tree

import fastadapt as fa

STEPS = 3
SHAPES = {"a": (), "b": (7,), "c": (0,), "d": (3, 5), "e": (257,), "f": (2, 3, 4), "g": (300,)}
device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)


@pytest.fixture
def cupy(device):
    """CuPy with a GPU; its arrays are real ones, which the simulator cannot read."""
    if SIMULATED:
        pytest.skip("not in the simulator")
    return pytest.importorskip("cupy")


@pytest.fixture
def torch(device):
    """PyTorch with a GPU."""
    torch = pytest.importorskip("torch")
    if SIMULATED or not torch.cuda.is_available():
        pytest.skip("needs a GPU that PyTorch can use")
    return torch


def test_cupy_arrays_are_updated_in_place(cupy):
    params, grads = tree(SHAPES, 1), tree(SHAPES, 2)
    theirs = {name: cupy.asarray(array) for name, array in params.items()}
    their_grads = {name: cupy.asarray(array) for name, array in grads.items()}
    ours, other = fa.Adam(params, lr=0.1), fa.Adam(theirs, lr=0.1)
    for _ in range(STEPS):
        ours.step(grads)
        other.step(their_grads)
    for name, array in params.items():
        np.testing.assert_allclose(cupy.asnumpy(theirs[name]), array, **TOLERANCE, err_msg=name)


def test_cupy_streams_order_the_gradient_and_its_step(cupy):
    p = cupy.zeros(2**22, cupy.float32)
    opt = fa.SGD(p, lr=1.0)
    cupy.cuda.Device().synchronize()
    with cupy.cuda.Stream(non_blocking=True) as stream:
        for t in range(20):
            g = cupy.full(2**22, t, cupy.float32)
            opt.step(g, stream=stream)
        total = -p.sum(dtype=cupy.float64)
    stream.synchronize()
    assert float(total) == 2**22 * sum(range(20))


def test_torch_tensors_are_updated_in_place(torch):
    params, grads = tree(SHAPES, 1), tree(SHAPES, 2)
    theirs = {name: torch.from_numpy(array.copy()).cuda() for name, array in params.items()}
    their_grads = {name: torch.from_numpy(array).cuda() for name, array in grads.items()}
    ours, other = fa.Adam(params, lr=0.1), fa.Adam(theirs, lr=0.1)
    for _ in range(STEPS):
        ours.step(grads)
        other.step(their_grads)
    for name, array in params.items():
        np.testing.assert_allclose(theirs[name].cpu().numpy(), array, **TOLERANCE, err_msg=name)


def test_steps_on_torch_tensors_run_on_its_current_stream(torch):
    p = torch.zeros(2**22, device="cuda")
    opt = fa.SGD(p, lr=1.0)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for t in range(20):
            opt.step(torch.full_like(p, t))
        total = -p.sum(dtype=torch.float64)
    stream.synchronize()
    assert total.item() == 2**22 * sum(range(20))


@pytest.mark.parametrize("bits", [32, 8])
def test_a_graph_of_pytorch_replays_steps_that_clip_skip_and_follow_the_hyperparameters(bits, torch):
    hyper = {"lr": 0.1, "max_norm": 0.5, "nonfinite": "skip", "state_bits": bits, "min_quantized_size": 0}
    params, grads = tree(SHAPES, 1), tree(SHAPES, 2)
    theirs, given = ({name: torch.from_numpy(a.copy()).cuda() for name, a in of.items()} for of in (params, grads))
    scale = torch.ones(1, device="cuda")
    ours, opt = fa.Adam(params, **hyper), fa.Adam(theirs, capturable=True, **hyper)
    ours.step(grads)
    opt.step(given, scale)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        opt.step(given, scale)
    for t in range(4):
        for name, g in tree(SHAPES, 10 * t).items():
            grads[name][...] = g
            given[name].copy_(torch.from_numpy(g))
        if t == 2:
            grads["g"][299] = given["g"][299] = np.inf
        scale.fill_(0.5 + t)
        ours.lr = opt.lr = 0.1 / (1 + t)
        ours.step(grads, 0.5 + t)
        graph.replay()
        opt.step(given, 2.0, max_norm=1.0)  # and one that is not captured, between
        ours.step(grads, 2.0, max_norm=1.0)
    assert (opt.t, opt.skipped) == (ours.t, ours.skipped) == (7, (2, 0))
    for name, array in params.items():
        np.testing.assert_allclose(theirs[name].cpu().numpy(), array, rtol=1e-5, atol=2e-5, err_msg=name)
