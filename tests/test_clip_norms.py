"""The norm of the gradients: exact, of any number of arrays and threads, and where their squares are beyond float64."""

import numba
import numpy as np
import pytest
from catalogue import SIZES
from clipping import INFINITY, assert_close, clipped, norm_of, slack, taken
from conftest import INTERPRETED, SIMULATED, SLOW, Cpu, for_maintainers
from runs import normal

import fastadapt as fa
from fastadapt.devices import cpu

every_pair = pytest.mark.parametrize(
    ("dtype", "g_dtype"), [(np.float32, np.float32), (np.float32, np.float16), (np.float64, np.float64)]
)


def gradients(sizes, dtype):
    return [normal(k, n).astype(dtype) for k, n in enumerate(sizes)]


@pytest.fixture
def _many_threads(monkeypatch):
    """Threads that are restored, and woken for little work where kernels are slow."""
    if INTERPRETED:
        monkeypatch.setattr(cpu, "PARALLEL_FROM", 4 * 256)
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


@every_pair
def test_the_norm_is_that_of_all_numbers_of_all_arrays(dtype, g_dtype, device):
    for sizes in (*([n] for n in SIZES), SIZES, [0, 0, 5], [5, 0, 300], [0, 257, 0, 0]):
        grads = gradients(sizes, g_dtype)
        _, opt = taken(device, grads, dtype, {"max_norm": 0.5})
        assert opt.grad_norm == pytest.approx(norm_of(grads), rel=slack(grads, np.float64))


def test_float32_gradients_are_squared_in_float64(device):
    grads = [np.full(300, 1e30, np.float32), np.full(300, 1e-30, np.float32)]
    for k in (slice(0, 2), slice(0, 1), slice(1, 2)):
        found, opt = taken(device, grads[k], step={"max_norm": 1e-3})
        assert opt.grad_norm == pytest.approx(norm_of(grads[k]), rel=slack(grads, np.float64))
        assert_close(found[:1], clipped(grads[k], 1e-3)[:1], np.float32)


def test_the_norm_of_a_thousand_small_arrays(device):
    grads = gradients([k * 17 % 41 for k in range(60 if SLOW else 1000)], np.float32)
    found, opt = taken(device, grads, step={"max_norm": 2.0})
    assert_close(found, clipped(grads, 2.0), np.float32)
    assert opt.grad_norm == pytest.approx(norm_of(grads), rel=slack(grads, np.float64))


