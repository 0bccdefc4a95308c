"""Many small problems at once: the points are those of `opt.step`, whatever differs from problem to problem."""

import numpy as np
import pytest
from catalogue import CASES, IDS
from conftest import for_maintainers
from numba import njit

import fastadapt as fa

FIRST = [  # the others are for maintainers: each is a kernel of its own
    "SGD-lr=0.03-momentum=0.8-dampening=0.3-weight_decay=0.05-decoupled=True-maximize=False",
]
MINIMIZING = [(name, *case, np.float32) for name, case in zip(IDS, CASES, strict=True) if not case[1]["maximize"]]
MINIMIZING += [(f"{cls.__name__}-float64", cls, {}, np.float64) for cls in (fa.Adam, fa.AdaGrad)]
STEPS = 6


def valley(x, g):
    """Rosenbrock's function of two variables."""
    a, b = 1 - x[0], x[1] - x[0] * x[0]
    g[0] = -2 * a - 400 * x[0] * b
    g[1] = 200 * b
    return a * a + 100 * b * b


@njit
def square(x):
    return x * x


@njit
def bowls(x, g, t, scale, centre, tilt, weight):
    """A bowl for each problem, tilted another way at each step."""
    f = 0.0
    for j in range(x.size):
        d = x[j] - centre
        g[j] = scale[j] * d + weight * tilt[t % 3, j]
        f += 0.5 * scale[j] * square(d) + weight * tilt[t % 3, j] * x[j]
    return f


def problems(n, d, dtype, seed=0):
    """Starts, and what the bowls of so many problems take."""
    rng = np.random.default_rng(seed)
    starts, scale, tilt = rng.normal(size=(n, d)), rng.uniform(0.5, 2, (n, d)), rng.normal(size=(3, d))
    args, shared = (scale.astype(dtype), rng.normal(size=n).astype(dtype)), (tilt.astype(dtype), 0.25)
    return starts.astype(dtype), args, shared


def one_by_one(cls, start, fun, steps, more=lambda t: (), varying=None, **hyper):
    """The points of a problem by `opt.step`, the first among them; what varies is assigned before each step."""
    x, g = start.copy(), np.empty_like(start)
    opt, points = cls(x, **hyper), [start.copy()]
    for t in range(1, steps + 1):
        for name, values in (varying or {}).items():
            setattr(opt, name, values[t - 1].item())
        fun(x, g, *more(t))
        opt.step(g)
        points.append(x.copy())
    return np.array(points)


def assert_same(result, i, points):
    assert result.path[i].tobytes() == points.tobytes()
    assert result.x[i].tobytes() == points[-1].tobytes()


@pytest.mark.parametrize(
    ("cls", "hyper", "dtype"),
    [pytest.param(*case, id=name, marks=() if name in FIRST else pytest.mark.maintainer) for name, *case in MINIMIZING],
)
def test_the_points_of_every_rule_are_those_of_its_steps(cls, hyper, dtype):
    starts, args, shared = problems(70, 3, dtype)
    found = fa.minimize_many(bowls, starts, cls, steps=STEPS, args=args, shared=shared, record=1, **hyper)
    for i in (0, 1, 63, 64, 69):
        own = args[0][i], args[1][i], *shared
        points = one_by_one(cls, starts[i], bowls, STEPS, lambda t, own=own: (t, *own), **hyper)
        if cls.sums_before or cls.sums_after:  # which are summed in another order
            np.testing.assert_allclose(found.path[i], points, rtol=2e-5, atol=2e-6)
        else:
            assert_same(found, i, points)
    assert (found.nit == STEPS).all()
    assert found.success.all()


@pytest.mark.parametrize("d", for_maintainers(0, 1, 3, 33, 300, 1031))
def test_each_problem_is_clipped_by_its_own_norm_and_by_value(d):
    starts, args, shared = problems(5, d, np.float64)
    hyper = {"lr": 0.1, "max_norm": 0.7, "max_value": 0.5}
    found = fa.minimize_many(bowls, starts, fa.SGD, steps=STEPS, args=args, shared=shared, record=1, **hyper)
    for i in range(5):
        own = args[0][i], args[1][i], *shared
        if d:
            assert_same(found, i, one_by_one(fa.SGD, starts[i], bowls, STEPS, lambda t, own=own: (t, *own), **hyper))


@pytest.mark.maintainer
def test_a_schedule_is_an_array_by_step_and_a_rate_of_its_own_one_by_problem():
    starts = np.random.default_rng(1).uniform(-1, 1, (4, 2))
    lr = 0.002 / np.arange(1, 7)
    found = fa.minimize_many(valley, starts, fa.SGD, steps=6, lr=lr, record=1)
    for i in range(4):
        assert_same(found, i, one_by_one(fa.SGD, starts[i], valley, 6, varying={"lr": lr}))
    lr = np.outer([1.0, 2.0, 0.5, 0.25], lr)
    decay = np.array([[0.0], [0.1], [0.2], [0.3]])
    found = fa.minimize_many(valley, starts, fa.SGD, steps=6, lr=lr, weight_decay=decay, decoupled=True, record=1)
    for i in range(4):
        varying = {"lr": lr[i], "weight_decay": np.repeat(decay[i], 6)}
        points = one_by_one(fa.SGD, starts[i], valley, 6, varying=varying, decoupled=True)
        assert_same(found, i, points)  # SGD's coefficients hold no power, which compiled code may round otherwise


