"""Many small problems on CUDA, on a GPU or in Numba's simulator of one: the points of the CPU."""

import numpy as np
import pytest
from conftest import SIMULATED
from gpu import CUDA, TOLERANCE, only_cuda
from test_minimize_many import STEPS, bowls, problems, valley

import fastadapt as fa

device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)


def close(device, found, expected, rtol, atol):
    np.testing.assert_allclose(device.numpy(found), expected, rtol, atol)


@pytest.mark.parametrize("hyper", [{}, {"lr": np.array([[0.1], [0.02], [0.01], [0.03], [0.0]]), "max_norm": 0.5}])
@pytest.mark.parametrize("cls", [fa.Adam, fa.SGD])
def test_the_points_are_those_of_the_cpu(cls, hyper, device):
    starts, args, shared = problems(5, 3, np.float32)
    given = {"steps": STEPS, "record": 2, **hyper}
    ours = fa.minimize_many(bowls, starts, cls, args=args, shared=shared, **given)
    where = {"args": tuple(map(device.array, args)), "shared": (device.array(shared[0]), shared[1])}
    other = fa.minimize_many(bowls, device.array(starts), cls, **where, **given)
    for name in ("x", "fun", "path"):
        close(device, other[name], ours[name].astype(np.float32), **TOLERANCE)
    assert device.numpy(other.nit).tolist() == ours.nit.tolist()
    assert device.numpy(other.success).tolist() == ours.success.tolist()


def test_more_problems_than_the_room_holds_are_solved_one_launch_behind_the_other(device, monkeypatch):
    from fastadapt.devices import cuda_problems

    starts = np.random.default_rng(0).uniform(-1, 1, (19, 2)).astype(np.float32)
    monkeypatch.setattr(cuda_problems, "ROOM", 1)
    monkeypatch.setattr(cuda_problems, "THREADS", 8 if SIMULATED else 32)
    found = fa.minimize_many(valley, device.array(starts), fa.SGD, steps=3, lr=1e-3)
    close(device, found.x, fa.minimize_many(valley, starts, fa.SGD, steps=3, lr=1e-3).x, **TOLERANCE)


def test_no_problems_and_no_steps_are_fine(device):
    assert fa.minimize_many(valley, device.array(np.ones((0, 2))), fa.SGD, steps=3).x.shape == (0, 2)
    found = fa.minimize_many(valley, device.array(np.ones((2, 2))), fa.SGD, steps=0)
    assert device.numpy(found.x).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_starts_of_any_layout_are_read_and_not_written(device):
    starts = np.random.default_rng(1).uniform(-1, 1, (4, 2))
    there = device.array(np.asfortranarray(starts))
    found = fa.minimize_many(valley, there, fa.SGD, steps=3, lr=1e-3)
    close(device, found.x, fa.minimize_many(valley, starts, fa.SGD, steps=3, lr=1e-3).x, rtol=1e-14, atol=1e-14)
    assert device.numpy(there).tolist() == starts.tolist()


def test_arrays_of_the_cpu_beside_starts_on_cuda_are_refused_by_name(device):
    starts, args, shared = problems(3, 2, np.float32)
    with pytest.raises(TypeError, match=r"args\[0\]: expected a CUDA array, as x0s, not ndarray"):
        fa.minimize_many(bowls, device.array(starts), fa.SGD, steps=1, args=args, shared=shared)
    with pytest.raises(TypeError, match="expected starts on the CPU with bounds"):
        fa.minimize_many(valley, device.array(starts), fa.SGD, steps=1, bounds=(0.0, 1.0))
