"""Sums over weights and scalars: what `reduce` and `update` return terms of, and what `combine` makes of their sums."""

import copy
import pickle
from typing import ClassVar

import numba
import numpy as np
import pytest
from conftest import for_maintainers, needs_numba_cuda
from numba import njit
from runs import normal as single

import fastadapt as fa


def normal(seed, n):
    return single(seed, n).astype(np.float64)


DTYPES = [np.float64, *for_maintainers(np.float32)]


class Everything(fa.Optimizer):
    """A sum before and one behind a step, over each array and over all; a scalar for each and for all."""

    nonnegative = ("v",)
    sums_before: ClassVar = {"squares": "all", "own": "array"}
    sums_after: ClassVar = {"moved": "array", "moved_all": "all"}
    scalars: ClassVar = {"steps": ("array", 1.0), "scale": ("all", "first")}

    @staticmethod
    def coefficients(t, lr=0.1, beta=0.5):
        return lr, beta, 1 - beta

    @staticmethod
    def reduce(p, g, v, /, lr, b):
        return g * g + p, b * v + p

    @staticmethod
    def combine(t, squares, own, moved, moved_all, steps, scale, lr=0.1, first=2.0, weight_decay=0.0):
        scale = 0.5 * scale + abs(moved_all) / (1 + squares * squares)
        return (scale / (1 + abs(own)), steps + moved + weight_decay * t), (steps + 1 + 0.1 * moved, scale)

    @staticmethod
    def update(p, g, v, /, lr, b, a, x, y):
        v = b * v + a * (g * g)
        moved = lr * g * (x + y) / (1 + v)
        return p - moved, v, moved, moved * p


class Oracle:
    """The same in NumPy, over a list of arrays."""

    def __init__(self, params, lr=0.1, beta=0.5, first=2.0, weight_decay=0.0):
        self.params, self.hyper = [p.astype(np.float64) for p in params], (lr, beta, first, weight_decay)
        self.v, self.counts = [np.zeros_like(p) for p in self.params], [0] * len(params)
        self.moved, self.steps = [0.0] * len(params), [1.0] * len(params)
        self.moved_all, self.scale, self.t = 0.0, first, 0

    def step(self, grads):
        (lr, b, _, decay), self.t = self.hyper, self.t + 1
        given = [(i, g.astype(np.float64)) for i, g in enumerate(grads) if g is not None]
        squares = sum(np.sum(g * g + self.params[i]) for i, g in given)
        scale, total = 0.5 * self.scale + abs(self.moved_all) / (1 + squares * squares), 0.0
        for i, g in given:
            self.counts[i] += 1
            own = np.sum(b * self.v[i] + self.params[i])
            x, y = scale / (1 + abs(own)), self.steps[i] + self.moved[i] + decay * self.counts[i]
            self.v[i] = b * self.v[i] + (1 - b) * g * g
            moved = lr * g * (x + y) / (1 + self.v[i])
            total += np.sum(moved * self.params[i])
            self.steps[i] += 1 + 0.1 * self.moved[i]
            self.moved[i] = np.sum(moved)
            self.params[i] = self.params[i] - moved
        self.moved_all, self.scale = total, scale


SHAPES = (700,), (3, 2), (0,), (257,)
HYPER = {"lr": 0.01, "beta": 0.7, "weight_decay": 0.2}


def arrays(k, dtype=np.float64):
    return [normal(10 * k + i, int(np.prod(shape))).astype(dtype).reshape(shape) for i, shape in enumerate(SHAPES)]


def gradients(k, dtype=np.float64):
    """Those of step `k`, of which some are missing."""
    found = arrays(k + 1, dtype)
    if k in (0, 3):
        found[1] = None
    return found


def stepped(device=None, steps=5, dtype=np.float64, cls=Everything, **hyper):
    put = device.array if device else lambda array: array
    opt = cls([put(p) for p in arrays(0, dtype)], **(HYPER if cls is Everything else {}) | hyper)
    for k in range(steps):
        opt.step([g if g is None else put(g) for g in gradients(k, dtype)])
    return opt


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_rule_with_every_kind_of_sum_and_scalar_takes_the_steps_that_it_says(dtype, device):
    opt, oracle = stepped(device, dtype=dtype), Oracle(arrays(0, dtype), **HYPER)
    for k in range(5):
        oracle.step(gradients(k, dtype))
    eps = 64 * float(np.finfo(dtype).eps)
    for p, expected in zip(opt.params, oracle.params, strict=True):
        np.testing.assert_allclose(device.numpy(p), expected, rtol=eps, atol=eps)
    assert opt.scalars["steps"] == pytest.approx(oracle.steps, rel=eps)
    assert opt.scalars["scale"] == pytest.approx(oracle.scale, rel=eps)


