"""Small state on CUDA is to the bit what it is on the CPU, whatever threads and blocks its tiles are dealt out to."""

from collections import Counter

import numpy as np
import pytest
from conftest import SIMULATED, Cpu
from gpu import CUDA, TOLERANCE, count_launches, on, only_cuda, random, tree
from runs import OWN

import fastadapt as fa

device = pytest.fixture(params=CUDA, ids=["cuda"])(only_cuda)
launches = pytest.fixture(count_launches)

STEPS = 2
SHAPES = {"a": (700,), "b": (0,), "c": (1,), "d": (255,), "e": (16, 16), "f": (257,), "g": (3, 0), "h": (3, 5)}
FEW = {"a": (300,), "b": (0,), "c": (257,), "d": (1,)}
AROUND = {"weight_decay": 0.05, "maximize": True, "min_quantized_size": 0, "seed": 5}
WITH_STATE = [(cls, own) for cls, own in OWN if cls is not fa.SGD or "momentum" in own]
DEALT = [(8, 8, 1), (8, 2, 1), (8, 1, 3), (4, 2, 8), (2, 2, 2)]
"""Threads in a block, threads that share a tile (a GPU's are a warp), and blocks."""
if not SIMULATED:
    DEALT = [(256, 32, 1), (256, 32, 3), (128, 32, 8), (64, 32, 2), (32, 32, 5)]

every_size = pytest.mark.parametrize("bits", [16, 8])


@pytest.fixture
def deal(monkeypatch, device):
    """The function `(threads, lanes, blocks)` that says how the kernels made from then on deal out tiles."""
    from fastadapt.devices import cuda, cuda_launch
    from fastadapt.kernels import cuda_warps

    def dealt(threads, lanes, blocks):
        for module in (cuda, cuda_launch):
            monkeypatch.setattr(module, "THREADS", threads)
        monkeypatch.setattr(cuda_warps, "LANES", lanes)
        monkeypatch.setattr(cuda_launch, "BLOCKS", blocks)
        monkeypatch.setattr(cuda_launch, "multiprocessors", lambda context: 1)
        cuda.build.cache_clear()

    yield dealt
    cuda.build.cache_clear()


@pytest.fixture(autouse=True)
def two_blocks_of_four_groups(deal):
    """As many groups of threads in a block as a device has, and few blocks, so that each takes several turns."""
    deal(*((8, 2, 2) if SIMULATED else (256, 32, 2)))


def walk(device, cls, shapes=SHAPES, steps=STEPS, dtype="float32", g_dtype="float32", **hyper):
    """The weights and the optimizer after some steps."""
    params = on(device, {name: array.astype(dtype) for name, array in tree(shapes, 1).items()})
    opt = cls(params, **(AROUND | hyper))
    for t in range(steps):
        opt.step(gradients(device, shapes, t, g_dtype), 0.5)
    return params, opt


def gradients(device, shapes, t, dtype="float32"):
    """The gradients of step `t`."""
    return on(device, {name: array.astype(dtype) for name, array in tree(shapes, 100 * (t + 1)).items()})


def numbers(device, params, opt):
    """The weights and each state as one array in NumPy."""
    trees = {"p": params} | dict(opt.state)
    return {
        name: np.concatenate([np.ravel(device.numpy(a)) for a in arrays.values()]) for name, arrays in trees.items()
    }


def assert_as_on_cpu(device, found, expected):
    """Check two pairs of weights and optimizer, the first from the device."""
    # The simulator divides one root by another, as Adadelta does, in float64.
    exact = SIMULATED and not isinstance(found[1], fa.Adadelta)
    found, expected = numbers(device, *found), numbers(Cpu, *expected)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes() if exact else agrees(found[name], array), name


def agrees(found, expected):
    """Whether numbers are the same but for the roundings that a GPU spares.

    One such may make a code its neighbour, at most an eighth of the value or 2 / 127 of the largest away, where a
    value stands that near to the border between the two: a chance of 2**-5 for the finest codes, 2**-14 for usual ones.
    """
    finite = np.abs(expected[np.isfinite(expected)])
    near = np.isclose(found, expected, rtol=1 / 8, atol=2 / 127 * finite.max(initial=0), equal_nan=True)
    return near.all() and np.isclose(found, expected, **TOLERANCE, equal_nan=True).mean() > 1 - 2**-5


