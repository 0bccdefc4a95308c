"""What a user sees of small state: what it takes, what it says, and which arrays have it."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import SLOW, for_maintainers
from runs import normal, same

import fastadapt as fa

N = 600


def steps(device, opt, params, seed=1, how_many=3):
    """Take a few steps with random gradients; returns the parameters in NumPy."""
    for k in range(how_many):
        opt.step([device.array(normal(seed + 10 * k + i, p.size).astype(p.dtype)) for i, p in enumerate(params)])
    return [device.numpy(p) for p in params]


@pytest.mark.parametrize(("bits", "most"), [(32, 8), (16, 4), (8, 2.04)])
def test_the_bytes_of_a_weight_are_those_of_its_state_and_of_a_scale_a_block(bits, most):
    assert fa.Adam(np.ones(2**20, np.float32), state_bits=bits).nbytes <= most * 2**20
    # Of each state 513 codes and 3 scales, both up to the end of a cache line.
    expected = {32: 2 * 4 * 528, 16: 2 * 2 * 544, 8: 2 * (576 + 64)}[bits]
    assert fa.Adam(np.ones(513, np.float32), state_bits=bits, min_quantized_size=0).nbytes == expected


def test_state_is_decoded_by_name_each_time_anew_and_reading_it_changes_nothing(device):
    runs = []
    for read in (False, True):
        p = [device.array(normal(0, N))]
        opt = fa.Adam(p, lr=0.1, state_bits=8, min_quantized_size=0)
        steps(device, opt, p)
        if read:
            before = device.numpy(opt.state["v"][0])
            assert before.dtype == np.float32
            assert (before > 0).all()
            assert set(opt.state) == {"m", "v"}
            assert "r" not in opt.state
            with pytest.raises(KeyError):
                opt.state["r"]
        runs.append(steps(device, opt, p, seed=7))
    assert same(device, *(list(map(device.array, run)) for run in runs))
    assert not np.array_equal(before, device.numpy(opt.state["v"][0]))


@pytest.mark.parametrize("bits", [16, 8])
def test_small_state_is_read_only_where_writing_to_it_would_change_nothing(bits):
    opt = fa.Adam([np.ones((30, 20), np.float32).T, np.ones(5)], state_bits=bits, min_quantized_size=100)
    small, plain = opt.state["m"]
    assert (small.shape, small.dtype, small.flags.f_contiguous) == ((20, 30), np.float32, True)
    with pytest.raises(ValueError, match="read-only"):
        small[...] = 0
    plain[...] = 1
    assert (opt.state["m"][1] == 1).all()


@pytest.mark.parametrize("bits", [16, 8])
def test_arrays_below_the_threshold_step_as_without_small_state(bits, device):
    sizes, params, found = [N, N - 1, 5], [], []
    for held in ({}, {"state_bits": bits, "min_quantized_size": N}):
        params.append([device.array(normal(k, n)) for k, n in enumerate(sizes)])
        opt = fa.Adam(params[-1], lr=0.1, **held)
        found.append(steps(device, opt, params[-1]))
    assert not np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])
    assert np.array_equal(found[0][2], found[1][2])


def test_groups_hold_their_state_each_in_its_own_way(device):
    groups = {
        "0": {"state_bits": 8},
        "1": {"state_bits": 16, "rounding": "nearest"},
        "2": {"min_quantized_size": N + 1},
    }
    params = [device.array(normal(k, N)) for k in range(4)]
    opt = fa.Adam(params, lr=0.1, groups=groups, state_bits=8, min_quantized_size=0, seed=3)
    assert opt.nbytes == 2 * (640 + 64) + 2 * 2 * 608 + 2 * 4 * 608 + 2 * (640 + 64)
    found = steps(device, opt, params)
    # Each as it would be alone; the first array's random words are those of the number that it has in the tree.
    for k, held in enumerate([{"state_bits": 8}, {"state_bits": 16, "rounding": "nearest"}, {}]):
        alone = [device.array(normal(i, N)) for i in range(4)]
        expected = steps(device, fa.Adam(alone, lr=0.1, min_quantized_size=0, seed=3, **held), alone)
        assert np.array_equal(found[k], expected[k])


def test_another_seed_rounds_otherwise_and_the_same_seed_alike(device):
    found = []
    for seed in (1, 2, 1):
        p = [device.array(normal(0, N))]
        found.append(steps(device, fa.Adam(p, lr=0.1, state_bits=8, min_quantized_size=0, seed=seed), p)[0])
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


class Three(fa.Optimizer):
    """A rule with a start, a state of the weights' sizes and two others."""

    nonnegative = ("v",)

    @staticmethod
    def start(p, /):
        return p, 0.25, 0.0

    @staticmethod
    def coefficients(t, lr=0.1, beta=0.5):
        return lr, 1 - beta

    @staticmethod
    def update(p, g, z, v, m, /, lr, a):
        z -= lr * g
        v += a * (g * g - v)
        m += a * (z - m)
        return m, z, v, m


@pytest.mark.parametrize(("bits", "dtype"), for_maintainers((16, np.float32), (8, np.float64)))
def test_a_users_rule_with_a_start_and_three_states_holds_them_small(bits, dtype, device):
    p = [device.array(normal(0, N).astype(dtype))]
    opt = Three(p, state_bits=bits, min_quantized_size=0)
    z, v, m = (device.numpy(opt.state[name][0]) for name in ("z", "v", "m"))
    largest = np.abs(normal(0, N)).max()
    # To the nearest, half of the widest step: 2**-8 of a bfloat16, 2 / 127 of the largest of a root.
    assert np.abs(z - normal(0, N)).max() <= (2**-8 if bits == 16 else 1 / 127) * largest
    assert np.abs(v - 0.25).max() <= 2**-18  # a power of two, and alone in its block
    assert (m == 0).all()
    (found,) = steps(device, opt, p, how_many=1)
    assert np.abs(found - 0.5 * (normal(0, N) - 0.1 * normal(1, N))).max() <= 2 * largest / 127
    opt.zero_state()
    assert np.abs(device.numpy(opt.state["v"][0]) - 0.25).max() <= 2**-18


PEAK = """
import sys
import numpy as np
import fastadapt as fa
n, bits = 2**22, int(sys.argv[1])
p, g = np.ones(n, np.float32), np.full(n, 0.01, np.float32)
opt = fa.Adam(p, state_bits=bits)
opt.step(g)
def memory(what):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(what)))
open("/proc/self/clear_refs", "w").write("5")
before = memory("VmRSS")
opt.step(g)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(SLOW or sys.platform != "linux", reason="kernels as Python, or no /proc")
@pytest.mark.parametrize("bits", for_maintainers("8", "16"))
def test_a_step_takes_no_memory_beyond_parameters_gradients_and_state(bits):
    ran = subprocess.run([sys.executable, "-c", PEAK, bits], capture_output=True, text=True)
    assert int(ran.stdout) < 1024, ran.stderr  # kB; an array of all weights takes 16,384
