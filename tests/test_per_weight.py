"""Arrays by weight: `per_weight` with rates and bounds."""

import copy
import pickle

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from conftest import SIMULATED, for_maintainers
from layouts import DENSE, GAPPY, SIZE, bits, numbers, place
from runs import normal

import fastadapt as fa
from fastadapt.reference import Reference

N = 300
SMALL = [{"state_bits": size, "min_quantized_size": 0, "seed": 3} for size in (16, 8)]


def arrays(dtype, n=N):
    """Rates, 0 and 1 among them, and bounds that some weights lie beyond."""
    rng = np.random.default_rng(5)
    rates = rng.choice([0.0, 0.25, 1.0, 1.5], n)
    return {name: a.astype(dtype) for name, a in (("lr", rates), ("lower", -rng.random(n)), ("upper", rng.random(n)))}


def chosen(dtype, names):
    return {name: array for name, array in arrays(dtype).items() if name in names}


def after(p, new, by_weight, dtype):
    """What the weights are after a step in which the rule made `new` of `p`, from the definition."""
    if "lr" in by_weight:
        s = by_weight["lr"]
        new = np.where(s == 0, p, np.where(s == 1, new, p + s * (new - p)))
    new = np.maximum(new, by_weight.get("lower", dtype(-np.inf)))
    return np.minimum(new, by_weight.get("upper", dtype(np.inf)))


EVERY = ("lr", "lower", "upper")
CASES = [(fa.Adam, np.float32, {}, ("lr",)), (fa.Adam, np.float32, {}, EVERY)]
CASES += for_maintainers(*((fa.Adam, np.float32, {}, names) for names in (("lower",), ("upper",))))
CASES += for_maintainers(
    (fa.Adam, np.float32, SMALL[1], EVERY), (fa.AMSGrad, np.float64, {}, EVERY), (fa.Adam, np.float32, SMALL[0], EVERY)
)
CASES += for_maintainers(*((cls, np.float32, {}, EVERY) for cls in ([fa.SGD] if SIMULATED else OPTIMIZERS)))
CASES += for_maintainers((fa.RMSProp, np.float64, SMALL[1], EVERY), (fa.AdaGrad, np.float64, SMALL[0], ("lr",)))


@pytest.mark.parametrize(("cls", "dtype", "held", "names"), CASES)
def test_a_step_moves_each_weight_by_its_rate_and_within_its_bounds(cls, dtype, held, names, device):
    """The state knows nothing of either: it is that of a step without, from the same weights."""
    by_weight = chosen(dtype, names)
    hyper = {"lr": 0.3, "weight_decay": 0.1, **held}
    p, q = device.array(normal(0).astype(dtype)), device.array(normal(0).astype(dtype))
    opt = cls(p, **hyper, per_weight={name: device.array(a.copy()) for name, a in by_weight.items()})
    free = cls(q, **hyper)
    for k in range(4):
        g = normal(k + 1).astype(dtype)
        before = device.numpy(p).copy()
        opt.step(device.array(g))
        free.step(device.array(g))
        found, expected = device.numpy(p), after(before, device.numpy(q), by_weight, dtype)
        np.testing.assert_allclose(found, expected, rtol=0, atol=4 * np.finfo(dtype).eps * np.abs(before).max())
        exact = np.isin(by_weight.get("lr", np.ones(N)), (0, 1))
        assert bits(found[exact]) == bits(expected[exact])
        kept, q = free.state_dict(), device.array(found.copy())
        free = cls(q, **hyper)
        free.load_state_dict(kept)
    for name in opt.state:
        assert bits(device.numpy(opt.state[name])) == bits(device.numpy(free.state[name]))


@pytest.mark.parametrize("held", [{}, *for_maintainers(*SMALL)], ids=["32", "16", "8"])
def test_all_that_a_pass_does_goes_together_as_in_the_reference(held, device):
    dtype = np.float64
    p = [device.array(normal(0).astype(dtype)), device.array(normal(1).astype(dtype))]
    q = [normal(0).astype(dtype), normal(1).astype(dtype)]
    by_weight = {name: [array, None if name == "lr" else array] for name, array in arrays(dtype).items()}
    how = {"lr": 0.1, "lower": -0.6, "average": "ema", "average_decay": 0.8, "weight_decay": 0.1, "decoupled": True}
    mine = {name: [a if a is None else device.array(a) for a in both] for name, both in by_weight.items()}
    opt, reference = fa.Adam(p, **how, **held, per_weight=mine), Reference("Adam", q, **how, per_weight=by_weight)
    for k in range(5):
        grads = [normal(2 * k + 2).astype(dtype), None if k == 1 else normal(2 * k + 3).astype(dtype)]
        opt.step([g if g is None else device.array(g) for g in grads], max_norm=5.0)
        norm = np.sqrt(sum((g**2).sum() for g in grads if g is not None))
        reference.step(grads, min(1.0, 5.0 / norm))
    error = 1e-12 if not held else 0.1  # of states that are rounded
    for found, expected in zip((*p, *opt.averaged), (*q, *reference.averaged), strict=True):
        np.testing.assert_allclose(device.numpy(found), expected, rtol=0, atol=error)


