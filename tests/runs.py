"""Short runs of every rule, for the tests of what holds for all of them."""

import numpy as np
import pytest
from catalogue import CASES, IDS, OFF_DEFAULT, OPTIMIZERS

OWN = [(cls, hyper) for cls in OPTIMIZERS for hyper in OFF_DEFAULT[cls.__name__]]
every_case = pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
every_update = pytest.mark.parametrize(
    ("cls", "hyper"), OWN, ids=["-".join([cls.__name__, *sorted(cls._switches & hyper.keys())]) for cls, hyper in OWN]
)

N = 300
"""Weights: more than a tile, and not a multiple of what SIMD takes at once."""


def normal(seed: int, n: int = N) -> np.ndarray:
    """Random weights or gradients, none of them zero."""
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def run(device, cls: type, hyper: dict, grads: list, scale: float = 1.0):
    """The weights, back in NumPy, and the optimizer after a step with each of `grads`."""
    p = device.array(normal(0, grads[0].size))
    opt = cls(p, **hyper)
    for g in grads:
        opt.step(device.array(g), scale)
    return device.numpy(p), opt


def same(device, first: list, second: list) -> bool:
    """Whether two lists of arrays hold the same bits."""
    return all(device.numpy(a).tobytes() == device.numpy(b).tobytes() for a, b in zip(first, second, strict=True))
