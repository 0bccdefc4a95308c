"""A rule that a user writes has everything that ours have, wherever it is written."""

import linecache
from math import sqrt

import numpy as np
import pytest
from conftest import INTERPRETED, for_maintainers

import fastadapt as fa

N = 300
STEPS = 3
TOLERANCE = {"rtol": 1e-5, "atol": 3e-6}
"""For float32 against float64: less than 10 operations on numbers up to 5 in each of three steps, each of which
rounds by at most half of 2**-23 of its result: 3 * 10 * 5 * 2**-24 = 9e-6, and a third of it by chance of sign."""


def random(seed, shape=N, dtype=np.float32):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def run(cls, device, steps=STEPS, dtype=np.float32, **hyper):
    """The weights and the optimizer after a few steps from `random(0)` with gradients `random(1)`, ..."""
    p = device.array(random(0, dtype=dtype))
    opt = cls(p, **hyper)
    for t in range(1, steps + 1):
        opt.step(device.array(random(t, dtype=dtype)))
    return device.numpy(p), opt


def walk(update, states, steps=STEPS, keep=1.0, gradient=lambda g, p: g):
    """The same steps in float64, by `update(t, p, g, *state)` on whole arrays."""
    p, state = random(0).astype(float), list(states)
    for t in range(1, steps + 1):
        g = gradient(random(t).astype(float), p)
        p, *state = update(t, keep * p, g, *state)
    return p


class Momentum(fa.Optimizer):
    """The rule of a module: heavy ball with a step that shrinks."""

    @staticmethod
    def coefficients(t, lr=0.1, mu=0.8):
        return lr / t, mu

    @staticmethod
    def update(p, g, b, /, lr, mu):
        b = mu * b + g
        return p - lr * b, b


def momentum(t, p, g, b, lr=0.1, mu=0.8):
    b = mu * b + g
    return p - lr / t * b, b


def test_a_rule_in_a_module_takes_its_steps(device):
    p, opt = run(Momentum, device)
    np.testing.assert_allclose(p, walk(momentum, [0.0]), **TOLERANCE)
    assert list(opt.state) == ["b"]
    assert opt.t == STEPS


def test_its_hyperparameters_are_attributes_and_are_checked(device):
    p, opt = run(Momentum, device, lr=0.2, mu=0.5)
    np.testing.assert_allclose(p, walk(lambda *a: momentum(*a, lr=0.2, mu=0.5), [0.0]), **TOLERANCE)
    assert (opt.lr, opt.mu) == (0.2, 0.5)
    with pytest.raises(TypeError, match="no hyperparameter 'beta'; it has lr, mu"):
        Momentum(np.ones(3), beta=1)
    with pytest.raises(TypeError, match="expected mu to be a number"):
        opt.mu = "much"


@pytest.mark.parametrize(
    ("around", "keep", "gradient"),
    [
        ({"weight_decay": 0.5}, 1.0, lambda g, p: g + 0.5 * p),
        ({"weight_decay": 0.5, "decoupled": True}, 1 - 0.1 * 0.5, lambda g, p: g),
        ({"maximize": True}, 1.0, lambda g, p: -g),
        ({"weight_decay": 0.5, "maximize": True}, 1.0, lambda g, p: -g + 0.5 * p),
        ({"weight_decay": 0.5, "decoupled": True, "maximize": True}, 1 - 0.1 * 0.5, lambda g, p: -g),
    ],
)
def test_weight_decay_of_both_kinds_and_maximize_work_for_it(around, keep, gradient, device):
    p, _ = run(Momentum, device, **around)
    np.testing.assert_allclose(p, walk(momentum, [0.0], keep=keep, gradient=gradient), **TOLERANCE)