def test_gradients_of_two_dtypes_and_in_other_orders_are_summed_as_well(device):
    p, q = (device.array(normal(1, 600).reshape(20, 30)) for _ in "pq")
    a, b = fa.Prodigy([p, device.array(np.ones(3))], d0=1e-2), fa.Prodigy([q, device.array(np.ones(3))], d0=1e-2)
    for _ in range(3):
        g, h = (3 * normal(1, 600).reshape(20, 30)).astype(np.float32), np.full(3, 0.5)
        a.step([device.array(g), device.array(h)])
        b.step([device.array(np.asfortranarray(g.astype(np.float64))), device.array(h)])
    np.testing.assert_array_equal(device.numpy(p), device.numpy(q))
    assert a.scalars == b.scalars
    assert a.scalars["d"] > 1e-2


@pytest.mark.parametrize("size", [2**18 + 300])
@pytest.mark.parametrize("cls", for_maintainers(fa.LAMB, fa.Prodigy))
def test_the_bits_are_the_same_for_every_number_of_threads(cls, size):
    found = []
    for threads in {1, numba.get_num_threads()}:
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        p = normal(0, size).astype(np.float32)
        opt = cls(p)
        for k in range(2):
            opt.step(normal(k + 1, size).astype(np.float32))
        numba.set_num_threads(before)
        found.append((p.tobytes(), opt.scalars))
    assert found[0] == found[-1]


def test_a_skipped_step_and_a_missing_gradient_leave_sums_and_scalars_alone(device):
    opt = stepped(device, nonfinite="skip")
    before = copy.deepcopy(opt.state_dict()["scalars"])
    bad = [device.array(np.full(shape, np.nan)) for shape in SHAPES]
    opt.step(bad)
    assert opt.skipped.total == 1
    assert opt.state_dict()["scalars"] == before
    opt.step([device.array(np.ones(SHAPES[0])), None, None, None])
    after = opt.state_dict()["scalars"]
    assert after["steps"]["1"] == before["steps"]["1"]
    assert after["moved"]["1"] == before["moved"]["1"]
    assert after["steps"]["0"] != before["steps"]["0"]
    assert after["scale"] != before["scale"]


def test_a_step_that_is_refused_leaves_scalars_alone():
    class Growing(fa.Optimizer):
        scalars: ClassVar = {"size": ("all", 1.0)}

        @staticmethod
        def coefficients(t, lr=1.0):
            return (lr,)

        @staticmethod
        def combine(t, size):
            return (size,), (1e20 * size,)

        @staticmethod
        def update(p, g, /, lr, size):
            return p - lr * g / size

    p = np.ones(3, np.float32)
    opt = Growing(p)
    opt.step(p)
    opt.step(p)
    before, kept = opt.scalars["size"], p.copy()
    with pytest.raises(ValueError, match=r"Growing\.combine: expected coefficients within the range of the weights"):
        opt.step(p)
    assert opt.scalars["size"] == before
    assert opt.t == 2
    np.testing.assert_array_equal(p, kept)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda opt: pickle.loads(pickle.dumps(opt))], ids=["copy", "pickle"])
def test_a_copy_goes_on_to_the_bit(again):
    opt = stepped()
    other = again(opt)
    for each in (opt, other):
        each.step(gradients(4))
    assert [p.tobytes() for p in opt.params] == [p.tobytes() for p in other.params]
    assert opt.scalars == other.scalars


