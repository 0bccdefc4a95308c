"""What is special to CUDA arrays; on a GPU, or in Numba's simulator of one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from catalogue import CASES, IDS, OPTIMIZERS
from combining import Combining
from conftest import SIMULATED
from gpu import CUDA, TOLERANCE, compare, count_launches, on, only_cuda, random, tree

import fastadapt as fa

ROOT = Path(__file__).parent.parent
STEPS = 3
SHAPES = {"a": (), "b": (7,), "c": (0,), "d": (3, 5), "e": (257,), "f": (2, 3, 4), "g": (300,)}
device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)
launches = pytest.fixture(count_launches)


@pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
def test_every_rule_takes_the_steps_that_it_takes_on_the_cpu(cls, hyper, device):
    params = tree(SHAPES, 1)
    theirs = on(device, params)
    ours, other = cls(params, **hyper), cls(theirs, **hyper)
    for t in range(STEPS):
        grads = tree(SHAPES, 100 * (t + 1))
        ours.step(grads, 0.5)
        other.step(on(device, grads), 0.5)
    compare(device, theirs, params)
    assert other.t == STEPS
    assert other.state.keys() == ours.state.keys()
    for name, arrays in ours.state.items():
        compare(device, other.state[name], arrays)


@pytest.mark.parametrize("g_dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_and_gradients_of_every_pair_of_types_take_the_steps_of_the_cpu(dtype, g_dtype, device):
    params, grads = {"p": random(301, 1, dtype)}, {"p": random(301, 2, g_dtype)}
    theirs = on(device, params)
    ours, other = fa.Adam(params, lr=0.1), fa.Adam(theirs, lr=0.1)
    for _ in range(STEPS):
        ours.step(grads)
        other.step(on(device, grads))
    assert other.state["v"]["p"].dtype == dtype
    tolerance = TOLERANCE if dtype == "float32" else {"rtol": 1e-14, "atol": 1e-14}  # 2**-29 of that, rounded up
    compare(device, theirs, params, **tolerance)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_a_step_is_one_launch_for_a_whole_nest(cls, device, launches):
    params = on(device, tree(SHAPES, 1))
    opt = cls(params)
    launches.clear()
    for t in range(STEPS):
        opt.step(on(device, tree(SHAPES, t)))
        # One that sums as well launches what sums, and what decides.
        assert (len(launches) == t + 1) == (not (cls.sums_before or cls.sums_after))


def test_a_new_learning_rate_and_groups_cost_no_more_launches(device, launches):
    params = on(device, tree(SHAPES, 1))
    opt = fa.AdamW(params, groups={"b": {"weight_decay": 0.0}, "d": {"lr": 0.5}})
    launches.clear()
    for t in range(STEPS):
        opt.step(on(device, tree(SHAPES, t)), 0.5**t)
        opt.lr *= 0.5
    assert len(launches) == STEPS


def test_a_kernel_is_one_launch(device, launches):
    p, g, m = (device.array(random(1031, k)) for k in range(3))
    fa.Lion.kernel(p, g, (m,), fa.Lion.coefficients(1))
    assert len(launches) == 1


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_kernel_of_every_rule_runs_on_device_arrays(cls, device):
    for rule in cls.rules.values():
        coef = Combining(cls, rule, {}).at(3, [(1.0, 0.5, *[0.25] * len(rule.states))])
        if rule.terms:
            continue  # they are left to the optimizer: see test_reductions.py
        arrays = dict(zip(["p", "g", *rule.states], [abs(random(515, k)) for k in range(6)], strict=False))
        theirs = on(device, arrays)
        kernel = getattr(cls, rule.name.replace("update", "kernel"))
        for p, g, *state in (arrays.values(), theirs.values()):
            kernel(p, g, tuple(state), coef, 0.5, decay=0.1, keep=0.9)
        compare(device, theirs, arrays)


@pytest.mark.parametrize("n", [1, 3, 4, 255, 257, 1030])
@pytest.mark.parametrize(("from_p", "from_g"), [(1, 0), (0, 1), (3, 3), (4, 4)])
def test_arrays_that_start_anywhere_are_updated_right_and_nothing_before_or_behind_them(n, from_p, from_g, device):
    base, g_base = random(n + 8, 1), random(n + 8, 2)
    on_device, g_on_device = device.array(base), device.array(g_base)
    ours, other = base[from_p : from_p + n], on_device[from_p : from_p + n]
    g, their_g = g_base[from_g : from_g + n], g_on_device[from_g : from_g + n]
    fa.Adam(ours, lr=0.1).step(g)
    fa.Adam(other, lr=0.1).step(their_g)
    compare(device, {"p": on_device, "g": g_on_device}, {"p": base, "g": g_base})


@pytest.mark.maintainer
@pytest.mark.simulator
@pytest.mark.skipif(not SIMULATED, reason="a GPU stops at such an access by itself")
def test_no_access_of_16_bytes_is_at_an_address_that_is_not_a_multiple_of_16(device, monkeypatch):
    from fastadapt.kernels import cuda, tuples

    wide = []
    for module, name in ((cuda, "load4"), (tuples, "load4"), (tuples, "store4")):  # each asserts it
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, real=real, name=name: (wide.append(name), real(*args))[1])
    base, g = device.array(random(1040, 1)), device.array(random(1040, 2))
    for start in range(5):
        fa.Adam(base[start : start + 1030]).step(g[:1030])
        fa.Adam(base[:1030]).step(g[start : start + 1030])
    assert {"load4", "store4"} == set(wide)
    state, coef = device.array(np.zeros(2 * 515, np.float32)), fa.Adam.coefficients(1)
    fa.Adam.kernel(base[:515], g[:515], (state[:515], state[515:]), coef)


def test_a_parameter_with_gaps_is_updated_and_its_gaps_are_left_alone(device):
    base, column, g = random((6, 10), 1), random((9, 4), 2), random((6, 5), 3)
    theirs = on(device, {"base": base, "column": column})
    views = [base[:, ::2], column[:, 1]]
    their_views = [theirs["base"][:, ::2], theirs["column"][:, 1]]
    ours, other = fa.Adam(views, lr=0.1), fa.Adam(their_views, lr=0.1)
    for _ in range(STEPS):
        ours.step([g, g.ravel()[:9]])
        other.step([device.array(g), device.array(g.ravel()[:9])])
    compare(device, theirs, {"base": base, "column": column})
    np.testing.assert_array_equal(device.numpy(theirs["base"])[:, 1::2], random((6, 10), 1)[:, 1::2])
    np.testing.assert_array_equal(device.numpy(theirs["column"])[:, [0, 2, 3]], random((9, 4), 2)[:, [0, 2, 3]])


def test_a_gradient_of_another_layout_than_its_parameter_is_read_right(device):
    base, wide = random((5, 7), 1), random((5, 14), 3)
    for make in (np.ascontiguousarray, np.asfortranarray):
        for g in (np.asfortranarray(random((5, 7), 2)), np.ascontiguousarray(random((5, 7), 2))):
            ours = make(base)
            other = device.array(ours.copy(order="K"))
            fa.Adam(ours, lr=0.1).step(g)
            fa.Adam(other, lr=0.1).step(device.array(g))
            compare(device, {"p": other}, {"p": ours})
    ours, other = base.copy(), device.array(base)
    fa.Adam(ours, lr=0.1).step(wide[:, ::2])
    fa.Adam(other, lr=0.1).step(device.array(wide)[:, ::2])
    compare(device, {"p": other}, {"p": ours})


def test_none_leaves_an_array_and_its_state_alone(device):
    params = tree({"a": (5,), "b": (300,)}, 1)
    theirs = on(device, params)
    opt = fa.Adam(theirs, lr=0.1)
    opt.step({"a": device.array(random(5, 2)), "b": None})
    np.testing.assert_array_equal(device.numpy(theirs["b"]), params["b"])
    np.testing.assert_array_equal(device.numpy(opt.state["m"]["b"]), 0)
    assert opt.counts == {"a": 1, "b": 0}
    assert np.all(device.numpy(theirs["a"]) != params["a"])


def test_the_state_is_a_view_on_the_device_that_the_next_step_uses(device):
    p = device.array(np.zeros(300, np.float32))
    opt = fa.SGD(p, lr=1.0, momentum=0.5)
    zero = device.array(np.zeros(300, np.float32))
    opt.step(zero)
    state = opt.state["b"]
    assert type(state) is type(p)
    assert state.shape == p.shape
    state.copy_to_device(np.arange(300, dtype=np.float32))
    opt.step(zero)
    np.testing.assert_array_equal(device.numpy(state), 0.5 * np.arange(300))
    np.testing.assert_array_equal(device.numpy(p), -0.5 * np.arange(300))
    opt.zero_state()
    np.testing.assert_array_equal(device.numpy(state), 0)


def test_a_state_that_starts_off_zero_does_so_on_the_device(device):
    p = device.array(np.ones((3, 5), np.float32))
    opt = fa.AdaGrad(p, initial_accumulator=0.25)
    np.testing.assert_array_equal(device.numpy(opt.state["r"]), np.full((3, 5), 0.25))


def test_steps_run_on_the_stream_that_is_given(device):
    from numba import cuda

    stream = cuda.stream()
    params, grads = tree(SHAPES, 1), tree(SHAPES, 2)
    theirs, their_grads = on(device, params), on(device, grads)
    ours, other = fa.Adam(params, lr=0.1), fa.Adam(theirs, lr=0.1)
    p, g, m = (device.array(np.ones(300, np.float32)) for _ in range(3))
    for _ in range(STEPS):
        ours.step(grads)
        other.step(their_grads, stream=stream)
        fa.Lion.kernel(p, g, (m,), fa.Lion.coefficients(1, lr=0.5), stream=stream)
    stream.synchronize()
    compare(device, theirs, params)
    np.testing.assert_array_equal(device.numpy(p), np.full(300, 1 - 0.5 * STEPS))


def test_parameters_on_two_devices_are_refused_by_name(device):
    params = {"a": [np.zeros(3)], "b": device.array(np.zeros(3))}
    with pytest.raises(TypeError, match=r'params\["b"\]: expected all arrays on one device'):
        fa.Adam(params)


def test_a_gradient_on_another_device_than_its_parameter_is_refused_by_name_and_nothing_is_touched(device):
    for there, here in ((device.array, np.copy), (np.copy, device.array)):
        first, second = there(np.ones(3)), there(np.ones(3))
        opt = fa.Adam({"a": first, "b": second})
        with pytest.raises(TypeError, match=r'params\["b"\]: expected a gradient on'):
            opt.step({"a": there(np.ones(3)), "b": here(np.ones(3))})
        assert opt.t == 0
        for array in (first, second):
            values = array if isinstance(array, np.ndarray) else device.numpy(array)
            np.testing.assert_array_equal(values, 1)


@pytest.mark.parametrize("which", ["g", "m", "v"])
def test_a_kernel_refuses_arrays_on_two_devices_and_names_the_odd_one(which, device):
    names = ("p", "g", "m", "v")
    for there, here in ((device.array, np.copy), (np.copy, device.array)):
        p, g, m, v = ((here if name == which else there)(np.ones(3)) for name in names)
        with pytest.raises(TypeError, match=rf"Adam.kernel: {which}: expected"):
            fa.Adam.kernel(p, g, (m, v), fa.Adam.coefficients(1))


@pytest.mark.skipif(SIMULATED, reason="needs a GPU's memory")
def test_an_array_of_more_than_2_31_weights_is_updated_to_its_last(device):
    from numba import cuda

    n = 2**31 + 5
    if cuda.current_context().get_memory_info()[0] < 7 * n:
        pytest.skip("needs 15 GB of memory on the device")
    p, g = cuda.device_array(n, np.float32), cuda.device_array(n, np.float16)
    places = [0, 1, 2**31 - 1, 2**31, n - 1]
    for array in (p, g):
        cuda.cudadrv.driver.device_memset(array, 0, array.nbytes)
    for k, place in enumerate(places, 1):
        g[place : place + 1].copy_to_device(np.full(1, k, np.float16))
    fa.SGD(p, lr=1.0, max_norm=np.sqrt(55) / 2).step(g)  # of half their norm
    found = [float(p[place : place + 1].copy_to_host()[0]) for place in places]
    assert found == pytest.approx([-0.5, -1.0, -1.5, -2.0, -2.5])


def test_the_cpu_side_touches_no_cuda_driver():
    code = """
import sys
import numpy as np
import fastadapt as fa
fa.Adam([np.ones(3), np.ones(2**18, np.float32)]).step([np.ones(3), np.ones(2**18, np.float32)])
fa.Adam.kernel(np.ones(3), np.ones(3), (np.ones(3), np.ones(3)), fa.Adam.coefficients(1))
found = sys.modules.get("numba.cuda.cudadrv.driver")
assert found is None or not found.driver.is_initialized
assert "fastadapt.devices.cuda" not in sys.modules
assert "cupy" not in sys.modules and "torch" not in sys.modules
"""
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
