"""Clipping as NumPy does it in float64, and what shows the gradients that a step takes."""

import math

import numpy as np
from untouched import leaves

import fastadapt as fa

INFINITY = float("inf")


def norm_of(grads: list) -> float:
    """The norm of all arrays together, exact but for a few roundings: none of their squares overflows or vanishes."""
    values = np.concatenate([np.zeros(1), *(np.ravel(g).astype(np.float64) for g in grads if g is not None)])
    exponent = math.frexp(np.abs(values).max())[1]
    return math.ldexp(math.sqrt(math.fsum(np.ldexp(values, -exponent) ** 2)), exponent)


def limited(grads: list, max_value: float = INFINITY, scale: float = 1.0) -> list:
    """The gradients, scaled and then clipped by value, in float64."""
    return [None if g is None else np.clip(scale * g.astype(np.float64), -max_value, max_value) for g in grads]


def clipped(grads: list, max_norm: float = INFINITY, max_value: float = INFINITY, scale: float = 1.0) -> list:
    """The gradients, scaled, clipped by value and then by the norm of all, in float64."""
    grads = limited(grads, max_value, scale)
    norm = norm_of(grads)
    factor = max_norm / norm if norm > max_norm else 1.0
    return [None if g is None else g * factor for g in grads]


def taken(device, grads: list, dtype: type = np.float32, step: dict | None = None, **hyper):
    """The gradients that a step takes of those given, and the optimizer: SGD goes down by them from 0, if lr is 1."""
    params = [device.array(np.zeros(g.shape, dtype)) for g in grads]
    opt = fa.SGD(params, lr=1.0, **hyper)
    opt.step([device.array(g) for g in grads], **(step or {}))
    return [0.0 - device.numpy(p) for p in params], opt


def slack(grads: list, dtype: type) -> float:
    """How far, as a part of it, rounding may take a gradient that is scaled and clipped in `dtype`.

    With u = eps / 2: the scale, the factor, the bound and a product or two with them are rounded, 4u of `dtype`. The
    norm's square is a float64 sum of positive numbers, tile by tile and then of the tiles: each is rounded at most
    256 + tiles + arrays times, and the root halves that.
    """
    terms = 256 + sum(1 + g.size / 256 for g in grads if g is not None)
    return 4 * np.finfo(dtype).eps / 2 + (terms / 2 + 2) * np.finfo(np.float64).eps / 2


def assert_close(found: list, expected: list, dtype: type) -> None:
    """Check clipped gradients against those in float64, each to a few roundings of its own."""
    tolerance = slack(expected, dtype)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (np.abs(one - other) <= tolerance * np.abs(other)).all()


def held(device, opt, params: list) -> tuple:
    """All that a step may change, bit for bit."""
    state = [device.numpy(leaf).tobytes() for tree in opt.state.values() for leaf in leaves(tree) if leaf is not None]
    return [device.numpy(p).tobytes() for p in params], state, opt.counts, opt.t
