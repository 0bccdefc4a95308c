"""A user's `@njit` code calls the functions of every rule, and gets what `step` gets."""

import numpy as np
import pytest
from catalogue import OFF_DEFAULT, OPTIMIZERS
from combining import Combining
from conftest import INTERPRETED, for_maintainers
from numba import njit, prange
from numba.core.errors import TypingError
from runs import KERNEL_IDS, KERNELS

import fastadapt as fa

N = 300
STEPS = 3
RULES = [(cls, rule) for cls in OPTIMIZERS for rule in cls.rules.values() if not (rule.sums or rule.terms)]
"""Those that need no sums: see test_reductions.py."""
RULE_IDS = [f"{cls.__name__}.{rule.name}" for cls, rule in RULES]
every_rule = pytest.mark.parametrize(("cls", "rule"), RULES, ids=RULE_IDS)
KINDS = [
    (cls, cls.rules[frozenset(name for name in cls.declaration.switches if hyper.get(name))]) for cls, hyper in KERNELS
]
USUAL = "SGD-momentum-nesterov", "Adam", "NAdam"
every_kind = pytest.mark.parametrize(
    ("cls", "rule"),
    [
        pytest.param(*kind, id=name, marks=() if name in USUAL else pytest.mark.maintainer)
        for kind, name in zip(KINDS, KERNEL_IDS, strict=True)
    ],
)
NONE = {"scale": 1.0, "decay": 0.0, "keep": 1.0}
"""What a kernel takes where nothing is scaled or decays."""

REFUSED = (TypingError, TypeError, ValueError)
"""`TypingError` from the compiler, the others where the code runs as Python."""


def random(seed, shape=N, dtype=np.float32):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def hyperparameters(cls, rule):
    """Those of `coefficients` off their defaults that choose this rule."""
    (switched,) = (switches for switches, found in cls.rules.items() if found is rule)
    for hyper in OFF_DEFAULT[cls.__name__]:
        if {name for name in cls.declaration.switches if hyper.get(name)} == switched:
            return {name: value for name, value in hyper.items() if name in cls.declaration.names}
    raise AssertionError(f"{cls.__name__}.{rule.name}: expected hyperparameters for it in the catalogue")


def kernel_of(cls, rule):
    return getattr(cls, rule.name.replace("update", "kernel"))


def take_steps(cls, hyper, dtype=np.float32):
    """The weights and the state, by name, after a few steps of the optimizer."""
    p = random(0, dtype=dtype)
    opt = cls(p, weight_decay=0.0, **hyper)
    for t in range(1, STEPS + 1):
        opt.step(random(t, dtype=dtype))
    return p, opt.state


def write_loop(update, states):
    """A user's loop over the weights, with this many arrays of state."""
    names = [f"s{k}" for k in range(states)]
    items = [f"{name}[i]" for name in names]
    source = f"""
def loop({", ".join(["p", "g", *names])}, coef):
    for i in range(p.size):
        {", ".join(["p[i]", *items])} = update({", ".join(["p[i]", "g[i]", *items])}, *coef)
"""
    namespace = {"update": update}
    exec(source, namespace)
    return njit(error_model="numpy")(namespace["loop"])


@every_rule
def test_update_in_a_users_loop_takes_the_steps_of_the_optimizer(cls, rule):
    hyper = hyperparameters(cls, rule)
    expected, state = take_steps(cls, hyper)
    loop, coefficients = write_loop(getattr(cls, rule.name), len(rule.states)), Combining(cls, rule, hyper)
    p, *s = [random(0)] + [np.zeros(N, np.float32) for _ in rule.states]
    for t in range(1, STEPS + 1):
        # Rounded to float32 as `step` rounds them, so that the bits are the same.
        loop(p, random(t), *s, tuple(np.float32(c) for c in coefficients.at(t, [])))
    np.testing.assert_array_equal(p, expected)
    for name, array in zip(rule.states, s, strict=True):
        np.testing.assert_array_equal(array, state[name], err_msg=name)


