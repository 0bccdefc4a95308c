"""What holds for every optimizer from step to step: its counts, its hyperparameters, its state, its kernels."""

import math
from importlib import import_module
from mmap import PAGESIZE
from pathlib import Path

import numpy as np
import pytest
from conftest import SLOW, for_maintainers
from numba.core.event import install_recorder
from paths import assert_followed
from runs import every_case, every_kernel, normal, same
from small import NEAREST, SOME, STOCHASTIC, STORAGES, kernels_and

import fastadapt as fa
from fastadapt.reference import Reference

STATM = Path("/proc/self/statm")


@every_kernel
def test_t_counts_the_steps_and_counts_the_gradients(cls, hyper, device):
    opt = cls({"a": device.array(normal(0)), "b": [device.array(normal(1))]}, **hyper)
    assert (opt.t, opt.counts) == (0, {"a": 0, "b": [0]})
    opt.step({"a": device.array(normal(2)), "b": [device.array(normal(3))]})
    opt.step({"a": device.array(normal(2)), "b": [None]})
    opt.step({"a": None, "b": None})
    assert (opt.t, opt.counts) == (3, {"a": 2, "b": [1]})


@kernels_and(NEAREST)
def test_none_leaves_an_array_alone_and_its_first_gradient_may_come_late(cls, hyper, device):
    early, late, fresh = (device.array(normal(k)) for k in (0, 1, 1))
    grads = [device.array(normal(k)) for k in range(2, 7)]
    opt = cls([early, late], **hyper)
    at_first = [device.numpy(buffers[1]).copy() for buffers in opt.state.values()]
    for g in grads[:3]:
        opt.step([g, None])
    assert same(device, [late], [device.array(normal(1))])
    assert same(device, [buffers[1] for buffers in opt.state.values()], list(map(device.array, at_first)))
    opt_of_late, alone = cls(fresh, **hyper), device.array(normal(0))
    opt_of_early = cls(alone, **hyper)
    for g in grads[:3]:
        opt_of_early.step(g)
    for g in grads[3:]:
        opt.step([g, g])
        opt_of_late.step(g)
        opt_of_early.step(g)
    assert same(device, [early, late], [alone, fresh])
    assert opt.counts == [5, 2]


@pytest.mark.parametrize("dtype", [np.float32, *for_maintainers(np.float64)])
@every_case
def test_hyperparameters_assigned_between_steps_count_from_the_next(cls, hyper, dtype, device):
    p, q = device.array(normal(0).astype(dtype)), normal(0).astype(np.float64)
    opt, reference, weights, expected = cls(p, **hyper), Reference(cls.__name__, q, **hyper), [], [q.copy()]
    for k in range(8):
        factor = 0.9 + 0.1 * math.cos(k)
        for name in [name for name, value in hyper.items() if not isinstance(value, bool)]:
            setattr(opt, name, hyper[name] * factor)
            reference.hyper[name] = hyper[name] * factor
        reference.weight_decay = reference.hyper.pop("weight_decay")
        opt.step(device.array(normal(1 + k).astype(dtype)))
        reference.step(normal(1 + k).astype(np.float64))
        weights.append(device.numpy(p).copy())
        expected.append(q.copy())
    assert_followed(np.array(expected), np.array(weights), dtype, sources=1 + (dtype == np.float64))


@kernels_and(STOCHASTIC)
def test_nothing_is_compiled_again_for_another_t_or_lr_or_size(cls, hyper, device, monkeypatch):
    kernels = import_module(f"fastadapt.devices.{device.name}")
    build, used, updates = kernels.build, [], [rule.update for rule in cls.rules.values()]

    def building(update, *key):
        kernel = build(update, *key)
        if update in updates:  # and is not what puts a start into small state
            used.append(kernel)
        return kernel

    monkeypatch.setattr(kernels, "build", building)

    def step(opt, sizes):
        opt.step([device.array(normal(2, n)) for n in sizes])

    opt = cls([device.array(normal(k)) for k in range(3)], **hyper)
    step(opt, [300] * 3)
    step(opt, [300] * 3)
    with install_recorder("numba:compile") as compiled:
        for lr in (0.5, 1, np.float32(0.1), 0.0):
            opt.lr = lr
            opt.step([device.array(normal(2)) for _ in range(3)], scale=2)
        for sizes in ([1], [0, 7], [257, 1000, 3, 40]):
            step(cls([device.array(normal(0, n)) for n in sizes], **hyper | {"weight_decay": 0.1}), sizes)
    assert not compiled.buffer
    assert len(set(map(id, used))) == 1
    assert len(getattr(used[0], "overloads", ())) <= 1


@kernels_and(STORAGES, SOME)
def test_zero_state_lets_a_run_repeat_bit_for_bit(cls, hyper, device):
    params = [device.array(normal(k)) for k in range(2)]
    grads = [[device.array(normal(10 * k + j)) for j in range(2)] for k in range(1, 4)]
    opt, ends = cls(params, **hyper), []
    for _ in range(2):
        for k, p in enumerate(params):
            p[:] = normal(k)
        opt.zero_state()
        assert (opt.t, opt.counts) == (0, [0, 0])
        for g in grads:
            opt.step(g)
        opt.step([grads[0][0], None])
        state = [buffer for buffers in opt.state.values() for buffer in buffers]
        ends.append([device.numpy(array).tobytes() for array in params + state])
    assert ends[0] == ends[1]


@pytest.mark.skipif(
    SLOW or not STATM.exists(), reason="of compiled kernels, where the system tells what memory is used"
)
def test_the_memory_of_the_state_is_first_written_by_the_first_step():
    """So its pages lie near the threads that use them."""

    def resident():
        return int(STATM.read_text().split()[1]) * PAGESIZE

    p, g = np.ones((2, 2**24), np.float32)  # of smaller ones the memory may have been another array's before
    fa.Adam(p[:1]).step(g[:1])
    before = resident()
    opt = fa.Adam(p)
    made = resident()
    opt.step(g)
    assert made - before < opt.nbytes / 8
    assert resident() - made > 0.75 * opt.nbytes