def test_a_file_goes_on_to_the_bit_and_a_new_start_is_one(tmp_path, device):
    opt = stepped(device)
    opt.save(tmp_path / "opt.npz")
    kept = [device.numpy(p).copy() for p in opt.params]
    other = Everything([device.array(p) for p in kept], **HYPER)
    other.load(tmp_path / "opt.npz")
    for each in (opt, other):
        each.step([device.array(g) for g in gradients(4)])
    assert [device.numpy(p).tobytes() for p in opt.params] == [device.numpy(p).tobytes() for p in other.params]
    opt.zero_state()
    assert opt.scalars == {"steps": [1.0] * 4, "scale": 2.0}
    assert opt.state_dict()["scalars"]["moved"] == dict.fromkeys("0123", 0.0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("scale",), "2", r"\['scalars'\]\['scale'\]: expected a number, not '2'"),
        (("steps", "1"), None, r"\['scalars'\]\['steps'\]\['1'\]: missing"),
        (("other",), 1.0, r"\['scalars'\]\['other'\]: not expected"),
    ],
)
def test_a_checkpoint_with_other_scalars_is_refused(path, value, message):
    opt = stepped()
    found = opt.state_dict()
    at = found["scalars"]
    for name in path[:-1]:
        at = at[name]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        opt.load_state_dict(found)


def test_a_checkpoint_of_a_version_without_scalars_has_those_that_its_steps_would_have_made():
    p, q = [np.ones(3), np.ones(3)], [np.ones(3), np.ones(3)]
    opt = fa.NAdam(p, beta1=0.8)
    for k in range(5):
        opt.step([np.ones(3), None if k == 2 else np.ones(3)])
    found = opt.state_dict()
    del found["scalars"]
    found["version"] = 1
    other = fa.NAdam(q, beta1=0.5)
    other.load_state_dict(found)
    assert other.scalars == opt.scalars
    assert len(set(opt.scalars["product"])) == 2


def test_a_hyperparameter_is_the_first_value_of_a_scalar_also_in_groups():
    opt = Everything([np.ones(2), np.ones(2)], first=3.0, groups={"1": {"lr": 0.5}})
    assert opt.scalars == {"steps": [1.0, 1.0], "scale": 3.0}
    assert fa.Prodigy(np.ones(2), d0=1e-3).scalars == {"d": 1e-3, "d_max": 1e-3, "num": 0.0}
    assert fa.Adam(np.ones(2)).scalars == {}


def test_groups_of_prodigy_have_one_learning_rate_or_none():
    params, message = [np.ones(2), np.ones(2)], "Prodigy: expected one lr for all groups, or 0, not 0.5 and 1.0"
    with pytest.raises(ValueError, match=message):
        fa.Prodigy(params, groups={"1": {"lr": 0.5}})
    opt = fa.Prodigy(params, groups={"1": {"lr": 0.0}})
    opt.lr = 0.25
    for value in (0.5, 1.0):
        with pytest.raises(ValueError, match=f"expected one lr for all groups, or 0, not 0.25 and {value}"):
            opt.groups["1"].lr = value
    opt.step([np.ones(2), np.ones(2)])
    assert params[1].tolist() == [1, 1]
    assert params[0][0] < 1


def test_a_rule_that_takes_weight_decay_decays_by_itself():
    p, q = np.ones(3), np.ones(3)
    Everything(p, lr=0.5, weight_decay=0.0).step(np.zeros(3))
    Everything(q, lr=0.5, weight_decay=0.5).step(np.zeros(3))
    np.testing.assert_array_equal(p, q)  # it does nothing with it but in what multiplies the gradient
    with pytest.raises(TypeError, match="Prodigy: no hyperparameter 'decoupled'"):
        fa.Prodigy(np.ones(3), decoupled=True)


combine, coefficients, kernel = fa.Prodigy.combine, fa.Prodigy.coefficients, fa.Prodigy.kernel


@njit
def descended(p, state, steps):
    gained = size = num = 0.0
    d = d_max = 1e-2
    for t in range(1, steps + 1):
        more, (d, d_max, num) = combine(t, gained, size, d, d_max, num, 1.0, 0.9, 0.999, 0.0, 1e-8, 1e-2)
        gained, size = kernel(p, 3 * p, state, coefficients(t) + more)
    return d


@pytest.mark.maintainer
def test_a_users_own_loop_takes_the_steps_of_the_optimizer():
    p, q = normal(0, 40), normal(0, 40)
    opt = fa.Prodigy(q, d0=1e-2)
    for _ in range(12):
        opt.step(3 * q)
    d = descended(p, (*np.zeros((3, 40)), p.copy()), 12)
    assert d == pytest.approx(opt.scalars["d"], rel=1e-12)
    np.testing.assert_allclose(p, q, rtol=1e-12)
    r, state, sums, scalars = normal(0, 40), (*np.zeros((3, 40)), normal(0, 40)), (0.0, 0.0), (1e-2, 1e-2, 0.0)
    for t in range(1, 13):
        more, scalars = combine(t, *sums, *scalars, d0=1e-2)
        sums = kernel(r, 3 * r, state, coefficients(t) + more)
    np.testing.assert_allclose(r, p, rtol=1e-12)
    with pytest.raises(TypeError, match="expected NumPy arrays, and tuples of state and coefficients: it returns sums"):
        kernel(r, 3 * r, list(state), coefficients(1) + more)


