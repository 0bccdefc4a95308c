"""A hundred steps on CUDA and on the CPU: every rule, in every storage, with every hyperparameter off its default."""

import numpy as np
import pytest
from catalogue import CASES, IDS
from conftest import SIMULATED
from gpu import CUDA, only_cuda, random

STEPS, N = (10, 13) if SIMULATED else (100, 1031)
"""In the simulator, which is slow, a few; a hundred of 13 weights took five minutes there and agreed."""
STORAGES = [
    pytest.param({}, id="32"),
    pytest.param({"state_bits": 16, "rounding": "nearest", "min_quantized_size": 0, "seed": 3}, id="16"),
    pytest.param({"state_bits": 8, "min_quantized_size": 0, "seed": 3}, id="8"),
]
if SIMULATED:  # test_cuda_warps.py compares the other storages there
    STORAGES, CASES, IDS = STORAGES[:1], CASES[::2], IDS[::2]
device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)

ULPS = 4
"""In the way that a weight went, and its size, an ulp is one that either device may round to the other side at every
step; they are of either sign, so a hundred make ten, of which the way itself holds most: it is the sum of a hundred."""


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
def test_a_hundred_steps_agree_to_a_few_ulps(cls, hyper, storage, device):
    p = random(N, 1)
    theirs = device.array(p)
    ours, other = cls(p, **hyper, **storage), cls(theirs, **hyper, **storage)
    way = abs(p)
    for t in range(STEPS):
        before, g = p.copy(), random(N, 100 + t)
        ours.step(g, 0.7)
        other.step(device.array(g), 0.7)
        way += abs(p - before)
    found = device.numpy(theirs)
    assert np.isfinite(found).all()
    assert (abs(found - p) <= ULPS * np.finfo(np.float32).eps * way).all()
    assert not (p == random(N, 1)).all()