@every_size
@pytest.mark.parametrize(("cls", "hyper"), WITH_STATE)
def test_every_rule_takes_the_steps_that_it_takes_on_the_cpu(cls, hyper, bits, device):
    found, expected = (walk(where, cls, FEW, state_bits=bits, **hyper) for where in (device, Cpu))
    assert_as_on_cpu(device, found, expected)
    assert found[1].nbytes == expected[1].nbytes


@every_size
@pytest.mark.parametrize(("threads", "lanes", "blocks"), DEALT)
def test_the_steps_do_not_depend_on_how_tiles_are_dealt_out(threads, lanes, blocks, bits, device, deal):
    shapes = SHAPES | {f"z{k}": (k % 3,) for k in range(9)}
    expected = walk(Cpu, fa.Adam, shapes, state_bits=bits)
    deal(threads, lanes, blocks)
    assert_as_on_cpu(device, walk(device, fa.Adam, shapes, state_bits=bits), expected)


@every_size
@pytest.mark.parametrize("g_dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rounding", ["stochastic", "nearest"])
def test_float64_weights_and_gradients_of_every_type_take_the_steps_of_the_cpu(rounding, g_dtype, bits, device):
    hyper = {"shapes": {"a": (300,)}, "dtype": "float64", "g_dtype": g_dtype, "state_bits": bits, "rounding": rounding}
    found, expected = (walk(where, fa.Adam, **hyper) for where in (device, Cpu))
    assert found[0]["a"].dtype == np.float64
    assert_as_on_cpu(device, found, expected)


@every_size
def test_a_step_is_one_launch_for_many_arrays_empty_ones_among_them(bits, device, launches):
    shapes = {str(k): (size,) for k, size in enumerate([0, 0, 1, 255, 0, 257, 0] + 10 * [0, 3])}
    params, opt = walk(device, fa.Lion, shapes, steps=0, state_bits=bits)
    launches.clear()
    for t in range(STEPS):
        opt.step(gradients(device, shapes, t), 0.5)
        assert len(launches) == t + 1
    assert_as_on_cpu(device, (params, opt), walk(Cpu, fa.Lion, shapes, state_bits=bits))


def test_arrays_of_each_kind_of_state_are_one_launch(device, launches):
    hyper = {
        "min_quantized_size": 256,
        "state_bits": 16,
        "groups": {"[ad]": {"state_bits": 8, "seed": 1}, "h": {"lr": 0.5}},
    }
    params, opt = walk(device, fa.Adam, steps=0, **hyper)
    launches.clear()
    for t in range(STEPS):
        opt.step(gradients(device, SHAPES, t), 0.5)
    assert len(launches) == 3 * STEPS  # of 8 bits, of 16, and of 32 for the smallest
    expected = walk(Cpu, fa.Adam, **hyper)
    assert_as_on_cpu(device, (params, opt), expected)
    assert opt.nbytes == expected[1].nbytes


@every_size
def test_no_array_at_all_or_empty_ones_alone_can_take_a_step(bits, device):
    params, opt = walk(device, fa.Adam, {"a": (0,), "b": (2, 0)}, state_bits=bits)
    assert opt.counts == {"a": STEPS, "b": STEPS}
    assert opt.state["v"]["b"].shape == (2, 0)
    opt.step(dict.fromkeys(params))
    assert opt.counts == {"a": STEPS, "b": STEPS}


@every_size
def test_a_missing_gradient_leaves_an_array_alone_and_the_others_take_their_steps(bits, device):
    walks = [walk(where, fa.Adam, steps=1, state_bits=bits) for where in (device, Cpu)]
    for missing in ("a", "cef"):
        for where, (_, opt) in zip((device, Cpu), walks, strict=True):
            opt.step(gradients(where, SHAPES, 1) | dict.fromkeys(missing))
    assert_as_on_cpu(device, *walks)


