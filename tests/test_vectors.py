"""The loops over weights on the CPU take several at once: LLVM vectorises them, or a step takes ten times as long."""

import platform

import numpy as np
import pytest
from conftest import SLOW
from numba import njit

import fastadapt as fa

SINGLE = np.dtype(np.float32)
STREAMS = {
    "no more": {},
    "average": {"averages": True},
    "bounds": {"reads": ("lower", "upper")},
    "all": {"averages": True, "reads": ("lr", "lower", "upper")},
}


@pytest.mark.maintainer
@pytest.mark.skipif(SLOW or platform.machine().lower() not in ("x86_64", "amd64"), reason="no such machine code")
@pytest.mark.parametrize("more", STREAMS.values(), ids=STREAMS)
def test_the_roots_of_several_weights_are_taken_at_once(more):
    from fastadapt.kernels.cpu import applier, walker
    from fastadapt.kernels.streams import storage_of

    (rule,) = fa.Adam.rules.values()
    storage = storage_of(32, "nearest", SINGLE, rule.nonnegative, **more)
    phase = walker(applier(rule.update, storage, rule.coefs, SINGLE, SINGLE), SINGLE, False)
    compiled = njit("int64(int64)", error_model="numpy")(phase)
    (machine_code,) = compiled.inspect_asm().values()
    assert "sqrtps" in machine_code