def test_it_takes_nests_groups_and_missing_gradients(device):
    params = {"a": device.array(random(0)), "b": [device.array(random(0)), device.array(random(0))]}
    opt = Momentum(params, groups={"b.0": {"lr": 0.0}})
    for t in range(1, STEPS + 1):
        opt.step({"a": device.array(random(t)), "b": [device.array(random(t)), None]})
    np.testing.assert_allclose(device.numpy(params["a"]), walk(momentum, [0.0]), **TOLERANCE)
    for array in params["b"]:
        np.testing.assert_array_equal(device.numpy(array), random(0))
    assert opt.counts == {"a": STEPS, "b": [STEPS, 0]}


@pytest.mark.maintainer
def test_its_kernel_is_there_too(device):
    p, g, b = (device.array(random(k)) for k in range(3))
    Momentum.kernel(p, g, (b,), Momentum.coefficients(1, mu=0.5))
    expected = 0.5 * random(2).astype(float) + random(1)
    np.testing.assert_allclose(device.numpy(b), expected, **TOLERANCE)
    np.testing.assert_allclose(device.numpy(p), random(0) - 0.1 * expected, **TOLERANCE)


def test_a_rule_without_state_may_return_the_weight_alone_or_in_a_tuple(device):
    class Alone(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.5):
            return (lr,)

        @staticmethod
        def update(p, g, /, lr):
            return p - lr * g

    class InTuple(Alone):
        @staticmethod
        def update(p, g, /, lr):
            return (p - lr * g,)

    expected = walk(lambda t, p, g: (p - 0.5 * g,), [])
    for cls in (Alone, InTuple):
        p, opt = run(cls, device)
        np.testing.assert_allclose(p, expected, **TOLERANCE)
        assert opt.state == {}
        assert opt.nbytes == 0


def test_a_rule_may_have_four_states(device):
    class Four(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.01, a=0.5):
            return lr, a

        @staticmethod
        def update(p, g, one, two, three, four, /, lr, a):
            one += a * (g - one)
            two += a * (one - two)
            three += a * (two - three)
            four += a * (three - four)
            return p - lr * (one + two + three + four), one, two, three, four

    def four(t, p, g, *state):
        new = []
        for s in state:
            g = s + 0.5 * (g - s)
            new.append(g)
        return p - 0.01 * sum(new), *new

    p, opt = run(Four, device)
    np.testing.assert_allclose(p, walk(four, [0.0] * 4), **TOLERANCE)
    assert list(opt.state) == ["one", "two", "three", "four"]


@pytest.mark.parametrize("dtype", for_maintainers(np.float32, np.float64))
def test_a_rule_with_literals_is_slower_and_still_right(dtype, device):
    class Literals(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1):
            return (lr,)

        @staticmethod
        def update(p, g, m, v, /, lr):
            m = 0.9 * m + (1 - 0.9) * g
            v = 0.5 * v + g**2 if v < 2 else 1.0
            return p - lr * m / (1e-3 + sqrt(v)) * 2, m, v

    def literals(t, p, g, m, v):
        m = 0.9 * m + (1 - 0.9) * g
        v = np.where(np.asarray(v) < 2, 0.5 * v + g**2, 1.0)
        return p - 0.1 * m / (1e-3 + np.sqrt(v)) * 2, m, v

    p, opt = run(Literals, device, dtype=dtype)
    assert p.dtype == opt.state["m"].dtype == dtype
    # The float64 path has float32 in nothing but the gradients, which are the numbers of float32 here and there.
    if dtype == np.float64:
        double = [random(t, dtype=np.float64) for t in range(STEPS + 1)]
        expected, m, v = double[0], 0.0, 0.0
        for t in range(1, STEPS + 1):
            expected, m, v = literals(t, expected, double[t], m, v)
        np.testing.assert_allclose(p, expected, rtol=1e-13, atol=1e-14)
    else:
        np.testing.assert_allclose(p, walk(literals, [0.0, 0.0]), **TOLERANCE)