@every_size
def test_parameters_and_gradients_of_any_layout_take_the_steps_of_the_cpu(bits, device):
    views = {"gaps": lambda a: a[:, ::2], "turned": lambda a: a.T, "column": lambda a: a[:, 1]}
    ends = []
    for where in (device, Cpu):
        bases = on(where, tree(dict.fromkeys(views, (20, 30)), 1))
        params = {name: view(bases[name]) for name, view in views.items()}
        opt = fa.Adam(params, **AROUND, state_bits=bits)
        for t in range(STEPS):
            g = tree({name: p.shape for name, p in params.items()}, 10 * (t + 1))
            opt.step(on(where, g | {"turned": np.ascontiguousarray(g["turned"])}))
        assert {name: array.shape for name, array in opt.state["v"].items()} == {n: p.shape for n, p in params.items()}
        ends.append((bases, opt))
    assert_as_on_cpu(device, *ends)


@every_size
@pytest.mark.parametrize(("n", "from_p", "from_g"), [(3, 0, 0), (255, 0, 3), (300, 1, 0), (511, 0, 1)])
def test_arrays_that_start_anywhere_take_the_steps_of_the_cpu_and_nothing_beside_them_is_written(
    n, from_p, from_g, bits, device
):
    ends = []
    for where in (device, Cpu):
        base, g = where.array(random(n + 8, 1)), where.array(random(n + 8, 2))
        opt = fa.Adam({"a": base[from_p : from_p + n]}, state_bits=bits, min_quantized_size=0)
        opt.step({"a": g[from_g : from_g + n]})
        ends.append(({"a": base}, opt))
    assert_as_on_cpu(device, *ends)
    (batch,) = ends[0][1]._batches
    for buffer in batch.state.buffers:
        # A code of one or two bytes a weight, and for 8 bits from the next 64 bytes on a header of 4 bytes a tile.
        raw, tiles = device.numpy(buffer).view(np.uint8), -(-n // 256)
        codes, headers = (2 * n, 0) if bits == 16 else (n, -(-n // 64) * 64)
        beside = np.delete(raw, np.r_[:codes, headers : headers + 4 * tiles] if headers else np.r_[:codes])
        assert beside.size
        assert not beside.any()


@every_size
@pytest.mark.maintainer
@pytest.mark.simulator
@pytest.mark.skipif(not SIMULATED, reason="which accesses a kernel for a GPU has is tested in test_ptx.py")
@pytest.mark.parametrize(
    ("from_p", "from_g", "g_dtype"), [(0, 0, "f4"), (4, 8, "f8"), (0, 4, "f2"), (1, 0, "f4"), (0, 2, "f2")]
)
def test_four_weights_are_one_access_where_a_tile_is_whole_and_lies_well(
    from_p, from_g, g_dtype, bits, device, monkeypatch
):
    from fastadapt.kernels import vec4

    counts = Counter()
    for name in ("load4", "store4", "load", "store"):
        real = getattr(vec4, name)
        monkeypatch.setattr(vec4, name, lambda *args, real=real, name=name: (counts.update([name]), real(*args))[1])
    n, last = 512, 3
    base, g = device.array(random(n + last + 8, 1)), device.array(random(n + last + 8, 2, g_dtype))
    opt = fa.Adam({"a": base[from_p : from_p + n + last]}, state_bits=bits, min_quantized_size=0)
    counts.clear()
    opt.step({"a": g[from_g : from_g + n + last]})
    fours_of_tiles, states = n // 4, 2
    if from_p % 4 or from_g % 4:
        # In a group of the last tile what is missing may be read as well.
        assert counts["load4"] == counts["store4"] == 0
        assert counts["load"] <= (2 + states) * (n + 4)
        assert counts["store"] <= (1 + states) * (n + last)
    else:
        assert counts["load4"] >= 2 * fours_of_tiles
        assert counts["store4"] >= fours_of_tiles
        assert counts["load"] <= states * fours_of_tiles + (2 + states) * 4
        assert counts["store"] <= states * fours_of_tiles + (1 + states) * last


@every_size
@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero) encountered:RuntimeWarning")
def test_numbers_that_are_not_finite_spoil_on_the_device_what_they_spoil_on_the_cpu(bits, device):
    special = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, -1e-30, 0.0, -0.0, 1.0], np.float32)
    ends = []
    for where in (device, Cpu):
        params = on(where, tree({"a": (300,)}, 1))
        opt = fa.AMSGrad(params, state_bits=bits, min_quantized_size=0)
        for t in range(STEPS):
            g = tree({"a": (300,)}, t + 1)
            g["a"][100 * t : 100 * t + special.size] = special
            opt.step(on(where, g))
        ends.append((params, opt))
    assert_as_on_cpu(device, *ends)
    assert 0 < np.isnan(numbers(device, *ends[0])["p"]).sum() < 5 * STEPS


