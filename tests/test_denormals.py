"""Denormals, with which many CPUs compute slowly: no state is one for long, and nobody else's become zero."""

import numba
import numpy as np
import pytest
from catalogue import ADAM
from conftest import INTERPRETED, SIMULATED
from runs import OWN, N, every_update, normal
from small import STORAGES, id_of

import fastadapt as fa
from fastadapt.devices import cpu
from fastadapt.kernels.denormal import FLUSH

pytestmark = pytest.mark.skipif(
    INTERPRETED or SIMULATED or not FLUSH, reason="denormals become zero in compiled kernels on x86"
)

SMALL = [(fa.Adam, ADAM | storage) for storage in STORAGES]
every_storage = pytest.mark.parametrize(
    ("cls", "hyper"),
    OWN + SMALL,
    ids=[f"{cls.__name__}-{k}" for k, (cls, _) in enumerate(OWN)] + [f"Adam-{id_of(s)}" for s in STORAGES],
)


def denormals(array):
    """Which numbers of an array are denormal."""
    return (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)


def assert_computed():
    """Check that this thread still computes with denormals."""
    small, part = np.full(100, 1e-38, np.float32), np.float32(0.1)
    assert (small * part != 0).all()
    assert small[0] * part != 0
    assert (np.full(100, 1e-307) * 0.01 != 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_update
def test_state_that_is_denormal_is_zero_after_a_step(cls, hyper, dtype):
    if dtype == np.float64 and cls is not fa.Adam:
        pytest.skip("one rule is enough")
    opt = cls(np.ones(N, dtype), **hyper)
    opt.step(np.zeros(N, dtype))
    for name, buffer in opt.state.items():
        if name not in ("top", "p0"):  # see below, and p0 is no result
            buffer[...] = np.finfo(dtype).tiny / np.arange(2, N + 2)
            assert denormals(buffer).all()
    opt.step(np.zeros(N, dtype))
    for name, buffer in opt.state.items():
        assert not denormals(buffer).any()
        assert not buffer.any() or name == "p0" or (cls, name) == (fa.Adamax, "u")  # which is eps


@every_storage
def test_no_state_is_denormal_after_thousands_of_zero_gradients(cls, hyper):
    p, zero = normal(0), np.zeros(N, np.float32)
    opt = cls(p, **hyper | {"weight_decay": 0.0})
    opt.step(normal(1))
    assert all(buffer.any() for buffer in opt.state.values())
    for k in range(3000):
        opt.step(zero)
        if k % 100 == 99:
            assert not any(denormals(buffer).any() for buffer in opt.state.values())
    assert np.isfinite(p).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_denormal_float16_gradients_are_numbers_like_others(dtype):
    g = (np.arange(-1100, 1100) * 2.0**-24).astype(np.float16)
    assert denormals(g).sum() == 2046
    p = np.zeros(g.size, dtype)
    opt = fa.SGD(p, lr=1.0)
    opt.step(g)
    assert np.array_equal(-p, g)
    opt.step(g, max_norm=1.0)
    assert opt.grad_norm == pytest.approx(np.linalg.norm(g.astype(np.float64)), rel=1e-13)


def test_denormal_float32_gradients_of_float64_weights_are_numbers_like_others():
    g = np.float32(1e-40) * np.arange(1, N, dtype=np.float32)
    p = np.zeros(g.size)
    fa.SGD(p, lr=1.0).step(g)
    assert np.array_equal(-p, g)


@pytest.mark.parametrize("limits", [{}, {"max_norm": 0.5}])
@pytest.mark.parametrize("n", [0, 1, N, cpu.PARALLEL_FROM + 37])
def test_after_a_step_the_thread_computes_with_denormals_as_before(n, limits):
    fa.SGD(np.ones(n, np.float32)).step(normal(1, n), **limits)
    assert_computed()


def test_after_an_error_or_a_skipped_step_the_thread_computes_with_denormals_as_before():
    opt = fa.SGD(np.ones(N, np.float32), nonfinite="skip")
    opt.step(np.full(N, np.nan, np.float32))
    assert_computed()
    opt.nonfinite = "raise"
    with pytest.raises(ValueError, match="finite"):
        opt.step(np.full(N, np.nan, np.float32))
    assert_computed()


def test_after_a_step_numbas_threads_compute_with_denormals_as_before():
    @numba.njit(parallel=True)
    def products(x, part, out):
        for i in numba.prange(x.size):
            out[i] = x[i] * part

    x, out = np.full(100_000, 1e-38, np.float32), np.zeros(100_000, np.float32)
    for limits in ({}, {"max_norm": 0.5}):
        n = cpu.PARALLEL_FROM + 37
        fa.SGD(np.ones(n, np.float32)).step(normal(1, n), **limits)
        out[...] = 0
        products(x, np.float32(0.1), out)
        assert (out != 0).all()
        assert_computed()
