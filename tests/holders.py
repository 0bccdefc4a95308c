"""Rules that let a test say what the state shall be, and the state of every kind that comes of it."""

import numpy as np
import pytest
from codes import SLACK, float32, neighbours
from conftest import FLUSHES

import fastadapt as fa


class Holds(fa.Optimizer):
    """Its state is the gradient."""

    @staticmethod
    def coefficients(t):
        return ()

    @staticmethod
    def update(p, g, s, /):
        return p, g


class HoldsSizes(Holds):
    """Its state is the gradient, which is never negative."""

    nonnegative = ("s",)


BITS = {"bfloat16": 16, "root": 8, "float": 8}
every_kind = pytest.mark.parametrize("kind", BITS)


def holder(device, values: np.ndarray, kind: str, **hyper):
    """An optimizer of weights equal to `values`, whose state is of that kind."""
    cls = HoldsSizes if kind == "float" else Holds
    return cls(device.array(values.copy()), state_bits=BITS[kind], min_quantized_size=0, **hyper)


def state_of(device, opt) -> np.ndarray:
    """The state of an optimizer of one array, as float64."""
    return device.numpy(opt.state["s"]).astype(np.float64)


def held(device, values: np.ndarray, kind: str, steps: int = 1, **hyper) -> np.ndarray:
    """What the state says after it was made `values`, as float64; a row a step where there are several."""
    weights = -np.ones_like(values)  # to which times 0 a gradient of -0 is added, so that it stays -0
    opt, g, found = holder(device, weights, kind, **hyper), device.array(values), []
    for _ in range(steps):
        opt.step(g)
        found.append(state_of(device, opt))
    return found[0] if steps == 1 else np.array(found)


def assert_neighbours(found: np.ndarray, values: np.ndarray, kind: str) -> None:
    """Check that each value that was found is a neighbour of what it was made from, but for float32 arithmetic."""
    if FLUSHES:
        values = np.where(np.abs(values) < np.finfo(values.dtype).tiny, values * 0, values)
    slack = SLACK * np.maximum(abs(found), abs(float32(values))) + 2.0**-126  # what is denormal may become 0
    near = [neighbours(values, kind, nudge) for nudge in (-SLACK, 0, SLACK)]
    ends = np.array([at for low, high, _ in near for at in (low, high)])
    with np.errstate(invalid="ignore"):
        close = (abs(found - ends) <= slack) | (found == ends) | (np.isnan(found) & np.isnan(ends))
    far = np.flatnonzero(~close.any(0))
    assert not far.size, f"{values[far[0]]} became {found[far[0]]}, not one of {ends[2:4, far[0]]}"


def spread(kind: str, ratio: float, blocks: int, seed: int = 0) -> np.ndarray:
    """Blocks of float32 values that each span `ratio`, itself and 1 among them; of either sign where a kind has one.

    The blocks are of very different sizes, so that a block that is read with the header of another is seen.
    """
    rng = np.random.default_rng(seed)
    values = ratio ** rng.random((blocks, 256))
    values[:, [7, 200]] = 1, ratio
    values *= 10.0 ** rng.uniform(-12, 12, (blocks, 1))
    if kind != "float":
        values *= rng.choice([-1, 1], values.shape)
    return values.ravel().astype(np.float32)