@every_size
def test_state_is_read_as_device_arrays_and_reading_changes_nothing(bits, device):
    shapes = FEW | {"e": (3, 5), "f": (0, 2)}
    params, opt = walk(device, fa.Adam, shapes, state_bits=bits, dtype="float64")
    read, expected = opt.state, walk(Cpu, fa.Adam, shapes, state_bits=bits, dtype="float64")
    for name in ("m", "v"):
        first, again = read[name], read[name]
        for key, p in params.items():
            assert type(first[key]) is type(p)
            assert first[key].shape == p.shape
            assert first[key].dtype == np.float32
            assert device.numpy(first[key]).tobytes() == device.numpy(again[key]).tobytes()
    for where, (_, other) in ((device, (params, opt)), (Cpu, expected)):
        other.step(gradients(where, shapes, STEPS))
    assert_as_on_cpu(device, (params, opt), expected)


@every_size
def test_zero_state_begins_anew(bits, device):
    params, opt = walk(device, fa.Adam, FEW, state_bits=bits)
    opt.zero_state()
    assert all(not device.numpy(array).any() for state in opt.state.values() for array in state.values())
    for name, start in on(device, tree(FEW, 1)).items():
        params[name].copy_to_device(start)
    for t in range(STEPS):
        opt.step(gradients(device, FEW, t), 0.5)
    again, expected = numbers(device, params, opt), numbers(device, *walk(device, fa.Adam, FEW, state_bits=bits))
    assert all(again[name].tobytes() == array.tobytes() for name, array in expected.items())


class FromWeights(fa.Optimizer):
    """A rule whose state starts at the weights, and at their sizes."""

    nonnegative = ("size",)

    @staticmethod
    def start(p, /):
        return p, abs(p)

    @staticmethod
    def coefficients(t, lr=0.1):
        return (lr,)

    @staticmethod
    def update(p, g, first, size, /, lr):
        return p - lr * g * size, first - lr * g, size


@every_size
def test_state_that_starts_off_zero_does_so_on_the_device(bits, device):
    found, expected = (walk(where, FromWeights, FEW, steps=0, state_bits=bits) for where in (device, Cpu))
    assert_as_on_cpu(device, found, expected)
    end = numbers(device, *found)
    np.testing.assert_allclose(end["first"], end["p"], rtol=2**-7, atol=2 / 127 * abs(end["p"]).max())
    np.testing.assert_allclose(end["size"], abs(end["p"]), rtol=1 / 8)


@every_size
def test_all_that_a_step_does_is_on_the_stream_that_is_given(bits, device, monkeypatch):
    from fastadapt.devices import cuda, cuda_launch

    stream, used = object(), []
    _, opt = walk(device, fa.Adam, steps=1, state_bits=bits)
    launcher, of = cuda_launch.launcher, cuda_launch.Mirror.of
    monkeypatch.setattr(cuda, "stream_of", lambda array, given: given)
    monkeypatch.setattr(
        cuda_launch,
        "launcher",
        lambda kernel, blocks, on, context: (used.append(on), launcher(kernel, blocks, 0, context))[1],
    )
    monkeypatch.setattr(cuda_launch.Mirror, "of", lambda self, array, on: (used.append(on), of(self, array, 0))[1])
    opt.step(gradients(device, SHAPES, 1), stream=stream)
    assert used == 3 * [stream]  # the table, the coefficients, the kernel
