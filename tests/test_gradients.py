"""What holds for every rule of the gradients: odd ones stay where they are, and scale and maximize multiply them."""

import numpy as np
import pytest
from conftest import FLUSHES
from paths import assert_followed, flat
from runs import N, every_kernel, every_update, normal, run
from small import STOCHASTIC, STORAGES, kernels_and

import fastadapt as fa
from fastadapt.reference import Reference

# Without Numba, and in the simulator, NumPy's scalars tell of every NaN that they make.
non_finite = pytest.mark.filterwarnings("ignore:(invalid value|overflow|divide by zero) encountered:RuntimeWarning")


@non_finite
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@kernels_and(STOCHASTIC)
def test_a_gradient_that_is_not_finite_stays_in_its_weight(cls, hyper, bad, device):
    grads = [normal(k) for k in range(1, 4)]
    where = np.array([0, 6, 13, 255, N - 1])
    for g in grads:  # among the others of a block, of which the least and the largest count in 8 bits
        g[where] = 0.5
    good, _ = run(device, cls, hyper, grads)
    others = np.setdiff1d(np.arange(N), where)
    grads[1][where] = bad
    p, opt = run(device, cls, hyper, grads)
    assert np.array_equal(p[others], good[others])
    assert np.isnan(p[where]).all() or not np.isnan(bad)
    for buffer in opt.state.values():
        assert np.isfinite(device.numpy(buffer)[others]).all()


@every_update
def test_zero_gradients_move_nothing(cls, hyper, device):
    p, _ = run(device, cls, hyper | {"weight_decay": 0.0}, [np.zeros(N, np.float32)] * 5)
    assert np.array_equal(p, normal(0))


@kernels_and(STORAGES)
def test_zero_gradients_move_nothing_in_any_storage(cls, hyper, device):
    p, _ = run(device, cls, hyper | {"weight_decay": 0.0}, [np.zeros(N, np.float32)] * 5)
    assert np.array_equal(p, normal(0))


@every_update
def test_denormal_gradients_are_numbers_like_others_or_zero(cls, hyper, device):
    # The same at every step, so that no mean of them comes near zero, where Lion jumps.
    g = (normal(1) * np.float32(1e-39)).astype(np.float32)
    g[0] = 2**-140  # a twentieth of which is still a number
    assert g.all()
    assert (np.abs(g) < np.finfo(np.float32).tiny).all()
    hyper = hyper | {"weight_decay": 0.0}
    p, q = device.array(normal(0)), normal(0).astype(np.float64)
    opt, reference, weights, expected = cls(p, **hyper), Reference(cls.__name__, q, **hyper), [], [q.copy()]
    for _ in range(5):
        opt.step(device.array(g))
        reference.step(0 * g if FLUSHES or cls is fa.LAMB else g)  # of whose norms the squares vanish
        weights.append(device.numpy(p).copy())
        expected.append(q.copy())
    assert_followed(np.array(expected), np.array(weights), np.float32)


@every_kernel
def test_scale_multiplies_the_gradients(cls, hyper, device):
    grads = [normal(k) for k in range(1, 5)]
    p, _ = run(device, cls, hyper, grads, scale=0.125)
    assert np.array_equal(p, run(device, cls, hyper, [g * np.float32(0.125) for g in grads])[0])


@every_kernel
def test_maximize_takes_the_negated_gradients(cls, hyper, device):
    grads = [normal(k) for k in range(1, 5)]
    p, _ = run(device, cls, hyper | {"maximize": True}, grads)
    minimize = hyper | {"maximize": False}
    assert np.array_equal(p, run(device, cls, minimize, [-g for g in grads])[0])
    assert np.array_equal(p, run(device, cls, minimize, grads, scale=-1.0)[0])
    assert not np.array_equal(p, run(device, cls, minimize, grads)[0])


@every_kernel
def test_gradients_are_only_read(cls, hyper, device):
    params, before = [device.array(normal(k)) for k in range(3)], [normal(10 + k) for k in range(3)]
    opt, grads = cls(params, **hyper), [device.array(g.copy()) for g in before]
    for g in grads:
        if isinstance(g, np.ndarray):
            g.flags.writeable = False
    opt.step(grads, 0.5)
    opt.step(grads)
    assert np.array_equal(flat([device.numpy(g) for g in grads]), flat(before))