def test_arrays_are_changed_in_place_between_steps():
    p, rates, top = np.zeros(3, np.float32), np.ones(3, np.float32), np.full(3, 9, np.float32)
    opt = fa.SGD(p, lr=1.0, per_weight={"lr": rates, "upper": top})
    opt.step(np.full(3, -1, np.float32))
    rates[:] = 0, 2, 1
    top[2] = 0.5
    opt.step(np.full(3, -1, np.float32))
    assert p.tolist() == [1.0, 3.0, 0.5]
    assert opt.per_weight["lr"] is rates


def test_a_weight_of_rate_zero_stays_whatever_its_rule_makes_of_it(device):
    p = device.array(np.array([1.0, 2.0], np.float32))
    opt = fa.SGD(p, lr=1.0, per_weight={"lr": device.array(np.array([0, 1], np.float32))})
    opt.step(device.array(np.array([np.nan, 1.0], np.float32)))
    assert device.numpy(p).tolist() == [1.0, 1.0]


def test_bounds_by_weight_come_after_those_of_all_and_nan_is_none(device):
    low = np.array([np.nan, 2.0, -3.0], np.float32)
    p = device.array(np.zeros(3, np.float32))
    opt = fa.SGD(p, lr=1.0, upper=1.0, per_weight={"lower": device.array(low)})
    opt.step(device.array(np.array([9.0, 0.0, 9.0], np.float32)))
    assert device.numpy(p).tolist() == [-9.0, 2.0, -3.0]