@pytest.mark.maintainer
def test_rates_of_their_own_agree_to_rounding_where_coefficients_hold_powers():
    starts = np.random.default_rng(2).uniform(-1, 1, (3, 2))
    lr, beta2 = np.array([[0.1], [0.02], [0.03]]), np.array([[0.0], [0.9], [0.99]])
    found = fa.minimize_many(valley, starts, fa.Adam, steps=20, lr=lr, beta2=beta2, record=1)
    for i in range(3):
        points = one_by_one(fa.Adam, starts[i], valley, 20, lr=lr[i, 0].item(), beta2=beta2[i, 0].item())
        # A coefficient is off by a unit of float64; the valley's walls make up to 400 times as much of it, a few times.
        assert np.abs(found.path[i] - points).max() < 1e-11


def test_points_are_clipped_to_the_bounds_after_each_step():
    starts = np.array([[0.4, 0.4], [-1.0, 1.0]])
    found = fa.minimize_many(valley, starts, fa.SGD, steps=500, lr=2e-3, bounds=[(None, 0.5), (0.0, None)], record=1)
    for i, start in enumerate(starts):
        x, g = start.copy(), np.empty(2)
        for t in range(500):
            assert found.path[i, t].tobytes() == x.tobytes()
            valley(x, g)
            x -= 2e-3 * g
            x[:] = np.clip(x, [-np.inf, 0.0], [0.5, np.inf])
    assert found.x[0, 0] == 0.5  # where the minimum would be beyond


def test_a_start_outside_of_the_bounds_is_clipped_with_a_warning_and_not_written():
    starts = np.array([[3.0, -1.0]])
    with pytest.warns(UserWarning, match="clipped"):
        found = fa.minimize_many(valley, starts, fa.SGD, steps=0, bounds=(0.0, 1.0))
    assert found.x.tolist() == [[1.0, 0.0]]
    assert starts.tolist() == [[3.0, -1.0]]


def test_a_problem_stops_where_its_projected_gradient_is_small():
    starts = np.array([[0.7, 0.5], [0.8, 0.64]])
    found = fa.minimize_many(valley, starts, fa.SGD, steps=3000, lr=2e-3, gtol=1e-2, bounds=[(None, 0.8), (None, None)])
    g = np.empty(2)
    valley(found.x[0], g)
    assert found.success.all()
    assert 0 < found.nit[0] < 3000
    assert abs(g[1]) <= 1e-2 < abs(g[0])  # which the bound holds back
    assert found.nit[1] == 0


def root(x, g):
    """The root of 1 - x, with a slope that leads beyond where there is one."""
    g[0] = -1.0
    return np.sqrt(1 - x[0])


@pytest.mark.maintainer
def test_a_problem_without_a_finite_value_goes_back_a_step_and_the_others_go_on():
    found = fa.minimize_many(root, np.array([[0.0], [2.0], [-9.0]]), fa.SGD, steps=5, lr=0.4, record=2)
    assert found.nit.tolist() == [2, 0, 5]
    assert found.success.tolist() == [False, False, True]
    assert found.x[:, 0].tolist() == [0.8, 2.0, -9.0 + 0.4 + 0.4 + 0.4 + 0.4 + 0.4]
    assert found.fun[0] == np.sqrt(1 - 0.8)
    assert np.isnan(found.fun[1])
    assert found.path[0, :, 0].tolist() == [0.0, 0.8, 0.8]


def test_the_value_is_that_of_the_point_which_is_returned():
    starts = np.random.default_rng(3).uniform(-1, 1, (3, 2))
    found = fa.minimize_many(valley, starts, fa.SGD, steps=4, lr=1e-3)
    assert found.fun.tolist() == [valley(x, np.empty(2)) for x in found.x]
    assert "path" not in found
    assert found["nit"] is found.nit


@pytest.mark.parametrize(("n", "steps"), [(0, 5), (3, 0), (0, 0)])
def test_no_problems_and_no_steps_are_fine(n, steps):
    starts = np.ones((n, 2))
    found = fa.minimize_many(valley, starts, fa.SGD, steps=steps, record=1, lr=np.zeros((n, steps)))
    assert found.x.tolist() == starts.tolist()
    assert found.path.shape == (n, steps + 1, 2)


def test_the_result_is_the_same_for_any_number_of_threads():
    from numba import get_num_threads, set_num_threads

    starts = np.random.default_rng(4).uniform(-1, 1, (3000, 2))
    before, found = get_num_threads(), []
    for threads in (1, before):
        set_num_threads(threads)
        found.append(fa.minimize_many(valley, starts, fa.SGD, steps=100, lr=1e-3).x)
    set_num_threads(before)
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.maintainer
def test_starts_of_any_layout_are_read_and_arguments_of_any_order():
    starts, args, shared = problems(6, 3, np.float64)
    plain = fa.minimize_many(bowls, starts, fa.SGD, steps=3, args=args, shared=shared)
    wide = np.zeros((6, 6))
    wide[:, ::2] = starts
    other = fa.minimize_many(
        bowls, wide[:, ::2], fa.SGD, steps=3, args=(np.asfortranarray(args[0]), args[1]), shared=[shared[0], 0.25]
    )
    assert other.x.tobytes() == plain.x.tobytes()


class Momentless(fa.Optimizer):
    """A rule of a user's, whose state starts at the weights."""

    @staticmethod
    def start(p, /):
        return (2 * p,)

    @staticmethod
    def coefficients(t, lr=0.1):
        return lr, 0.5

    @staticmethod
    def update(p, g, s, /, lr, half):
        s = half * s + g
        return p - lr * s, s


@pytest.mark.maintainer
def test_a_users_rule_whose_state_starts_at_the_weights():
    starts = np.random.default_rng(5).uniform(-1, 1, (3, 2))
    found = fa.minimize_many(valley, starts, Momentless, steps=3, lr=1e-3, record=1)
    for i in range(3):
        assert_same(found, i, one_by_one(Momentless, starts[i], valley, 3, lr=1e-3))