def test_its_state_starts_where_start_says_a_number_or_an_array_like_p(device):
    class Slow(fa.Optimizer):
        @staticmethod
        def start(p, /, first=0.25):
            return first, abs(p)

        @staticmethod
        def coefficients(t, lr=0.1):
            return (lr,)

        @staticmethod
        def update(p, g, r, z, /, lr):
            z -= lr * g
            r += g * g
            return p - lr * g / sqrt(r), r, z

    def slow(t, p, g, r, z):
        r = r + g * g
        return p - 0.1 * g / np.sqrt(r), r, z

    opt = Slow({"a": device.array(random(0, (3, 5)))}, first=0.5)
    np.testing.assert_array_equal(device.numpy(opt.state["r"]["a"]), np.full((3, 5), 0.5))
    np.testing.assert_array_equal(device.numpy(opt.state["z"]["a"]), abs(random(0, (3, 5))))
    p, opt = run(Slow, device)
    np.testing.assert_allclose(p, walk(slow, [0.25, 0.0]), **TOLERANCE)
    z = abs(random(0)) - 0.1 * sum(random(t).astype(float) for t in range(1, STEPS + 1))
    np.testing.assert_allclose(device.numpy(opt.state["z"]), z, **TOLERANCE)
    opt.zero_state()
    np.testing.assert_array_equal(device.numpy(opt.state["z"]), abs(p))


def test_update_momentum_is_used_where_momentum_is_not_zero(device):
    class Switched(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1, momentum=0.0):
            return lr, momentum

        @staticmethod
        def update(p, g, /, lr, momentum):
            return p - lr * g

        @staticmethod
        def update_momentum(p, g, b, /, lr, momentum):
            b = momentum * b + g
            return p - lr * b, b

    p, opt = run(Switched, device)
    np.testing.assert_allclose(p, walk(lambda t, p, g: (p - 0.1 * g,), []), **TOLERANCE)
    assert opt.state == {}
    p, opt = run(Switched, device, momentum=0.5)
    np.testing.assert_allclose(p, walk(lambda t, p, g, b: (p - 0.1 * (0.5 * b + g), 0.5 * b + g), [0.0]), **TOLERANCE)
    assert list(opt.state) == ["b"]
    with pytest.raises(ValueError, match=r"expected momentum to stay 0\.0"):
        Switched(device.array(random(0))).momentum = 0.5
    assert callable(Switched.kernel_momentum)


def make_scaled(factor):
    class Scaled(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1):
            return (factor * lr,)

        @staticmethod
        def update(p, g, /, lr):
            return p - factor * lr * g

    return Scaled


def test_a_rule_inside_a_function_sees_the_variables_around_it(device):
    for factor in (2.0, 3.0):
        p, _ = run(make_scaled(factor), device)
        np.testing.assert_allclose(p, walk(lambda t, p, g, f=factor: (p - f * f * 0.1 * g,), []), **TOLERANCE)


CELL = """
from math import sqrt
import fastadapt as fa

SCALE = 2.0

class Cell(fa.Optimizer):
    @staticmethod
    def coefficients(t, lr=0.1):
        return lr, SCALE

    @staticmethod
    def update(p, g, v, /, lr, scale):
        v += g * g
        return p - SCALE * scale * lr * g / sqrt(v), v
"""


@pytest.mark.parametrize(
    "file", ["ipykernel_99/1234567890.py", *for_maintainers("<ipython-input-1-0123456789ab>", "<string>", "<stdin>")]
)
def test_a_rule_in_a_cell_of_a_notebook_takes_its_steps_and_so_does_the_cell_after_an_edit(file, device, tmp_path):
    if file.endswith(".py"):
        file = str(tmp_path / file)

    def cell(t, p, g, v, scale):
        v = v + g * g
        return p - scale * scale * 0.1 * g / np.sqrt(v), v

    namespace = {"__name__": "__main__"}
    for scale in (2.0, 3.0):
        source = CELL.replace("SCALE = 2.0", f"SCALE = {scale}")
        # A notebook puts its cells where tracebacks find their text.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), namespace)
        p, _ = run(namespace["Cell"], device)
        np.testing.assert_allclose(p, walk(lambda *a, s=scale: cell(*a, s), [0.0]), **TOLERANCE)
    del linecache.cache[file]