@every_kind
def test_update_with_float64_coefficients_is_as_near_as_float32_allows(cls, rule):
    hyper = hyperparameters(cls, rule)
    expected, _ = take_steps(cls, hyper)
    loop = write_loop(getattr(cls, rule.name), len(rule.states))
    p, *s = [random(0)] + [np.zeros(N, np.float32) for _ in rule.states]
    for t in range(1, STEPS + 1):
        loop(p, random(t), *s, cls.coefficients(t, **hyper))
    # It computes in float64 and rounds what it stores: less than 16 roundings of numbers up to 4 are gained a step.
    np.testing.assert_allclose(p, expected, rtol=1e-5, atol=STEPS * 16 * 4 * 2**-24)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_coefficients_with_keywords_in_compiled_code_are_those_of_python(cls):
    names = cls.declaration.names[: cls.declaration.count]
    hyper = {name: (cls.defaults | OFF_DEFAULT[cls.__name__][-1])[name] for name in names}
    # A keyword that is left out stands for its default: here, the last.
    given = dict(list(hyper.items())[:-1])
    namespace = {"coefficients": cls.coefficients}
    exec(
        f"""
def compiled(t):
    return coefficients(t, {", ".join(f"{name}={value!r}" for name, value in given.items())})
""",
        namespace,
    )
    compiled = njit(namespace["compiled"])
    for t in (1, 2, 7, 100, 100_000):
        # Numba's power of an integer multiplies, with up to 2 * log2(t) roundings of 2**-53, where Python's has one;
        # `1 - beta2**t` then magnifies them by at most a thousand, and RAdam's products of four such by as much again.
        np.testing.assert_allclose(compiled(t), cls.coefficients(t, **given), rtol=1e-10, atol=1e-300)


def test_coefficients_in_compiled_code_take_their_hyperparameters_in_order():
    coefficients = fa.SGD.coefficients
    compiled = njit(lambda t, lr, momentum, dampening: coefficients(t, lr, momentum, dampening))
    assert compiled(2, 0.5, 0.25, 0.125) == fa.SGD.coefficients(2, lr=0.5, momentum=0.25, dampening=0.125)


@every_kind
def test_the_kernel_in_compiled_code_and_from_python_takes_the_steps_of_the_optimizer(cls, rule):
    hyper, kernel = hyperparameters(cls, rule), kernel_of(cls, rule)

    @njit
    def compiled(p, g, state, coef):
        kernel(p, g, state, coef)

    expected, states = take_steps(cls, hyper)
    for call in (kernel, compiled):
        p, s = random(0), tuple(np.zeros(N, np.float32) for _ in rule.states)
        for t in range(1, STEPS + 1):
            call(p, random(t), s, cls.coefficients(t, **hyper))
        np.testing.assert_array_equal(p, expected)
        for name, array in zip(rule.states, s, strict=True):
            np.testing.assert_array_equal(array, states[name], err_msg=name)


@pytest.mark.maintainer
def test_scale_decay_and_keep_of_a_kernel_are_those_of_the_optimizer():
    kernel = fa.Lion.kernel

    @njit
    def in_order(p, g, m, coef, scale, decay, keep):
        kernel(p, g, (m,), coef, scale, decay, keep)

    @njit
    def by_name(p, g, m, coef, scale, decay, keep):
        kernel(p, g, (m,), coef, keep=keep, scale=scale, decay=decay)

    def from_python(p, g, m, coef, **arguments):
        kernel(p, g, (m,), coef, **{name: value for name, value in arguments.items() if value != NONE[name]})

    for hyper, arguments in (
        ({"maximize": True}, {"scale": -1.0}),
        ({"weight_decay": 0.25, "decoupled": False}, {"decay": 0.25}),
        ({"weight_decay": 0.25}, {"keep": 1 - 0.1 * 0.25}),
    ):
        expected = random(0)
        fa.Lion(expected, lr=0.1, **hyper).step(random(1))
        for call in (in_order, by_name, from_python):
            p, m = random(0), np.zeros(N, np.float32)
            call(p, random(1), m, fa.Lion.coefficients(1, lr=0.1), **(NONE | arguments))
            np.testing.assert_array_equal(p, expected)


