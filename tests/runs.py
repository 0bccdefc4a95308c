"""Short runs of every rule, for the tests of what holds for all of them."""

import numpy as np
import pytest
from catalogue import AROUND, CASES, IDS, OFF_DEFAULT, OPTIMIZERS

import fastadapt as fa

OWN = [(cls, hyper) for cls in OPTIMIZERS for hyper in OFF_DEFAULT[cls.__name__]]
every_case = pytest.mark.parametrize(("cls", "hyper"), CASES, ids=IDS)
every_update = pytest.mark.parametrize(
    ("cls", "hyper"),
    OWN,
    ids=["-".join([cls.__name__, *sorted(cls.declaration.switches & hyper.keys())]) for cls, hyper in OWN],
)

SGD, ADAGRAD, ADAM, AMSGRAD = (OFF_DEFAULT[name] for name in ("SGD", "AdaGrad", "Adam", "AMSGrad"))
KERNELS = [
    (fa.SGD, SGD[0] | AROUND[0]),
    (fa.SGD, SGD[2] | AROUND[1]),
    (fa.AdaGrad, ADAGRAD[0] | AROUND[0]),
    (fa.Adam, ADAM[0] | AROUND[1]),
    (fa.AMSGrad, AMSGRAD[0] | AROUND[0]),
]
"""An update of each kind: with no state, one, two and three, with a switch, with a start.

What a rule is, the walker, the storage, the layouts, the threads and the errors meet in one function of one weight
alone: their properties are tested with these, and the arithmetic with every rule.
"""

KERNEL_IDS = ["-".join([cls.__name__, *sorted(cls.declaration.switches & hyper.keys())]) for cls, hyper in KERNELS]
every_kernel = pytest.mark.parametrize(("cls", "hyper"), KERNELS, ids=KERNEL_IDS)

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
