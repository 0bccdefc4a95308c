"""States in full precision: those that are places, not moments, keep the parameters' type at any `state_bits`."""

import copy
import pickle

import numpy as np
import pytest
from conftest import for_maintainers
from layouts import bits
from runs import normal

import fastadapt as fa

N = 600
SMALL = {"min_quantized_size": 0, "seed": 3}


class Between(fa.Optimizer):
    """A place, which depends on no other state, between two moments."""

    nonnegative = ("v",)
    full_precision = ("z",)

    @staticmethod
    def start(p, /):
        return 0.0, p, 0.25

    @staticmethod
    def coefficients(t, lr=0.1, beta=0.5):
        return lr, beta, 1 - beta

    @staticmethod
    def update(p, g, m, z, v, /, lr, b, a):
        m = b * m + a * g
        z -= lr * g
        v = b * v + a * (g * g)
        return z - m, m, z, v


class Place(fa.Optimizer):
    """Its only state is a place."""

    full_precision = ("z",)

    @staticmethod
    def coefficients(t, lr=0.1):
        return (lr,)

    @staticmethod
    def update(p, g, z, /, lr):
        z += g
        return p - lr * z, z


def run(device, state_bits, dtype, cls=Between, steps=3, layout=np.ascontiguousarray):
    """An optimizer that has taken a few steps."""
    p = device.array(layout(normal(0, N).astype(dtype).reshape(20, 30)))
    opt = cls(p, state_bits=state_bits, **SMALL)
    for k in range(steps):
        opt.step(device.array(layout(normal(k + 1, N).astype(dtype).reshape(20, 30))))
    return opt


KINDS = [(16, np.float32), *for_maintainers((16, np.float64), (8, np.float64), (8, np.float32))]


@pytest.mark.maintainer
@pytest.mark.parametrize(("state_bits", "dtype"), KINDS)
def test_a_state_in_full_precision_is_to_the_bit_what_it_is_at_32_bits(state_bits, dtype, device):
    small, plain = run(device, state_bits, dtype), run(device, 32, dtype)
    z, exact = device.numpy(small.state["z"]), device.numpy(plain.state["z"])
    assert z.dtype == dtype
    assert bits(z) == bits(exact)
    for name in "mv":
        rounded, exact = device.numpy(small.state[name]), device.numpy(plain.state[name])
        assert not np.array_equal(rounded, exact)
        np.testing.assert_allclose(rounded, exact, rtol=0, atol=np.abs(exact).max() / 20)
    # The weights see the small moment, and nothing else that is rounded.
    p, exact = device.numpy(small.params), device.numpy(plain.params)
    assert 0 < np.abs(p - exact).max() <= 0.1


@pytest.mark.parametrize("state_bits", [16, 8])
def test_a_rule_all_of_whose_states_are_in_full_precision_has_none_that_is_small(state_bits, device):
    small, plain = run(device, state_bits, np.float32, Place), run(device, 32, np.float32, Place)
    assert bits(device.numpy(small.params)) == bits(device.numpy(plain.params))
    assert small.nbytes == plain.nbytes


@pytest.mark.maintainer
def test_its_bytes_count_and_it_can_be_written_to():
    opt = Between(np.ones(512, np.float32), state_bits=8, **SMALL)
    assert opt.nbytes == 2 * (512 + 64) + 4 * 512
    opt.state["z"][...] = 3
    opt.step(np.zeros(512, np.float32))
    assert (opt.state["z"] == 3).all()
    with pytest.raises(ValueError, match="read-only"):
        opt.state["m"][...] = 3


@pytest.mark.parametrize(("state_bits", "dtype"), KINDS)
def test_checkpoints_and_copies_go_on_to_the_bit(state_bits, dtype, device, tmp_path):
    opt = run(device, state_bits, dtype)
    other = run(device, state_bits, dtype, steps=1)
    opt.save(tmp_path / "kept.npz")
    other.load(tmp_path / "kept.npz")
    twins = [other]
    if device.name == "cpu":
        twins += [copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]
    g = device.array(normal(9, N).astype(dtype).reshape(20, 30))
    opt.step(g)
    for twin in twins:
        twin.step(g)
        for name in "mzv":
            assert bits(device.numpy(twin.state[name])) == bits(device.numpy(opt.state[name]))


def test_a_checkpoint_goes_into_memory_of_another_order(device):
    opt = run(device, 8, np.float32)
    other = run(device, 8, np.float32, layout=np.asfortranarray)
    other.load_state_dict(opt.state_dict())
    assert np.array_equal(device.numpy(other.state["z"]), device.numpy(opt.state["z"]))


def test_zero_state_starts_the_place_where_the_weights_are(device):
    opt = run(device, 8, np.float32)
    opt.zero_state()
    assert np.array_equal(device.numpy(opt.state["z"]), device.numpy(opt.params))
    assert (device.numpy(opt.state["m"]) == 0).all()


def test_a_place_that_is_never_negative_is_no_reason_to_warn():
    Place(np.ones(N, np.float32), state_bits=8, **SMALL).step(np.ones(N, np.float32))

    class Sized(Between):
        nonnegative = ()
        full_precision = ("z", "v")

    Sized(np.ones(N, np.float32), state_bits=8, **SMALL)


def test_what_is_no_state_cannot_be_in_full_precision():
    with pytest.raises(TypeError, match=r"Other\.full_precision: expected names of states, of z, not \('x',\)"):

        class Other(Place):
            full_precision = ("x",)

    with pytest.raises(TypeError, match=r"Another\.full_precision: expected a tuple of names of states, not 'z'"):

        class Another(Place):
            full_precision = "z"
