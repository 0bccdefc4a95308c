"""Averages of the weights: `average`, `averaged` and `averaged_weights`."""

import copy
import pickle
import threading

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from conftest import SIMULATED, SLOW, for_maintainers
from layouts import LAYOUTS, SIZE, bits, numbers, place
from runs import normal

import fastadapt as fa
from fastadapt.reference import Reference

N = 300
EACH = [fa.SGD] if SIMULATED else OPTIMIZERS
"""Rules that average alike: which one it is does not matter."""
SMALL = [{"state_bits": size, "min_quantized_size": 0, "seed": 3} for size in (16, 8)]
WAYS = {
    "ema": {"average": "ema", "average_decay": 0.9},
    "warm": {"average": "ema", "average_decay": 0.9, "average_warmup": True},
    "polyak": {"average": "polyak"},
    "late": {"average": "polyak", "average_from": 2},
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def gradients(count=5, n=N, dtype=np.float32):
    return [normal(k + 1, n).astype(dtype) for k in range(count)]


def weights(way, count):
    """The weight of the newest in the average at each step, from the definition; None where it does not begin yet."""
    found = []
    for n in range(-way.get("average_from", 0), count):
        decay = min(way.get("average_decay", 0.999), (1 + n) / (10 + n)) if way.get("average_warmup") else 0.9
        found.append(None if n < 0 else 1 / (n + 1) if n == 0 or way["average"] == "polyak" else 1 - decay)
    return found[:count]


CASES = [(fa.Adam, np.float32, {})]
CASES += for_maintainers((fa.AMSGrad, np.float64, {}), *((fa.Adam, np.float32, small) for small in SMALL))
CASES += for_maintainers(*((cls, np.float32, {}) for cls in EACH), (fa.RMSProp, np.float64, SMALL[1]))


@pytest.mark.parametrize(("cls", "dtype", "held"), CASES)
@every_way
def test_the_weights_are_as_without_and_their_average_is_as_defined(cls, dtype, held, way, device):
    start = normal(0).astype(dtype)
    p, q = device.array(start.copy()), device.array(start.copy())
    opt, other = cls(p, lr=0.1, upper=0.5, **held, **way), cls(q, lr=0.1, upper=0.5, **held)
    a = None
    for g, w in zip(gradients(dtype=dtype), weights(way, 5), strict=True):
        opt.step(device.array(g), 0.5)
        other.step(device.array(g), 0.5)
        new = device.numpy(p).astype(float)
        assert bits(device.numpy(p)) == bits(device.numpy(q))
        a = new if w is None or w == 1 else (1 - w) * a + w * new
        # Rounded are w, the difference, the product and the sum, at every step.
        error = 4 * 5 * np.finfo(dtype).eps * (np.abs(a).max() + np.abs(new).max())
        np.testing.assert_allclose(device.numpy(opt.averaged), a, rtol=0, atol=error)
        if w is None or w == 1:
            assert bits(device.numpy(opt.averaged)) == bits(device.numpy(p))


@every_way
@pytest.mark.parametrize("cls", [fa.Adam, fa.SGD], ids=lambda cls: cls.__name__)
def test_the_average_is_that_of_the_reference(cls, way):
    p, q = [normal(0).astype(float), normal(1).astype(float)], [normal(0).astype(float), normal(1).astype(float)]
    opt, reference = cls(p, lr=0.1, lower=-1.0, **way), Reference(cls.__name__, q, lr=0.1, lower=-1.0, **way)
    for k, g in enumerate(gradients(dtype=np.float64)):
        grads = [g, None if k in (0, 3) else -g]
        opt.step(grads)
        reference.step(grads)
        for mine, theirs in zip(opt.averaged, reference.averaged, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_an_average_of_weights_that_stay_is_what_they_are(device):
    p = device.array(np.full(N, 0.1, np.float32))
    opt = fa.SGD(p, lr=0.1, average="ema", average_decay=0.3)
    for _ in range(20):
        opt.step(device.array(np.zeros(N, np.float32)))
    assert (device.numpy(opt.averaged) == np.float32(0.1)).all()


def test_the_first_average_does_not_look_at_what_was_there_before(device):
    p = device.array(np.array([-0.0, np.nan, 1.0, 2.0], np.float32))
    opt = fa.SGD(p, lr=0.1, average="polyak")
    for _ in range(2):
        opt.step(device.array(np.zeros(4, np.float32)))
        assert bits(device.numpy(opt.averaged)[:1]) == bits(np.array([-0.0], np.float32))
        opt.zero_state()
    opt.step(device.array(np.ones(4, np.float32)))
    assert bits(device.numpy(opt.averaged)) == bits(device.numpy(p))


def test_before_the_first_averaged_step_the_average_is_the_parameter_itself(device):
    p = {"w": device.array(normal(0)), "b": device.array(normal(1))}
    opt = fa.SGD(p, average="ema", groups={"b": {"average": None}})
    assert opt.averaged["w"] is p["w"]
    opt.step({name: device.array(normal(2)) for name in p})
    assert opt.averaged["w"] is not p["w"]
    assert opt.averaged["b"] is p["b"]
    opt.zero_state()
    assert opt.averaged["w"] is p["w"]


def test_the_average_of_an_array_without_a_gradient_waits(device):
    p, q = [device.array(normal(k)) for k in range(2)], [device.array(normal(1))]
    opt, alone = fa.Adam(p, lr=0.1, average="polyak"), fa.Adam(q, lr=0.1, average="polyak")
    for k, g in enumerate(gradients()):
        opt.step([device.array(g), None if k in (0, 2) else device.array(g)])
        if k not in (0, 2):
            alone.step([device.array(g)])
    assert bits(device.numpy(opt.averaged[1])) == bits(device.numpy(alone.averaged[0]))


def test_a_skipped_step_averages_nothing(device):
    p = device.array(normal(0))
    opt = fa.Adam(p, lr=0.1, average="polyak", nonfinite="skip")
    opt.step(device.array(normal(1)))
    before = bits(device.numpy(opt.averaged))
    opt.step(device.array(np.full(N, np.nan, np.float32)))
    assert bits(device.numpy(opt.averaged)) == before
    first = device.numpy(p).astype(float)
    opt.step(device.array(normal(2)))
    np.testing.assert_allclose(device.numpy(opt.averaged), (first + device.numpy(p)) / 2, rtol=0, atol=1e-6)


def test_numbers_are_assigned_and_belong_to_groups(device):
    p = {"w": device.array(np.zeros(3, np.float32)), "b": device.array(np.zeros(3, np.float32))}
    g = {name: device.array(np.full(3, -1.0, np.float32)) for name in p}
    opt = fa.SGD(p, lr=1.0, average="ema", average_decay=0.5, groups={"b": {"average_decay": 0.75}})
    for _ in range(2):  # to 1 and 2
        opt.step(g)
    assert [device.numpy(opt.averaged[name])[0] for name in "wb"] == [1.5, 1.25]
    opt.average_decay, opt.groups["b"].average_decay = 0.0, 0.5
    opt.step(g)
    assert [device.numpy(opt.averaged[name])[0] for name in "wb"] == [3.0, 2.125]
    opt.average_from = opt.t  # begins anew with the next step
    opt.step(g)
    assert [device.numpy(opt.averaged[name])[0] for name in "wb"] == [4.0, 4.0]


@pytest.mark.parametrize("held", [{}, *for_maintainers(SMALL[1])], ids=["32", "8"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_average_takes_the_place_of_the_weights_and_gives_it_back_to_the_bit(name, held, device):
    base = numbers(SIZE, np.float32, 0)
    whole, p = place(device, base, LAYOUTS[name](base))
    opt = fa.Adam([p], lr=0.1, average="polyak", **held)
    for k in range(3):
        opt.step([device.array(numbers(p.shape, np.float32, k + 1))])
    if device.name == "cpu":
        base[::2] = np.nan
        base[::3] = 1e-42  # which is denormal
    weights, average, before = bits(device.numpy(whole)), bits(device.numpy(opt.averaged[0])), opt.state_dict()

    def look_and_fail():
        with opt.averaged_weights() as params:
            assert params is opt.params
            assert opt.averaged[0] is p
            found.append(device.numpy(whole).copy())
            np.testing.assert_equal(opt.state_dict(), before)
            raise KeyError

    found = []
    with pytest.raises(KeyError):
        look_and_fail()
    assert bits(LAYOUTS[name](found[0])) == average
    LAYOUTS[name](found[0])[...] = LAYOUTS[name](np.frombuffer(weights, np.float32))
    assert bits(found[0]) == weights
    assert bits(device.numpy(whole)) == weights
    assert bits(device.numpy(opt.averaged[0])) == average


def test_inside_nothing_else_is_done_and_afterwards_all_goes_on(device, tmp_path):
    p, q = device.array(normal(0)), device.array(normal(0))
    opt, other = fa.Adam(p, lr=0.1, average="ema"), fa.Adam(q, lr=0.1, average="ema")
    for one in (opt, other):
        one.step(device.array(normal(1)))
        one.step(device.array(normal(2)))
    opt.save(tmp_path / "before.npz")
    said = r"expected it after `with opt.averaged_weights\(\):`, in which the parameters are their averages"
    with opt.averaged_weights():
        opt.save(tmp_path / "inside.npz")
        for name, call in {
            "step": lambda: opt.step(device.array(normal(3))),
            "load_state_dict": lambda: opt.load(tmp_path / "before.npz"),
            "zero_state": opt.zero_state,
            "a copy or a pickle": lambda: copy.copy(opt),
            "averaged_weights": lambda: opt.averaged_weights().__enter__(),
        }.items():
            with pytest.raises(RuntimeError, match=f"^{name}: {said}$"):
                call()
        opt.lr = 0.2
    opt.lr = 0.1
    for one in (opt, other):
        one.step(device.array(normal(3)))
    assert bits(device.numpy(p)) == bits(device.numpy(q))
    assert bits(device.numpy(opt.averaged)) == bits(device.numpy(other.averaged))
    opt.load(tmp_path / "inside.npz")
    assert opt.t == 2


@pytest.mark.skipif(SLOW, reason="is about threads")
def test_a_thread_cannot_step_while_another_has_the_averages():
    p = normal(0)
    opt, errors = fa.Adam(p, lr=0.1, average="ema"), []
    opt.step(normal(1))

    def step():
        try:
            opt.step(normal(2))
        except RuntimeError as error:
            errors.append(str(error))

    with opt.averaged_weights():
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
    assert errors[0].startswith("step: expected it after")
    assert opt.t == 1


@pytest.mark.parametrize("held", [{}, *for_maintainers(*SMALL)], ids=["32", "16", "8"])
def test_checkpoints_and_copies_keep_the_average(held, device, tmp_path):
    p = {"w": device.array(normal(0).reshape(20, 15)), "b": device.array(normal(1))}
    g = {"w": device.array(normal(2).reshape(20, 15)), "b": device.array(normal(3))}
    how = {"average": "ema", "average_decay": 0.9, "groups": {"b": {"average": None}}} | held
    opt = fa.Adam(p, lr=0.1, **how)
    for _ in range(3):
        opt.step(g)
    found = opt.state_dict()["averaged"]
    assert found.keys() == {"w"}
    assert np.array_equal(found["w"], device.numpy(opt.averaged["w"]))
    opt.save(tmp_path / "kept.npz")
    twin = fa.Adam({name: device.array(device.numpy(array).copy()) for name, array in p.items()}, lr=0.1, **how)
    twin.load(tmp_path / "kept.npz")
    twins = [twin]
    if device.name == "cpu":
        twins += [copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]
    opt.step(g)
    for twin in twins:
        twin.step(g)
        for name in p:
            assert bits(device.numpy(twin.averaged[name])) == bits(device.numpy(opt.averaged[name]))


def test_a_checkpoint_whose_averages_are_not_ours_is_refused():
    p = {"w": np.ones(3), "b": np.ones(2)}
    opt = fa.Adam(p, average="ema")
    kept = opt.state_dict()
    for other, said in (
        (kept | {"averaged": {"w": np.ones(3)}}, r"\['averaged'\]\['b'\]: missing"),
        (kept | {"averaged": {"w": np.ones(3), "b": np.ones(3)}}, r"\['averaged'\]\['b'\]: expected shape \(2,\)"),
        (fa.Adam(p).state_dict(), r"\['hyper'\]\['average'\]: expected 'ema', as this optimizer was made, not None"),
    ):
        with pytest.raises(ValueError, match=said):
            opt.load_state_dict(other)
    with pytest.raises(ValueError, match=r"\['averaged'\]\['w'\]: not expected"):
        fa.Adam(p).load_state_dict(kept)


def test_a_checkpoint_from_before_there_were_averages_has_none():
    old = fa.Adam(np.zeros(3)).state_dict() | {"version": 1}
    for name in ("lower", "upper", "average", "average_decay", "average_warmup", "average_from"):
        del old["hyper"][name]
    opt = fa.Adam(np.zeros(3))
    opt.load_state_dict(old)
    assert opt.average is None


def test_what_it_takes_is_counted_and_said():
    p = np.ones(1024, np.float32)
    assert fa.Adam(p, average="ema").nbytes == fa.Adam(p).nbytes + 4 * 1024
    assert "average" not in repr(fa.Adam(p))
    assert "average='ema'" in repr(fa.Adam(p, average="ema"))


def test_what_is_no_average_is_refused():
    p = np.ones(3)
    for value, error, said in (
        ("mean", ValueError, "Adam: expected average to be None or 'ema' or 'polyak', not 'mean'"),
        (True, TypeError, "Adam: expected average to be None or a string, not True"),
    ):
        with pytest.raises(error, match=said):
            fa.Adam(p, average=value)
    for name, value in (("average_decay", 1.0), ("average_decay", -0.1), ("average_from", 1.5), ("average_from", -1)):
        with pytest.raises(ValueError, match=f"expected {name} to be"):
            fa.Adam(p, **{name: value})
    opt = fa.Adam(p)
    said = "expected average to stay None, not become 'ema': it chooses whether the weights are averaged, and how"
    with pytest.raises(ValueError, match=said):
        opt.average = "ema"
    with pytest.raises(ValueError, match="expected average to be 'ema' or 'polyak' where an average is asked for"):
        opt.averaged  # noqa: B018
    with pytest.raises(ValueError, match="where an average is asked for"), opt.averaged_weights():
        pass
    with pytest.raises(ValueError, match=r"minimize_many: expected average to be None, not 'ema': average the points"):
        fa.minimize_many(lambda x, g: None, np.ones((1, 1)), fa.SGD, average="ema", steps=1)


def test_what_comes_from_pytorch_averages_from_its_weights_on():
    p, moments = normal(0), {"step": 3, "exp_avg": normal(1), "exp_avg_sq": abs(normal(2))}
    kept = {"state": {0: moments}, "param_groups": [{"params": [0], "lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8}]}
    rates = np.ones_like(p)
    opt = fa.from_torch(kept, fa.Adam, p, average="ema", average_decay=0.5, per_weight={"lr": rates})
    assert bits(opt.averaged) == bits(p)
    before = p.copy()
    opt.step(normal(3))
    np.testing.assert_allclose(opt.averaged, (before + p) / 2, rtol=0, atol=1e-6)
    assert opt.per_weight["lr"] is rates


def test_what_is_said_of_an_average_that_there_is_not_is_refused():
    for name, value in (("average_decay", 0.9), ("average_warmup", True), ("average_from", 3)):
        with pytest.raises(ValueError, match=f"Adam: expected average with {name}, which has no meaning without it"):
            fa.Adam(np.ones(2), **{name: value})
        with pytest.raises(ValueError, match=f"expected average with {name}"):
            setattr(fa.Adam(np.ones(2)), name, value)