def test_a_subclass_may_write_only_coefficients_and_keep_update(device):
    class Warm(fa.Adam):
        @staticmethod
        def coefficients(t, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, warm=10):
            scale = min(1.0, t / warm)
            return scale * lr / (1 - beta1**t), beta1, 1 - beta1, beta2, 1 - beta2, 1 / sqrt(1 - beta2**t), eps

    p, opt = run(Warm, device, lr=0.1, warm=2)
    expected = device.array(random(0))
    adam = fa.Adam(expected)
    for t in range(1, STEPS + 1):
        adam.lr = 0.1 * min(1.0, t / 2)
        adam.step(device.array(random(t)))
    np.testing.assert_array_equal(p, device.numpy(expected))
    assert list(opt.state) == ["m", "v"]
    assert "warm" not in fa.Adam.defaults
    assert Warm.coefficients(1, lr=1.0, warm=4)[0] == pytest.approx(0.25 / (1 - 0.9))
    assert fa.Adam.coefficients(1, lr=1.0)[0] == pytest.approx(1 / (1 - 0.9))


def test_a_subclass_may_write_only_update_with_states_of_its_own_and_keep_coefficients(device):
    class Signed(fa.Adam):
        @staticmethod
        def update(p, g, m, /, lr, b1, a1, b2, a2, rescale, eps):
            m = b1 * m + a1 * g
            return p - lr * m / (abs(m) + eps), m

    def signed(t, p, g, m):
        m = m + 0.1 * (g - m)
        return p - 0.1 / (1 - 0.9**t) * m / (abs(m) + 1e-2), m

    p, opt = run(Signed, device, lr=0.1, eps=1e-2)
    np.testing.assert_allclose(p, walk(signed, [0.0]), **TOLERANCE)
    assert list(opt.state) == ["m"]
    assert list(run(fa.Adam, device)[1].state) == ["m", "v"]


def test_a_subclass_that_writes_nothing_is_its_parent_by_another_name(device):
    class Mine(fa.Adam):
        pass

    np.testing.assert_array_equal(run(Mine, device)[0], run(fa.Adam, device)[0])
    assert repr(Mine(np.ones(3))).startswith("Mine(")


def test_decay_in_the_class_is_its_default_and_that_of_its_subclasses_and_of_no_other(device):
    class Decayed(Momentum):
        weight_decay = 0.5
        decoupled = True

    class Further(Decayed):
        decoupled = False

    kept = walk(momentum, [0.0], keep=1 - 0.1 * 0.5)
    coupled = walk(momentum, [0.0], gradient=lambda g, p: g + 0.5 * p)
    p, opt = run(Decayed, device)
    np.testing.assert_allclose(p, kept, **TOLERANCE)
    assert (opt.weight_decay, opt.decoupled) == (0.5, True)
    np.testing.assert_allclose(run(Further, device)[0], coupled, **TOLERANCE)
    np.testing.assert_allclose(run(Decayed, device, decoupled=False)[0], coupled, **TOLERANCE)
    np.testing.assert_allclose(run(Decayed, device, weight_decay=0.0)[0], walk(momentum, [0.0]), **TOLERANCE)
    np.testing.assert_allclose(run(Momentum, device)[0], walk(momentum, [0.0]), **TOLERANCE)


def test_no_hyperparameter_given_in_the_class_is_ignored(device):
    try:

        class Fast(Momentum):
            lr = 0.5

    except TypeError as refused:
        assert "lr" in str(refused)  # noqa: PT017 - to refuse it would do as well
    else:
        p, opt = run(Fast, device)
        assert opt.lr == 0.5
        np.testing.assert_allclose(p, walk(lambda *a: momentum(*a, lr=0.5), [0.0]), **TOLERANCE)