def test_a_whole_training_loop_compiles():
    coefficients, update = fa.Adam.coefficients, fa.Adam.update

    @njit
    def train(p, target, steps):
        m, v, loss = np.zeros_like(p), np.zeros_like(p), 0.0
        for t in range(1, steps + 1):
            coef, loss = coefficients(t, lr=0.05), 0.0
            for i in range(p.size):
                loss += (p[i] - target[i]) ** 2
                p[i], m[i], v[i] = update(p[i], 2 * (p[i] - target[i]), m[i], v[i], *coef)
        return loss

    p, target = np.zeros(20), random(1, 20, np.float64)
    loss = train(p, target, 400)
    expected = np.zeros(20)
    opt = fa.Adam(expected, lr=0.05)
    for _ in range(400):
        opt.step(2 * (expected - target))
    assert loss < 1e-4
    # Numba's power and Python's differ by a rounding or two, and minimizing forgets rather than adds them up.
    np.testing.assert_allclose(p, expected, rtol=1e-9, atol=1e-11)


def test_a_user_may_call_kernels_from_threads_of_their_own():
    kernel = fa.Lion.kernel

    @njit(parallel=True)
    def rows(p, g, m, coef):
        for k in prange(p.shape[0]):
            kernel(p[k], g[k], (m[k],), coef)

    p, g, expected = random(0, (16, 257)), random(1, (16, 257)), random(0, (16, 257))
    m = np.zeros_like(p)
    opt = fa.Lion(expected, lr=0.1)
    for t in range(1, STEPS + 1):
        rows(p, g, m, fa.Lion.coefficients(t, lr=0.1))
        opt.step(g)
    np.testing.assert_array_equal(p, expected)
    np.testing.assert_array_equal(m, opt.state["m"])


def test_a_user_may_call_update_from_threads_of_their_own():
    update = fa.Lion.update

    @njit(parallel=True, error_model="numpy")
    def weights(p, g, m, coef):
        for i in prange(p.size):
            p[i], m[i] = update(p[i], g[i], m[i], *coef)

    p, m, expected = random(0, 5000), np.zeros(5000, np.float32), random(0, 5000)
    weights(p, random(1, 5000), m, tuple(map(np.float32, fa.Lion.coefficients(1, lr=0.1))))
    fa.Lion(expected, lr=0.1).step(random(1, 5000))
    np.testing.assert_array_equal(p, expected)


@pytest.mark.parametrize(("dtype", "g_dtype"), for_maintainers(("float32", "float64"), ("float64", "float32")))
def test_the_kernel_in_compiled_code_takes_every_pair_of_types(dtype, g_dtype):
    kernel = fa.Lion.kernel

    @njit
    def compiled(p, g, m, coef):
        kernel(p, g, (m,), coef)

    p, expected, g = random(0, dtype=dtype), random(0, dtype=dtype), random(1, dtype=g_dtype)
    compiled(p, g, np.zeros(N, dtype), fa.Lion.coefficients(1))
    fa.Lion(expected).step(g)
    np.testing.assert_array_equal(p, expected)


def test_the_kernel_in_compiled_code_walks_arrays_with_gaps():
    if INTERPRETED:
        pytest.skip("from Python a kernel takes contiguous arrays only")
    kernel, base = fa.Lion.kernel, random(0, (N, 2))

    @njit
    def compiled(p, g, m, coef):
        kernel(p, g, (m,), coef)

    compiled(base[:, 0], random(1), np.zeros(N, np.float32), fa.Lion.coefficients(1, lr=0.5))
    np.testing.assert_array_equal(base[:, 1], random(0, (N, 2))[:, 1])
    np.testing.assert_array_equal(base[:, 0], random(0, (N, 2))[:, 0] - np.float32(0.5) * np.sign(random(1)))


