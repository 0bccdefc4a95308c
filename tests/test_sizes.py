"""Sizes beyond 32 bits, a hundred thousand arrays, and arrays of none."""

import numpy as np
import pytest
from conftest import BOUNDED, SLOW, sample
from runs import same

import fastadapt as fa

LARGE = 2**31 + 5


def memory() -> float:
    """Bytes of memory that can be had, as Linux says; 0 where it does not."""
    try:
        with open("/proc/meminfo") as lines:
            return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 0.0


@pytest.mark.maintainer
@pytest.mark.skipif(SLOW or BOUNDED, reason="too large for kernels that are slow")
@pytest.mark.skipif(memory() < 18e9, reason="needs 18 GB of memory")
def test_an_array_of_more_than_2_31_weights_is_updated_to_its_last():
    p, g = np.zeros(LARGE, np.float32), np.zeros(LARGE, np.float16)
    places = [0, 1, 2**31 - 2, 2**31 - 1, 2**31, 2**31 + 1, LARGE - 1]
    g[places] = range(1, 8)
    opt = fa.SGD(p, lr=1.0)
    opt.step(g)
    assert p[places].tolist() == [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0]
    assert np.count_nonzero(p) == 7
    opt.step(g, max_norm=0.5)
    norm = float(np.sqrt(140))
    assert opt.grad_norm == pytest.approx(norm, rel=1e-15)
    np.testing.assert_allclose(p[places], -np.arange(1, 8) * (1 + 0.5 / norm), rtol=1e-6)


@pytest.mark.parametrize("how", [{}, {"max_norm": 1.0}], ids=["plain", "clipped"])
@sample(1000 if SLOW or BOUNDED else 10_000, 1000 if SLOW or BOUNDED else 100_000)
def test_very_many_tiny_arrays_are_all_updated(how, count):
    sizes = [k % 4 for k in range(count)]
    params, grads = [np.zeros(n, np.float32) for n in sizes], [np.full(n, 1 + n, np.float32) for n in sizes]
    left = range(3, count, count // 10)
    opt = fa.SGD(params, lr=1.0)
    opt.step(grads, **how)
    squares = sum(n * (1.0 + n) ** 2 for n in sizes)
    factor = 1 / np.sqrt(squares) if how else 1.0
    if how:
        assert opt.grad_norm == pytest.approx(np.sqrt(squares), rel=1e-12)
    for p, g in zip(params, grads, strict=True):
        np.testing.assert_allclose(p, -factor * g, rtol=1e-6)
    before = [p.copy() for p in params]
    for k in left:
        grads[k] = None
    opt.step(grads, **how)
    moved = [not np.array_equal(p, q) for p, q in zip(params, before, strict=True)]
    assert moved == [n > 0 and k not in left for k, n in enumerate(sizes)]
    assert [opt.counts[k] for k in (0, 3, 4)] == [2, 1, 2]


@pytest.mark.parametrize("sizes", [[0], [0, 0, 3], [3, 0, 0], [0, 3, 0, 300, 0]])
def test_empty_arrays_do_not_matter_to_norms_and_finite_tests(sizes, device):
    def arrays(sizes, value):
        return [device.array(np.full((n, 1), value, np.float32)) for n in sizes]

    full = [n for n in sizes if n]
    params, others = arrays(sizes, 1.0), arrays(full or [1], 1.0)
    opt = fa.Adam(params, nonfinite="raise", max_value=1.5)
    one = fa.Adam(others, nonfinite="raise", max_value=1.5)
    for _ in range(2):
        opt.step(arrays(sizes, 2.0), max_norm=1.0)
        one.step(arrays(full, 2.0) if full else [None], max_norm=1.0)
    assert opt.grad_norm == one.grad_norm == pytest.approx(1.5 * np.sqrt(sum(sizes)), rel=1e-12)
    assert same(device, [p for p, n in zip(params, sizes, strict=True) if n], others if full else [])
    if full:
        spoilt = arrays(sizes, 2.0)
        spoilt[sizes.index(full[-1])] = device.array(np.full((full[-1], 1), np.nan, np.float32))
        with pytest.raises(ValueError, match=rf"params\[{sizes.index(full[-1])}\]: expected a finite gradient"):
            opt.step(spoilt)