def test_an_update_of_another_form_is_refused_when_the_class_is_made():
    def coefficients(t, lr=0.1):
        return (lr,)

    for update in (lambda p, g, m, lr: p, lambda g, p, /, lr: p, lambda p, g, /, *coef: p, lambda p, g, /, *, lr: p):
        with pytest.raises(TypeError, match=r"Wrong.update: expected a static method \(p, g, state"):
            type("Wrong", (fa.Optimizer,), {"coefficients": staticmethod(coefficients), "update": staticmethod(update)})


def test_coefficients_of_another_form_are_refused_when_the_class_is_made():
    def update(p, g, /, lr):
        return p - lr * g

    for coefficients in (lambda t, lr: (lr,), lambda t, **hyper: (0.1,), lambda t, *, lr=0.1: (lr,)):
        with pytest.raises(TypeError, match=r"Wrong\..*: expected a default for '(lr|hyper)'"):
            type("Wrong", (fa.Optimizer,), {"coefficients": staticmethod(coefficients), "update": staticmethod(update)})


def test_coefficients_of_another_number_than_update_takes_are_refused_by_name():
    class Odd(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1):
            return lr, lr

        @staticmethod
        def update(p, g, /, lr):
            return p - lr * g

    p = np.ones(3)
    with pytest.raises((TypeError, ValueError), match=r"Odd.*expected 1 coefficient"):
        Odd(p).step(p.copy())
    np.testing.assert_array_equal(p, 1)


def wrong(update):
    """An optimizer with this update of two states."""
    body = {"coefficients": staticmethod(lambda t, lr=0.1: (lr,)), "update": staticmethod(update)}
    return type("Wrong", (fa.Optimizer,), body)


@pytest.mark.parametrize(
    "update",
    [lambda p, g, m, v, /, lr: (p, m), lambda p, g, m, v, /, lr: (p, m, v, g), lambda p, g, m, v, /, lr: None],
    ids=["few", "many", "none"],
)
def test_an_update_that_returns_too_few_or_too_many_states_is_refused_by_name(update):
    with pytest.raises(TypeError, match=r"Wrong.update: expected it to return p, m, v, not "):
        wrong(update)(random(0))


def test_a_mistake_in_an_update_that_only_a_group_switches_on_is_found_when_the_optimizer_is_made():
    body = {
        "coefficients": staticmethod(lambda t, lr=0.1, momentum=0.0: (lr, momentum)),
        "update": staticmethod(lambda p, g, /, lr, momentum: p - lr * g),
        "update_momentum": staticmethod(lambda p, g, b, /, lr, momentum: p - lr * b),
    }
    cls = type("Wrong", (fa.Optimizer,), body)
    with pytest.raises(TypeError, match=r"Wrong.update_momentum: expected it to return p, b, not "):
        cls([random(0), random(1)], groups={"1": {"momentum": 0.9}})


def test_a_mistake_in_an_update_is_an_error_of_its_own_line():
    with pytest.raises(NameError, match="unknown"):
        wrong(lambda p, g, m, v, /, lr: (p - unknown * g, m, v))(random(0))  # noqa: F821


@pytest.mark.skipif(INTERPRETED, reason="Python can do it")
def test_what_numba_cannot_compile_is_refused_by_name_and_touches_nothing():
    class Wrong(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1):
            return (lr,)

        @staticmethod
        def update(p, g, /, lr):
            return p - lr * g * len(type(g).__name__)

    params = [random(0), random(1).astype(np.float32)]
    opt = Wrong(params)
    with pytest.raises(TypeError, match=r"Wrong.update: Numba cannot compile it"):
        opt.step([random(2), random(3).astype(np.float32)])
    assert opt.t == 0
    np.testing.assert_array_equal(params[0], random(0))


def test_an_optimizer_without_update_or_coefficients_is_refused_by_name():
    for missing in ("update", "coefficients"):
        body = {"update": staticmethod(lambda p, g, /: p), "coefficients": staticmethod(lambda t: ())}
        del body[missing]
        with pytest.raises(TypeError, match=f"Wrong: expected .*{missing}"):
            type("Wrong", (fa.Optimizer,), body)
