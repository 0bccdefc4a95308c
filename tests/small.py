"""Small state in the tests: every way to hold it, and whether what is held is what a code makes of the exact state."""

import numpy as np
import pytest
from catalogue import CASES, IDS
from codes import SLACK, neighbours
from conftest import SIMULATED
from runs import OWN

import fastadapt as fa

STORAGES = [
    {"state_bits": bits, "rounding": rounding, "small_from": 0}
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


def updates_with(storages: list, plain: list = (), ids: list = ()) -> pytest.MarkDecorator:
    """Run a test with every `update` of the library in each storage, behind the cases of `plain`.

    In the simulator, where a tile takes 0.05 s, with that of Adam in the last storage.
    """
    small = [(cls, own, storage) for cls, own in OWN for storage in storages]
    if SIMULATED:
        small = [(cls, own, storages[-1]) for cls, own in OWN if cls is fa.Adam]
    names = ["-".join([cls.__name__, *sorted(cls._switches & own.keys()), id_of(storage)]) for cls, own, storage in small]
    cases = [(cls, own | storage) for cls, own, storage in small]
    return pytest.mark.parametrize(("cls", "hyper"), [*plain, *cases], ids=[*ids, *names])


def cases_and(storages: list) -> pytest.MarkDecorator:
    """Run a test with every case of the catalogue, and with every `update` in each storage."""
    return updates_with(storages, CASES, IDS)


def updates_and(storages: list) -> pytest.MarkDecorator:
    """Run a test with every `update`, as it is and in each storage."""
    ids = ["-".join([cls.__name__, *sorted(cls._switches & own.keys())]) for cls, own in OWN]
    return updates_with(storages, OWN, ids)


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
    error = error + SLACK * np.abs(exact)
    below, above = np.abs(held - found.low), np.abs(held - found.high)
    assert (np.minimum(below, above) <= error).all()
    if rounding == "nearest":
        nearest = np.minimum(np.abs(found.low - exact), np.abs(found.high - exact))
        assert (np.abs(held - exact) <= nearest + error).all()