def bowl(x, g):
    f = 0.0
    for j in range(x.size):
        g[j] = 2 * (j + 1) * x[j]
        f += (j + 1) * x[j] * x[j]
    return f


@pytest.mark.parametrize(
    ("cls", "hyper"),
    [
        *for_maintainers(
            (fa.NAdam, {"lr": 0.1}),
            (fa.Prodigy, {"d0": 1e-2}),
            (fa.LAMB, {"lr": 0.1, "weight_decay": 0.1}),
            (fa.NAdam, {"lr": np.array([[0.1], [0.2]])}),
        ),
    ],
)
def test_many_problems_have_sums_and_scalars_of_their_own(cls, hyper):
    starts = normal(0, 6).reshape(2, 3)
    found = fa.minimize_many(bowl, starts, cls, steps=9, **hyper)
    for i, start in enumerate(starts):
        p, g = start.copy(), np.zeros(3)
        own = {name: value[i, 0] if isinstance(value, np.ndarray) else value for name, value in hyper.items()}
        opt = cls(p, **own)
        for _ in range(9):
            bowl(p, g)
            opt.step(g)
        np.testing.assert_allclose(found.x[i], p, rtol=1e-12, atol=1e-12)


@needs_numba_cuda
@pytest.mark.gpu
def test_the_state_of_small_arrays_is_summed_on_cuda_as_on_the_cpu():
    from conftest import Cuda, has_gpu

    if not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")
    for cls, bits in ((fa.LAMB, 8), (fa.Prodigy, 16)):
        p, how = normal(0, 600).astype(np.float32), {"state_bits": bits, "min_quantized_size": 0}
        q = Cuda.array(p)
        here, there = cls(p, **how), cls(q, **how)
        for k in range(3):
            g = normal(k + 1, 600).astype(np.float32)
            here.step(g)
            there.step(Cuda.array(g))
        np.testing.assert_allclose(Cuda.numpy(q), p, rtol=1e-5, atol=1e-6)


def test_a_step_without_any_gradient_leaves_sums_and_scalars_alone(device):
    class Kept(fa.Optimizer):
        sums_after: ClassVar = {"gg": "all"}
        scalars: ClassVar = {"n": ("all", 0.0)}

        @staticmethod
        def coefficients(t, lr=0.1):
            return (lr,)

        @staticmethod
        def combine(t, gg, n):
            return (n,), (0.9 * n + gg,)

        @staticmethod
        def update(p, g, /, lr, n):
            return p - lr * n * g, g * g

    ends = []
    for steps in ([1, 1, 1], [1, None, 1, None, None, 1]):
        p = device.array(np.ones(3))
        opt = Kept([p])
        for given in steps:
            opt.step([device.array(np.full(3, 0.1)) if given else None])
        ends.append((device.numpy(p).tolist(), opt.scalars["n"]))
    assert ends[0] == ends[1]
    assert ends[0][1] > 0


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # of the simulator, and without Numba
def test_weights_whose_squares_are_infinite_count_as_a_norm_of_0_in_lamb(device):
    p = device.array(np.array([1.0, 1.0, 2e19], np.float32))
    fa.LAMB(p, lr=0.1).step(device.array(np.ones(3, np.float32)))
    assert device.numpy(p)[:2] == pytest.approx([0.9, 0.9], rel=1e-5)


def test_what_a_scalar_of_all_is_made_of_groups_have_in_common():
    for name in ("d0", "d_coef", "growth", "beta2", "beta3"):
        with pytest.raises(ValueError, match=f"Prodigy: expected one {name} for all groups, not"):
            fa.Prodigy([np.ones(2), np.ones(2)], groups={"1": {name: {"growth": 1.5}.get(name, 0.75)}})
    for name, value in (("d0", 0.0), ("growth", 0.5)):
        with pytest.raises(ValueError, match=f"Prodigy: expected {name} to be at least"):
            fa.Prodigy(np.ones(2), **{name: value})
