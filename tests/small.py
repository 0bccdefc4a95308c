"""Small state in the tests: every way to hold it, and whether what is held is what a code makes of the exact state."""

import numpy as np
import pytest
from catalogue import ADAM
from codes import SLACK, neighbours
from conftest import SIMULATED
from runs import KERNEL_IDS, KERNELS, OWN

import fastadapt as fa

STORAGES = [
    {"state_bits": bits, "rounding": rounding, "min_quantized_size": 0}
    for bits in (16, 8)
    for rounding in ("stochastic", "nearest")
]
"""Small state of every kind, in arrays of any size."""

STOCHASTIC, NEAREST = STORAGES[::2], STORAGES[1::2]


def id_of(storage: dict) -> str:
    """What a test calls a storage."""
    return f"{storage['state_bits']}-{storage['rounding']}"


every_storage = pytest.mark.parametrize("storage", STORAGES, ids=id_of)
every_stochastic = pytest.mark.parametrize("storage", STOCHASTIC, ids=id_of)


SOME = [
    (cls, own)
    for cls, own in OWN
    if cls in (fa.Adam, fa.AdaGrad, fa.Lion) or (cls is fa.RMSProp and cls.declaration.switches <= own.keys())
]
"""Every kind of state: with and without a sign, one to three of them, with a start and with switches."""


def kernels_and(storages: list, some: list = ()) -> pytest.MarkDecorator:
    """Run a test with every kind of kernel, and with Adam in each storage, or `some` in each that rounds by chance."""
    return _and(storages, some, KERNELS, KERNEL_IDS)


def updates_and(storages: list) -> pytest.MarkDecorator:
    """Run a test with every `update`, and with some in each storage."""
    return _and(storages, SOME, OWN, [name_of(cls, own) for cls, own in OWN])


def _and(storages, some, plain, ids):
    """A kernel takes seconds to compile, and a tile 0.05 s in the simulator: there only Adam in the last storage."""
    small = [(fa.Adam, ADAM, storage) for storage in storages]
    small += [(cls, own, s) for cls, own in some if cls is not fa.Adam for s in storages if s in STOCHASTIC]
    if SIMULATED:
        small = [(fa.Adam, ADAM, storages[-1])]
    names = [name_of(cls, own, id_of(storage)) for cls, own, storage in small]
    # Each compiles a kernel of its own: rules but Adam in small state are for maintainers.
    marks = [() if cls is fa.Adam else pytest.mark.maintainer for cls, _, _ in small]
    cases = [
        pytest.param(cls, own | storage, marks=mark) for (cls, own, storage), mark in zip(small, marks, strict=True)
    ]
    return pytest.mark.parametrize(("cls", "hyper"), [*plain, *cases], ids=[*ids, *names])


def name_of(cls: type, own: dict, *more: str) -> str:
    """What a test calls an `update`."""
    return "-".join([cls.__name__, *sorted(cls.declaration.switches & own.keys()), *more])


def run_of(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The values in the order in which the state of the parameter `like` lies: as its memory, if that is one run."""
    axes = sorted(range(like.ndim), key=lambda axis: -like.strides[axis])
    return values.transpose(axes).ravel() if like.transpose(axes).flags.c_contiguous else values.ravel()


def assert_held(held: np.ndarray, exact: np.ndarray, kind: str, rounding: str, error: np.ndarray) -> None:
    """Check that what an array's state says is what a code makes of the exact state.

    kind : of the code, "bfloat16", "root" or "float"
    error : how far from the exact state each value may have been that was put into the code
    """
    found = neighbours(exact, kind)
    # Of a float, a value on the edge of a cell may by rounding lie below it, and fall into the next: the less likely,
    # the wider the cells are.
    error = error + (2.0**-15 if kind == "float" else SLACK) * np.abs(exact)
    below, above = np.abs(held - found.low), np.abs(held - found.high)
    assert (np.minimum(below, above) <= error).all()
    if rounding == "nearest":
        nearest = np.minimum(np.abs(found.low - exact), np.abs(found.high - exact))
        assert (np.abs(held - exact) <= nearest + error).all()