@pytest.mark.skipif(SIMULATED, reason="the CPU is the same as without the simulator")
@pytest.mark.usefixtures("_many_threads")
@pytest.mark.parametrize("shape", ["one", "many"])
@pytest.mark.parametrize(
    ("dtype", "g_dtype"),
    [(np.float32, np.float32), *for_maintainers((np.float32, np.float16), (np.float64, np.float64))],
)
def test_the_bits_are_the_same_for_every_number_of_threads_and_without_any(dtype, g_dtype, shape, monkeypatch):
    n = cpu.PARALLEL_FROM + 37
    sizes = [n] if shape == "one" else [1 + k * 1237 % 997 for k in range(n // 256)]
    grads = gradients(sizes, g_dtype)
    ends = []
    for threads in range(1, 1 + min(3, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        ends.append(taken(Cpu, grads, dtype, {"max_norm": 2.0}))
    monkeypatch.setattr(cpu, "PARALLEL_FROM", 2**40)
    ends.append(taken(Cpu, grads, dtype, {"max_norm": 2.0}))
    assert len({opt.grad_norm for _, opt in ends}) == 1
    assert len({b"".join(g.tobytes() for g in found) for found, _ in ends}) == 1
    assert ends[0][1].grad_norm == pytest.approx(norm_of(grads), rel=slack(grads, np.float64))
    assert_close(ends[0][0], clipped(grads, 2.0), dtype)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # NumPy's, where Python runs the kernels
@pytest.mark.parametrize("max_norm", [0.5, 1e-170, 1e150, 1e201])
@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1e-140, 1e140, 1e160, 1e200, 1e300])
def test_squares_beyond_float64_do_no_harm(size, max_norm, device):
    grads = [g * size for g in gradients([300, 7], np.float64)]
    found, opt = taken(device, grads, np.float64, {"max_norm": max_norm})
    assert opt.grad_norm == pytest.approx(norm_of(grads), rel=slack(grads, np.float64))
    expected = clipped(grads, max_norm)
    for one, other in zip(found, expected, strict=True):  # denormals, which become zero, aside
        assert one == pytest.approx(other, rel=slack(grads, np.float64), abs=1e-307)


def test_gradients_that_float64_can_square_need_no_float64_weights(device):
    grads = [np.full(300, 1e38, np.float32)]
    found, opt = taken(device, grads, step={"max_norm": 1e38})
    assert_close(found, clipped(grads, 1e38), np.float32)
    assert opt.grad_norm == pytest.approx(1e38 * np.sqrt(300), rel=1e-7)  # 1e38 is rounded to float32


@pytest.mark.parametrize("size", [0.0, 1e-190])
def test_zero_gradients_of_float32_weights_beside_tiny_ones_of_float64_weights_are_zero(size, device):
    params = [device.array(np.zeros(3, dtype)) for dtype in (np.float32, np.float64)]
    opt = fa.SGD(params, lr=1.0, max_norm=1.0, nonfinite="skip")
    opt.step([device.array(np.zeros(3, np.float32)), device.array(np.full(3, size))])
    assert (opt.t, opt.skipped.total) == (1, 0)
    assert opt.grad_norm == pytest.approx(size * 3**0.5)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("nonfinite", ["skip", "raise"])
def test_large_gradients_of_one_group_beside_zeros_of_another_are_finite(nonfinite, device):
    limits = {"max_norm": 1.0, "nonfinite": nonfinite, "groups": {"1": {"max_norm": 1.0}}}
    found, opt = taken(device, [np.full(3, 1e130), np.zeros(3)], np.float64, **limits)
    assert (opt.t, opt.skipped.total) == (1, 0)
    assert opt.grad_norm == pytest.approx(1e130 * 3**0.5)
    assert norm_of(found[:1]) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.filterwarnings("error")
def test_sums_that_are_not_needed_overflow_without_a_word(device):
    params = [device.array(np.zeros(3, dtype)) for dtype in (np.float32, np.float64)]
    opt = fa.SGD(params, max_norm=1.0, groups={"1": {"max_norm": 1.0}})
    opt.step([device.array(np.ones(3, np.float32)), device.array(np.zeros(3))])
    assert opt.grad_norm == pytest.approx(3**0.5)


def test_zero_gradients_times_a_large_scale_are_zero(device):
    _, opt = taken(device, [np.zeros(3)], np.float64, {"scale": 1e130}, max_norm=1.0, nonfinite="skip")
    assert (opt.grad_norm, opt.skipped.total) == (0, 0)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(("large", "small", "max_norm"), [(1e200, 10.0, 1.0), (1.0, 1e-190, 1e-200)])
def test_groups_whose_gradients_are_far_apart_are_clipped_alike(large, small, max_norm, device):
    found, _ = taken(
        device, [np.full(3, large), np.full(3, small)], np.float64, max_norm=0.5, groups={"1": {"max_norm": max_norm}}
    )
    assert [norm_of([g]) for g in found] == pytest.approx([0.5, max_norm], rel=1e-14, abs=0)


@pytest.mark.parametrize(("size", "max_norm"), [(1e200, 1.0), (1e-190, 1e-200)])
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
def test_a_nan_beside_gradients_whose_squares_are_beyond_float64_stays_in_its_weight(size, max_norm, device):
    found, _ = taken(device, [np.array([np.nan, size, size])], np.float64, {"max_norm": max_norm})
    assert np.isnan(found[0][0])
    assert norm_of([found[0][1:]]) == pytest.approx(max_norm, rel=1e-14, abs=0)


@pytest.mark.parametrize("names", [("max_norm",), ("max_value",), ("max_norm", "max_value")], ids=" ".join)
def test_the_limits_agree_with_pytorch(names):
    torch = pytest.importorskip("torch")
    grads = gradients(SIZES, np.float64)
    tensors = [torch.zeros(g.size, dtype=torch.float64, requires_grad=True) for g in grads]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(g.copy())
    limits = dict.fromkeys(names, 0.7)
    norm = INFINITY
    if "max_value" in limits:
        torch.nn.utils.clip_grad_value_(tensors, 0.7)
    if "max_norm" in limits:
        norm = torch.nn.utils.clip_grad_norm_(tensors, 0.7).item()
    found, opt = taken(Cpu, grads, np.float64, limits)
    assert norm == INFINITY or opt.grad_norm == pytest.approx(norm, rel=slack(grads, np.float64))
    for one, tensor in zip(found, tensors, strict=True):  # PyTorch adds 1e-6 to the norm
        assert one == pytest.approx(tensor.grad.numpy(), rel=1e-6 / norm + slack(grads, np.float64), abs=0)
