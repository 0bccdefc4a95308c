"""Complex parameters: to the bit what the same rule makes of their real and imaginary parts."""

import copy
import pickle

import numpy as np
import pytest
from catalogue import ADAM, CASES, IDS, OPTIMIZERS
from conftest import SLOW, for_maintainers
from layouts import LAYOUTS, SIZE, bits, place

import fastadapt as fa
from fastadapt.layout import parts_of

COMPLEX = np.ones(3, np.complex64)
SMALL = {"min_quantized_size": 1}
STEPS = 1 if SLOW else 3


def numbers(shape, dtype, seed):
    """Complex numbers with parts of either sign."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


def pair(device, of, dtype):
    """A complex parameter of a layout on the device, and its parts elsewhere, each with what it is a view of."""
    base = numbers(SIZE, dtype, 0)
    twin = parts_of(base.copy())
    return place(device, base, of(base)), place(device, twin, parts_of(of(twin.view(dtype)[:, 0])))


def assert_same(device, opt, other):
    """All that two optimizers have is the same to the bit, the one's of complex numbers and the other's of parts."""
    assert opt.state.keys() == other.state.keys()
    for name, state in opt.state.items():
        found = device.numpy(state)
        assert found.dtype.kind == "c"
        assert bits(parts_of(found)) == bits(device.numpy(other.state[name]))


@pytest.mark.parametrize("hyper", [{}, *for_maintainers({"state_bits": 16}), {"state_bits": 8}], ids=["32", "16", "8"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_parameter_of_any_layout_is_updated_as_its_parts(device, name, hyper):
    (whole, p), (other_whole, q) = pair(device, LAYOUTS[name], np.complex64)
    opt, other = (fa.Adam(each, **ADAM, **SMALL, **hyper) for each in (p, q))
    for t in range(STEPS):
        g = numbers(p.shape, np.complex64, t + 1)
        opt.step(device.array(g), max_norm=0.5)
        other.step(device.array(parts_of(g)), max_norm=0.5)
    assert bits(device.numpy(whole)) == bits(device.numpy(other_whole))
    assert_same(device, opt, other)
    assert opt.grad_norm == other.grad_norm


@pytest.mark.parametrize("of_g", ["transposed", "columns reversed", "every second"])
@pytest.mark.parametrize("g_dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_a_gradient_of_any_layout_is_read_as_its_parts(device, dtype, g_dtype, of_g):
    base = numbers(SIZE, g_dtype, 1)
    view = LAYOUTS[of_g](base)
    p = numbers(view.shape, dtype, 0)
    p, q = device.array(p), device.array(parts_of(p.copy()))
    fa.Adam(p, **ADAM).step(place(device, base, view)[1])
    fa.Adam(q, **ADAM).step(device.array(parts_of(view.copy("C"))))
    assert bits(device.numpy(p)) == bits(device.numpy(q))


def test_a_gradient_of_the_other_byte_order_is_read():
    p, q, g = COMPLEX.copy(), COMPLEX.copy(), numbers(3, np.complex64, 1)
    fa.Adam(p).step(g.astype(g.dtype.newbyteorder()))
    fa.Adam(q).step(g)
    assert bits(p) == bits(q)


@pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
def test_every_rule_steps_as_with_parts(cls, hyper):
    p = numbers(300, np.complex64, 0)
    q = parts_of(p.copy())
    opt, other = cls(p, **hyper), cls(q, **hyper)
    for t in range(STEPS):
        g = numbers(300, np.complex64, t + 1)
        opt.step(g)
        other.step(parts_of(g))
    assert bits(p) == bits(q)
    assert opt.scalars == other.scalars


def test_the_average_is_complex():
    p = numbers(300, np.complex128, 0)
    q = parts_of(p.copy())
    opt, other = fa.SGD(p, average="ema"), fa.SGD(q, average="ema")
    for t in range(STEPS):
        g = numbers(300, np.complex128, t + 1)
        opt.step(g)
        other.step(parts_of(g))
    assert bits(opt.averaged) == bits(other.averaged)
    assert opt.averaged.dtype == np.complex128


def test_every_rule_is_in_the_test():
    assert {cls for cls, _ in CASES} == set(OPTIMIZERS)


def test_complex_and_real_arrays_step_together_with_one_norm():
    tree = {"z": np.ones(3, np.complex64), "x": np.ones(2, np.float32)}
    opt = fa.SGD(tree, lr=1.0, max_norm=1.0)
    opt.step({"z": np.full(3, 3 + 4j, np.complex64), "x": np.zeros(2, np.float32)})
    assert opt.grad_norm == pytest.approx(np.sqrt(75))
    np.testing.assert_allclose(tree["z"], 1 - (3 + 4j) / np.sqrt(75), rtol=1e-6)
    opt.step({"z": None, "x": np.ones(2, np.float32)})
    assert opt.counts == {"z": 1, "x": 2}


def test_a_limit_of_value_clips_the_parts():
    p = np.zeros(1, complex)
    fa.SGD(p, lr=1.0, max_value=0.5).step(np.array([3 - 0.25j]))
    assert p[0] == -0.5 + 0.25j


def test_the_state_is_a_view_of_complex_numbers():
    p = np.zeros((2, 3), np.complex64)
    opt = fa.Adam(p, beta1=0.5)
    opt.state["m"][...] = 2 + 4j
    opt.step(np.zeros((2, 3), np.complex64))
    assert (opt.state["m"] == 1 + 2j).all()


def test_checkpoints_hold_parts_and_are_those_of_the_real_view(tmp_path):
    p = numbers((5, 4), np.complex64, 0)
    q = parts_of(p.copy())
    opt, other = fa.Adam(p, **ADAM), fa.Adam(q, **ADAM)
    g = numbers((5, 4), np.complex64, 1)
    opt.step(g)
    other.step(parts_of(g))
    opt.save(tmp_path / "a.npz")
    fresh = fa.Adam(p.copy(), **ADAM)
    fresh.load(tmp_path / "a.npz")
    assert bits(fresh.state["v"]) == bits(opt.state["v"])
    assert bits(opt.state_dict()["state"]["m"]) == bits(other.state_dict()["state"]["m"])


@pytest.mark.parametrize("hyper", [{}, {"state_bits": 8, **SMALL}])
def test_copies_and_pickles_go_on(hyper):
    p, g = np.asfortranarray(numbers((5, 4), np.complex64, 0)), numbers((5, 4), np.complex64, 1)
    opt = fa.Adam(p, **ADAM, **hyper, per_weight={"lr": np.full((5, 4), 0.5, np.float32)})
    opt.step(g)
    made = copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))
    for each in (opt, *made):
        each.step(g)
    assert bits(made[0].params) == bits(made[1].params) == bits(p)


def test_rates_by_weight_have_the_complex_shape_and_may_change_in_place(device):
    p = device.array(np.zeros((2, 2), np.complex64))
    host = np.array([[0, 1], [0.5, 2]], np.float32)
    rates, moved = device.array(host.copy()), -host * (1 - 2j)
    opt = fa.SGD(p, lr=1.0, per_weight={"lr": rates})
    g = device.array(np.full((2, 2), 1 - 2j, np.complex64))
    opt.step(g)
    np.testing.assert_array_equal(device.numpy(p), moved)
    rates[...] = np.zeros((2, 2), np.float32)
    opt.step(g)
    np.testing.assert_array_equal(device.numpy(p), moved)


@pytest.mark.parametrize(
    ("g", "kind", "message"),
    [
        (np.ones(3, np.float32), TypeError, "complex64 or complex128, for a parameter of complex64, not float"),
        (np.ones(2, np.complex64), ValueError, r"expected gradient of shape \(3,\), not \(2,\)"),
        (np.ones((3, 2), np.float32), TypeError, "not float32"),
        (np.ones(3, int), TypeError, "not int64"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused_by_name(g, kind, message):
    p = [COMPLEX.copy()]
    opt = fa.Adam(p)
    with pytest.raises(kind, match=r"^params\[0\]: .*" + message):
        opt.step([g])
    assert opt.t == 0
    assert bits(p[0]) == bits(COMPLEX)


def test_a_complex_gradient_of_a_real_parameter_is_refused_with_both_dtypes():
    with pytest.raises(TypeError, match="for a parameter of float32, not complex128"):
        fa.Adam(np.ones(3, np.float32)).step(np.ones(3, complex))


def test_a_gradient_that_is_not_finite_is_named_by_its_place():
    with pytest.raises(ValueError, match=r"not nanj at \[1, 0\]"):
        fa.Adam(np.ones((2, 1), complex), nonfinite="raise").step(np.array([[1], [complex(0, np.nan)]]))


def test_bounds_are_refused():
    with pytest.raises(ValueError, match="no lower and upper for parameters of complex64"):
        fa.Adam(COMPLEX.copy(), lower=0)
    opt = fa.Adam({"z": COMPLEX.copy(), "x": np.ones(2)}, groups={"x": {"lower": 0}})
    with pytest.raises(ValueError, match="no lower and upper"):
        opt.upper = 1.0
    with pytest.raises(ValueError, match=r"per_weight\['upper'\]: expected none .* complex"):
        fa.Adam(COMPLEX.copy(), per_weight={"upper": np.ones(3, np.float32)})


@pytest.mark.parametrize(
    ("rates", "kind", "message"),
    [
        (np.ones((3, 2), np.float32), ValueError, r"expected shape \(3,\)"),
        (np.ones(3), TypeError, "an array of float32, the parts of params, not float64"),
        (np.ones(3, np.complex64), TypeError, "not complex64"),
        (np.full(3, -1, np.float32), ValueError, "expected rates from 0 on"),
    ],
)
def test_rates_that_do_not_fit_are_refused(rates, kind, message):
    with pytest.raises(kind, match=message):
        fa.Adam(COMPLEX.copy(), per_weight={"lr": rates})


def test_a_parameter_that_has_changed_is_noticed():
    p = np.ones((2, 3), complex)
    opt, g = fa.Adam(p), np.ones((2, 3), complex)
    opt.step(g)
    p.flags.writeable = False
    with pytest.raises(ValueError, match="params: expected a writeable array"):
        opt.step(g)


def test_flat_buffers_are_complex():
    tree = {"a": numbers((2, 3), np.complex64, 0), "b": numbers(2, np.complex64, 1)}
    flat, views = fa.flatten(tree)
    assert flat.dtype == np.complex64
    assert bits(views["a"]) == bits(tree["a"])
    views["b"][...] = 1j
    assert (flat[6:] == 1j).all()


def test_minimize_finds_a_complex_point():
    target = numbers((3, 2), np.complex128, 0)

    def fun(z, _weight=2.0):
        return _weight * np.sum(abs(z - target) ** 2), 2 * _weight * (z - target)

    found = fa.minimize(fun, np.zeros((3, 2), complex), fa.Adam, lr=0.05, check=True, maxiter=3000)
    assert found.success
    np.testing.assert_allclose(found.x, target, atol=1e-5)
    wrong = fa.check_gradient(lambda z: (fun(z)[0], np.conj(fun(z)[1])), np.zeros((3, 2), complex))
    assert wrong.largest > 0.5
    assert wrong[""].place[-1] == 1  # the imaginary part is the one that is wrong
    assert fa.check_gradient(fun, target * 2).largest < 1e-6


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"bounds": (0, 1)}, ValueError, "bounds: expected none where x0 is complex"),
        ({"fun": lambda z: (0.0, np.ones(2))}, TypeError, "expected complex numbers, for an array of complex128"),
    ],
)
def test_minimize_refuses_what_complex_points_have_not(given, kind, message):
    given = {"fun": lambda z: (0.0, z)} | given
    with pytest.raises(kind, match=message):
        fa.minimize(given.pop("fun"), np.ones(2, complex), fa.Adam, **given)
