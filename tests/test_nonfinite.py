"""Gradients that are not finite: they stay in their weight, or the step is skipped, or it is an error."""

import numpy as np
import pytest
from clipping import held, norm_of
from conftest import INTERPRETED, SIMULATED, SLOW
from runs import N, every_kernel, normal
from small import STOCHASTIC, kernels_and

import fastadapt as fa
from fastadapt.devices import cpu

# Without Numba, and in the simulator, NumPy's scalars tell of every NaN that they make.
pytestmark = pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")

MANY = 20 if SIMULATED else N
EDGE = min(256, MANY - 2)  # of a tile
SIZES = (7, 0, MANY, 40)
every_bad = pytest.mark.parametrize("bad", [np.inf] if SIMULATED else [np.nan, np.inf, -np.inf])


def gradients(seed, dtype=np.float32):
    return [normal(seed + k, n).astype(dtype) for k, n in enumerate(SIZES)]


def spoilt(seed, bad, array=2, where=MANY // 2, dtype=np.float32):
    """Gradients, one of which is not finite."""
    grads = gradients(seed, dtype)
    grads[array][where] = bad
    return grads


def made(device, cls=fa.SGD, **hyper):
    params = [device.array(normal(k, n)) for k, n in enumerate(SIZES)]
    return params, cls(params, **hyper)


def step(device, opt, grads, *more, **limits):
    opt.step([None if g is None else device.array(g) for g in grads], *more, **limits)


@every_bad
@every_kernel
def test_the_others_are_clipped_by_the_norm_of_the_finite_gradients(cls, hyper, bad, device):
    finite, grads = spoilt(10, 0.0), spoilt(10, bad)
    params, opt = made(device, cls, **hyper)
    step(device, opt, grads, max_norm=norm_of(finite) / 4)
    expected, _ = made(device, cls, **hyper)
    step(device, cls(expected, **hyper), [g / 4 for g in finite])
    for k, (p, q) in enumerate(zip(params, expected, strict=True)):
        others = np.arange(SIZES[k]) != (MANY // 2 if k == 2 else -1)
        assert device.numpy(p)[others].tobytes() == device.numpy(q)[others].tobytes()
    assert np.isfinite(device.numpy(params[2])[MANY // 2]) <= np.isinf(bad)  # Adamax divides a large one by itself
    assert np.isnan(opt.grad_norm) if np.isnan(bad) else opt.grad_norm == np.inf
    assert (opt.t, opt.skipped) == (1, (0, 0))


@every_bad
@kernels_and(STOCHASTIC)
def test_a_skipped_step_does_nothing_at_all(cls, hyper, bad, device):
    params, opt = made(device, cls, nonfinite="skip", **hyper)
    others, other = made(device, cls, **hyper)
    for seed in (10, 20):
        step(device, opt, gradients(seed))
        step(device, other, gradients(seed))
        before, text = held(device, opt, params), repr(opt)
        step(device, opt, spoilt(seed + 1, bad))
        assert held(device, opt, params) == before == held(device, other, others)
        assert repr(opt) == text
    assert opt.skipped == (2, 1)


def test_skipped_steps_are_counted_until_one_is_taken(device):
    _params, opt = made(device, nonfinite="skip")
    seen = []
    for k, bad in enumerate([1.0, np.nan, np.inf, 1.0, 1.0, -np.inf, np.nan, np.nan, 1.0]):
        step(device, opt, spoilt(k, bad))
        seen.append((opt.skipped.total, opt.skipped.in_a_row, opt.t))
    assert seen == [(0, 0, 1), (1, 1, 1), (2, 2, 1), (2, 0, 2), (2, 0, 3), (3, 1, 3), (4, 2, 3), (5, 3, 3), (5, 0, 4)]
    opt.zero_state()
    assert (opt.skipped, opt.t) == ((0, 0), 0)
    with pytest.raises(AttributeError, match="skipped"):
        opt.skipped = (0, 0)


def test_an_array_without_a_gradient_misses_no_step_that_is_skipped(device):
    params, opt = made(device, fa.Adam, nonfinite="skip")
    step(device, opt, [None, *gradients(10)[1:]])
    before = held(device, opt, params)
    step(device, opt, [*spoilt(20, np.nan)[:3], None])
    assert held(device, opt, params) == before
    assert opt.counts == [0, 1, 1, 1]


def test_parameters_with_gaps_are_left_alone_by_a_step_that_is_skipped():
    base = normal(0)
    opt = fa.Adam(base[::3], nonfinite="skip")
    g = normal(1)[::3]
    g[-1] = np.nan
    opt.step(g)
    assert base.tobytes() == normal(0).tobytes()


@every_bad
@every_kernel
def test_raise_names_the_array_the_value_and_where(cls, hyper, bad, device):
    params, opt = made(device, cls, nonfinite="raise", max_norm=0.5, **hyper)
    step(device, opt, gradients(10))
    before, norm = held(device, opt, params), opt.grad_norm
    with pytest.raises(ValueError, match=rf"^params\[2\]: expected a finite gradient, not {bad} at \[{MANY // 2}\]$"):
        step(device, opt, spoilt(20, bad))
    assert held(device, opt, params) == before
    assert (opt.skipped, opt.grad_norm) == ((0, 0), norm)
    step(device, opt, gradients(20))
    assert opt.t == 2


def test_raise_names_the_first_array_by_path_and_the_first_place():
    shapes = {"one": {"W": (3, 4), "b": (4,)}, "two": [(2,), ()]}
    params = {"one": {k: np.zeros(s, np.float32) for k, s in shapes["one"].items()}, "two": [np.zeros(2), np.zeros(())]}
    grads = {"one": {k: np.ones(s, np.float32) for k, s in shapes["one"].items()}, "two": [np.ones(2), np.ones(())]}
    opt = fa.SGD(params, nonfinite="raise", groups={"one.*": {"lr": 1.0}})
    for where, match in (
        (grads["two"][1], r'params\["two"\]\[1\]: .* nan at \[\]$'),
        (grads["two"][0], r'params\["two"\]\[0\]: .* nan at \[1\]$'),
        (grads["one"]["b"], r'params\["one"\]\["b"\]: .* nan at \[3\]$'),
        (grads["one"]["W"], r'params\["one"\]\["W"\]: .* nan at \[2, 3\]$'),
        (grads["one"]["W"][:2], r'params\["one"\]\["W"\]: .* nan at \[1, 3\], and 1 more$'),
    ):
        where[(-1,) * where.ndim] = np.nan
        with pytest.raises(ValueError, match=match):
            opt.step(grads)
    assert opt.t == 0


@pytest.mark.parametrize("g_dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("array", "where"), [(0, 0), (0, 6), (2, 0), (2, EDGE - 1), (2, EDGE), (2, -1), (3, -1)])
def test_it_is_found_wherever_it_is(array, where, g_dtype, device):
    for bad in (np.nan, np.inf, -np.inf):
        _params, opt = made(device, nonfinite="skip")
        step(device, opt, spoilt(10, bad, array, where, g_dtype))
        assert (opt.t, opt.skipped.total) == (0, 1)


@pytest.mark.parametrize("where", [0, 1 << 17, -1])
def test_it_is_found_by_many_threads(where, monkeypatch):
    if INTERPRETED:
        monkeypatch.setattr(cpu, "PARALLEL_FROM", 4 * 256)
    n = cpu.PARALLEL_FROM + 37
    for sizes in ([n], [n // 2, n // 2 + 1], [100] * 39 + [n]):
        grads = [normal(k, size) for k, size in enumerate(sizes)]
        grads[-1][where % sizes[-1]] = np.nan
        params = [np.zeros(size, np.float32) for size in sizes]
        opt = fa.SGD(params, nonfinite="skip")
        opt.step(grads)
        assert opt.skipped.total == 1
        assert not any(p.any() for p in params)


def test_it_is_found_in_the_last_of_many_arrays(device):
    params = [device.array(np.zeros(3, np.float32)) for _ in range(40 if SLOW else 1000)]
    grads = [device.array(normal(k, 3)) for k in range(len(params) - 1)]
    opt = fa.SGD(params, nonfinite="raise")
    with pytest.raises(ValueError, match=rf"^params\[{len(params) - 1}\]: .* inf at \[2\]$"):
        opt.step([*grads, device.array(np.array([1.0, 2.0, np.inf], np.float32))])


@pytest.mark.parametrize(("g_dtype", "value", "scale"), [
    (np.float64, 1e300, 1.0), (np.float64, -1e39, 1.0), (np.float32, 1e30, 1e30), (np.float16, 6e4, -1e35),
])  # fmt: skip
def test_what_becomes_infinite_in_the_type_of_the_weights_is_not_finite(g_dtype, value, scale, device):
    params, opt = made(device, nonfinite="skip")
    before = held(device, opt, params)
    step(device, opt, spoilt(10, value, dtype=g_dtype), scale)
    assert opt.skipped == (1, 1)
    assert opt.grad_norm == np.inf
    opt.nonfinite = "raise"
    with pytest.raises(ValueError, match=r"^params\[2\]: expected a finite gradient"):
        step(device, opt, spoilt(10, value, dtype=g_dtype), scale)
    assert held(device, opt, params) == before


@pytest.mark.parametrize(("g_dtype", "value", "scale"), [
    (np.float64, 1e300, 1e-290), (np.float32, 3e38, 1.0), (np.float16, 65504.0, 1e30),
])  # fmt: skip
def test_large_finite_gradients_are_finite(g_dtype, value, scale):
    dtype = np.float64 if g_dtype == np.float64 else np.float32
    p = np.zeros(N, dtype)
    opt = fa.SGD(p, nonfinite="raise")
    opt.step(np.full(N, value, g_dtype), scale)
    assert opt.t == 1
    assert opt.grad_norm == pytest.approx(np.float64(g_dtype(value)) * scale * np.sqrt(N), rel=1e-6)


def test_an_infinite_gradient_is_not_finite_though_it_is_clipped_by_value(device):
    _params, opt = made(device, nonfinite="skip", max_value=1.0)
    step(device, opt, spoilt(10, np.inf))
    assert (opt.t, opt.skipped) == (0, (1, 1))


def test_what_a_step_does_can_be_assigned_between_steps(device):
    params, opt = made(device)
    assert opt.nonfinite == "propagate"
    opt.nonfinite = "skip"
    step(device, opt, spoilt(10, np.nan))
    opt.nonfinite = "raise"
    with pytest.raises(ValueError, match="finite"):
        step(device, opt, spoilt(10, np.nan))
    assert (opt.t, opt.skipped) == (0, (1, 1))
    opt.nonfinite = "propagate"
    step(device, opt, spoilt(10, np.nan))
    assert (opt.t, opt.skipped) == (1, (1, 0))
    assert np.isnan(device.numpy(params[2])).sum() == 1


@pytest.mark.parametrize(("value", "error"), [("ignore", ValueError), ("", ValueError), (None, TypeError),
                                              (True, TypeError), (1.0, TypeError)])  # fmt: skip
def test_another_word_is_refused(value, error):
    with pytest.raises(error, match="SGD: expected nonfinite to be "):
        fa.SGD(np.ones(3), nonfinite=value)
    opt = fa.SGD(np.ones(3), nonfinite="skip")
    with pytest.raises(error, match="SGD: expected nonfinite to be "):
        opt.nonfinite = value
    assert opt.nonfinite == "skip"


def test_a_group_cannot_have_its_own():
    with pytest.raises(TypeError, match=r"^groups\['\*'\]: nonfinite belongs to the whole optimizer"):
        fa.SGD(np.ones(3), groups={"*": {"nonfinite": "skip"}})


def test_a_group_cannot_be_assigned_its_own():
    opt = fa.SGD(np.ones(3), groups={"*": {"lr": 1.0}})
    with pytest.raises(TypeError, match="nonfinite belongs to the whole optimizer"):
        opt.groups["*"].nonfinite = "skip"


def test_a_scale_beyond_the_weights_type_is_one_error_whatever_a_step_does_with_gradients(device):
    for nonfinite in ("propagate", "skip", "raise"):
        _params, opt = made(device, nonfinite=nonfinite)
        with pytest.raises(ValueError, match="float32"):
            step(device, opt, gradients(10), 1e39)