FORMS = {
    "tree": lambda low: {"layer": {"W": low, "b": None}, "c": None},
    "names": lambda low: {"layer.W": low},
    "pattern": lambda low: {"*.W": low},
    "function": lambda low: {lambda name, p: p.ndim == 2: low},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_arrays_are_given_as_a_tree_or_by_patterns(form, device):
    p = {"layer": {"W": np.zeros((2, 3), np.float32), "b": np.zeros(3, np.float32)}, "c": np.zeros(1, np.float32)}
    p = {"layer": {name: device.array(a) for name, a in p["layer"].items()}, "c": device.array(p["c"])}
    low = device.array(np.full((2, 3), -0.5, np.float32))
    opt = fa.SGD(p, lr=1.0, per_weight={"lower": form(low)})
    ones = {"layer": {"W": np.ones((2, 3), np.float32), "b": np.ones(3, np.float32)}, "c": np.ones(1, np.float32)}
    opt.step({"layer": {name: device.array(a) for name, a in ones["layer"].items()}, "c": device.array(ones["c"])})
    assert (device.numpy(p["layer"]["W"]) == -0.5).all()
    assert (device.numpy(p["layer"]["b"]) == -1).all()
    assert (device.numpy(p["c"]) == -1).all()
    assert opt.per_weight == {"lower": {"layer": {"W": low, "b": None}, "c": None}}


@pytest.mark.parametrize("held", [{}, *for_maintainers(SMALL[1])], ids=["32", "8"])
@pytest.mark.parametrize("name", DENSE)
def test_an_array_is_read_in_the_order_of_its_parameter(name, held, device):
    (_, p), (_, low) = (
        place(device, base, DENSE[name](base)) for base in (numbers(SIZE, np.float32, k) for k in (0, 1))
    )
    start, bound = DENSE[name](numbers(SIZE, np.float32, 0)), DENSE[name](numbers(SIZE, np.float32, 1))
    g = numbers(start.shape, np.float32, 2)
    q = np.array(start, order="C")
    fa.SGD([p], lr=0.5, momentum=0.9, **held, per_weight={"lower": [low]}).step([device.array(g)])
    fa.SGD([q], lr=0.5, momentum=0.9, per_weight={"lower": [np.array(bound, order="C")]}).step([g])
    assert device.name != "cpu" or bits(p) == bits(q)
    np.testing.assert_array_equal(q, np.maximum(start - np.float32(0.5) * g, bound))


@pytest.mark.parametrize("name", GAPPY)
def test_beside_a_parameter_with_gaps_it_is_c_ordered(name):
    p = GAPPY[name](numbers(SIZE, np.float32, 0))
    low, start, g = numbers(p.shape, np.float32, 1), p.copy(), numbers(p.shape, np.float32, 2)
    opt = fa.SGD([p], lr=0.5, per_weight={"lower": [low]})
    opt.step([g])
    np.testing.assert_array_equal(p, np.maximum(start - np.float32(0.5) * g, low))
    twin = copy.deepcopy(opt)
    twin.step([g])
    opt.step([g])
    np.testing.assert_array_equal(twin.params[0], p)


@pytest.mark.parametrize("held", [{}, *for_maintainers(SMALL[1])], ids=["32", "8"])
def test_where_an_array_begins_changes_nothing(held, device):
    """A GPU moves 16 bytes at once only where all arrays begin at a multiple of 16."""
    found = []
    for offset in (0, 1):
        base = np.zeros(N + 1, np.float32)
        base[offset : offset + N] = arrays(np.float32)["lr"]
        _, rates = place(device, base, base[offset : offset + N])
        p = device.array(normal(0))
        opt = fa.Adam(p, lr=0.1, **held, per_weight={"lr": rates})
        for k in range(2):
            opt.step(device.array(normal(k + 1)))
        found.append(bits(device.numpy(p)))
    assert found[0] == found[1]


def test_copies_have_arrays_of_their_own_and_checkpoints_none():
    p = {"w": normal(0), "b": normal(1)}
    rates = arrays(np.float32)["lr"]
    opt = fa.Adam(p, lr=0.1, per_weight={"lr": {"w": rates, "b": None}})
    g = {"w": normal(2), "b": normal(3)}
    opt.step(g)
    rates[7] = -1.0  # which was refused when it was made
    assert not any("per_weight" in str(key) for key in opt.state_dict())
    twins = [copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]
    shallow = copy.copy(opt)
    assert shallow.per_weight["lr"]["w"] is rates
    assert shallow.params["w"] is p["w"]
    opt.step(g)
    for twin in twins:
        assert twin.per_weight["lr"]["w"] is not rates
        twin.step(g)
        assert bits(twin.params["w"]) == bits(p["w"])
        twin.per_weight["lr"]["w"][:] = 0
        before = bits(twin.params["w"])
        twin.step(g)
        assert bits(twin.params["w"]) == before
    other = fa.Adam(p, lr=0.1)
    other.load_state_dict(opt.state_dict())
    assert other.per_weight == {}


def test_what_does_not_fit_is_refused_by_name():
    p = {"w": np.zeros((4, 5), np.float32), "b": np.zeros(3, np.float32)}
    good = np.zeros((4, 5), np.float32)

    def refused(error, said, **given):
        with pytest.raises(error, match=said):
            fa.Adam(p, per_weight=given)

    refused(
        TypeError,
        r"per_weight\['lower'\]\[\"w\"\]: expected a NumPy array, as params\[\"w\"\], not float",
        lower={"w": 1.0},
    )
    refused(
        TypeError,
        r"per_weight\['lr'\]\[\"w\"\]: expected an array of float32, as params.*not float64",
        lr={"w": good.astype(float)},
    )
    refused(
        ValueError,
        r"per_weight\['upper'\]\[\"w\"\]: expected shape \(4, 5\), as params.*, not \(5, 4\)",
        upper={"w": good.reshape(5, 4)},
    )
    refused(
        ValueError,
        r"per_weight\['upper'\]\[\"w\"\]: expected strides \(20, 4\), .*, not \(4, 16\)",
        upper={"w": np.asfortranarray(good)},
    )
    refused(
        ValueError,
        r"per_weight\['lower'\]\[\"w\"\]: expected an array that shares no memory with params\[\"w\"\]",
        lower={"w": p["w"]},
    )
    for wrong in (-1.0, np.nan, np.inf):
        refused(
            ValueError,
            rf"per_weight\['lr'\]\[\"w\"\]: expected rates from 0 on, and finite, not {wrong}",
            lr={"w": good + np.float32(wrong)},
        )
    refused(
        ValueError,
        r"per_weight\['lower'\]\[\"w\"\]: expected bounds no more than the upper ones, not 1.0 and 0.0 at \[0, 0\]",
        lower={"w": good + 1},
        upper={"w": good},
    )
    refused(ValueError, "per_weight: expected some of 'lr', 'lower', 'upper', not 'eps'", eps={"w": good})
    refused(
        ValueError,
        r"per_weight\['lr'\]: expected 'v' to match an array that no earlier pattern took, of w, b",
        lr={"v": good},
    )
    refused(ValueError, r"per_weight\['lr'\]\[\"b\"\]: expected shape \(3,\)", lr={"*": good})
    refused(TypeError, r"per_weight\['lr'\]: expected a dict, as in params, not float", lr=0.5)
    with pytest.raises(TypeError, match=r"per_weight: expected a dict with some of 'lr', 'lower', 'upper', not 0.5"):
        fa.Adam(p, per_weight=0.5)
    with pytest.raises(AttributeError, match="per_weight cannot be assigned"):
        fa.Adam(p).per_weight = {}