def test_a_kernel_takes_flat_buffers_of_every_size():
    kernel = fa.Lion.kernel

    @njit
    def compiled(p, g, m, coef):
        kernel(p, g, (m,), coef)

    def from_python(p, g, m, coef):
        kernel(p, g, (m,), coef)

    for n in (0, 1, 7, 255, 257, 1031):
        expected = random(0, n)
        fa.Lion(expected, lr=0.1).step(random(1, n))
        for call in (compiled, from_python):
            p, m = random(0, n), np.zeros(n, np.float32)
            call(p, random(1, n), m, fa.Lion.coefficients(1, lr=0.1))
            np.testing.assert_array_equal(p, expected)


def arrays(**changed):
    """Buffers for Adam's kernel, some of them wrong."""
    return {name: np.ones(3, np.float32) for name in ("p", "g", "m", "v")} | changed


WRONG = {
    "a gradient of another size": arrays(g=np.ones(4, np.float32)),
    "a state of another size": arrays(v=np.ones(2, np.float32)),
    "weights of integers": arrays(p=np.ones(3, np.int64), m=np.ones(3, np.int64), v=np.ones(3, np.int64)),
    "a state of another type than the weights": arrays(m=np.ones(3, np.float64)),
    "a state of integers": arrays(m=np.ones(3, np.int32)),
    "complex gradients": arrays(g=np.ones(3, np.complex64)),
    "gradients of integers": arrays(g=np.ones(3, np.int32)),
    "gradients of unsigned integers, which are no halves": arrays(g=np.ones(3, np.uint16)),
    "gradients of booleans": arrays(g=np.ones(3, bool)),
    "arrays of two dimensions": {name: np.ones((3, 1), np.float32) for name in ("p", "g", "m", "v")},
    "a number for an array": arrays(g=1.0),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("where", ["python", "njit"])
def test_a_kernel_refuses_wrong_arrays_and_touches_none(wrong, where):
    kernel = fa.Adam.kernel

    def call(p, g, m, v, coef):
        kernel(p, g, (m, v), coef)

    with pytest.raises(REFUSED, match=r"expected"):
        (njit(call) if where == "njit" else call)(*wrong.values(), fa.Adam.coefficients(1))
    for name, array in wrong.items():
        np.testing.assert_array_equal(array, 1, err_msg=name)


@pytest.mark.parametrize("where", ["python", "njit"])
def test_a_kernel_refuses_a_wrong_number_of_states_or_coefficients_and_says_how_many(where):
    kernel = fa.Adam.kernel

    def few_states(p, coef):
        kernel(p, p, (p,), coef)

    def few_coefficients(p, coef):
        kernel(p, p, (p, p), coef[1:])

    for call in (few_states, few_coefficients):
        with pytest.raises(REFUSED, match=r"Adam\.kernel.*expected .*(2 arrays|7 coefficients)"):
            (njit(call) if where == "njit" else call)(np.ones(3), fa.Adam.coefficients(1))


def test_an_error_of_coefficients_is_raised_from_compiled_code():
    class Strict(fa.SGD):
        @staticmethod
        def coefficients(t, lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False):
            if dampening > lr:
                raise ValueError("expected less dampening")
            return lr, momentum, 1.0 - dampening

    coefficients = Strict.coefficients

    @njit
    def compiled(t):
        return coefficients(t, dampening=0.5)

    with pytest.raises(ValueError, match="expected less dampening"):
        compiled(1)


@every_rule
def test_update_and_coefficients_stay_functions_of_python(cls, rule):
    hyper = hyperparameters(cls, rule)
    coef = Combining(cls, rule, hyper).at(2, [])
    assert all(isinstance(c, float) for c in coef)
    assert len(coef) == rule.coefs
    new = getattr(cls, rule.name)(1.0, 0.5, *[0.25] * len(rule.states), *coef)
    new = new if isinstance(new, tuple) else (new,)
    assert len(new) == 1 + len(rule.states)
    assert all(isinstance(value, float) for value in new)
