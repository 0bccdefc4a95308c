"""Many arrays and many threads: the same bits as each array alone, whatever the order and whoever computes it."""

import numba
import numpy as np
import pytest
from catalogue import SIZES
from conftest import INTERPRETED, SLOW, Cpu, for_maintainers
from runs import KERNELS, every_kernel, normal, same
from small import NEAREST, STOCHASTIC, kernels_and

import fastadapt as fa
from fastadapt.devices import cpu


def arrays(device, sizes, seed):
    return [device.array(normal(seed + k, n)) for k, n in enumerate(sizes)]


def steps(device, cls, hyper, sizes, how_many=3):
    """The parameters of these sizes after a few steps."""
    params = arrays(device, sizes, 0)
    opt = cls(params, **hyper)
    for k in range(1, 1 + how_many):
        opt.step(arrays(device, sizes, 1000 * k))
    return params


def one_by_one(device, cls, hyper, sizes, how_many=3):
    """As `steps`, with an optimizer for each array."""
    params = arrays(device, sizes, 0)
    for i, p in enumerate(params):
        opt = cls(p, **hyper)
        for k in range(1, 1 + how_many):
            opt.step(device.array(normal(1000 * k + i, sizes[i])))
    return params


@kernels_and(NEAREST)
def test_a_nest_is_its_arrays_one_by_one(cls, hyper, device):
    assert same(device, steps(device, cls, hyper, SIZES), one_by_one(device, cls, hyper, SIZES))


@pytest.mark.parametrize(
    "sizes", [[0, 5, 300], [5, 0, 300], [5, 300, 0], [0, 0, 5], [0, 5, 0, 0, 300, 0, 0], [0], [0, 0]]
)
@kernels_and(NEAREST[1:])
def test_an_empty_array_hides_none_of_the_others(cls, hyper, sizes, device):
    params = steps(device, cls, hyper, sizes)
    assert same(device, params, one_by_one(device, cls, hyper, sizes))
    for k, p in enumerate(params):
        assert (device.numpy(p) != normal(k, sizes[k])).all()


@kernels_and(NEAREST)
def test_the_order_of_the_arrays_does_not_matter(cls, hyper, device):
    params, grads = arrays(device, SIZES, 0), arrays(device, SIZES, 100)
    again = arrays(device, SIZES, 0)
    cls(params, **hyper).step(grads)
    cls(again[::-1], **hyper).step(grads[::-1])
    assert same(device, params, again)


@every_kernel
def test_hundreds_of_small_arrays_are_all_updated(cls, hyper, device):
    sizes = [k * 17 % 41 for k in range(20 if SLOW else 400)]
    assert same(device, steps(device, cls, hyper, sizes, 1), one_by_one(device, cls, hyper, sizes, 1))


@pytest.fixture
def _many_threads(monkeypatch):
    """Threads that are restored, and woken for little work where kernels are slow."""
    if INTERPRETED:
        monkeypatch.setattr(cpu, "PARALLEL_FROM", 4 * 256)
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


SMALL = [(fa.Adam, storage) for storage in STOCHASTIC]
SOME = [KERNELS[0], SMALL[-1], *for_maintainers(*KERNELS[1:], *SMALL[:-1])]
"""Kernels with no state and with small state; all others, which are compiled anew for threads, in CI."""


@pytest.mark.usefixtures("_many_threads")
@pytest.mark.parametrize("shape", ["one", "many"])
@pytest.mark.parametrize(("cls", "hyper"), SOME)
def test_the_bits_are_the_same_for_every_number_of_threads(cls, hyper, shape):
    n = cpu.PARALLEL_FROM + 37
    sizes = [n] if shape == "one" else [1 + k * 1237 % 997 for k in range(n // 256)]
    ends = []
    for threads in range(1, 1 + min(3, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        ends.append(steps(Cpu, cls, hyper, sizes))
    for end in ends:
        assert same(Cpu, end, ends[0])
        assert not any(np.array_equal(p, normal(k, sizes[k])) for k, p in enumerate(end))
