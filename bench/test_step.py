"""One step on one array: every rule, from what fits in the first cache to what fits in none, against its rivals."""

import pytest
from conftest import weights
from peers import torch_steps

import fastadapt as fa
from fastadapt.commands import optimizers
from fastadapt.commands.inplace import Inplace
from fastadapt.reference import Reference

SIZES = {
    "1e2": 10**2,
    "1e3": 10**3,
    "1e4": 10**4,
    "1e5": 10**5,
    "1e6": 10**6,
    "1e7": 10**7,
    "2**26": 2**26,
    "1e8": 10**8,
}


def step_of(implementation, rule, p, g):
    """A function that takes one step, or None if the implementation has no such rule."""
    if implementation == "fastadapt":
        optimizer = getattr(fa, rule)(p)
        return lambda: optimizer.step(g)
    if implementation.startswith("torch"):
        pytest.importorskip("torch")
        return torch_steps(rule, {}, p, g, "cpu").get(implementation)
    made = (Inplace if implementation == "NumPy out=" else Reference)(rule, [p])
    return lambda: made.step([g])


@pytest.mark.parametrize("implementation", ["fastadapt", "NumPy out=", "NumPy", "torch fused", "torch foreach"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", optimizers())
def test_step(record, benchmark, rule, size, implementation):
    benchmark.group = f"{rule} {size}"
    p, g = weights(SIZES[size])
    step = step_of(implementation, rule, p, g)
    if step is None:
        pytest.skip(f"{implementation} has no {rule}")
    states = len(getattr(fa, rule)(p[:1]).state)
    record(step, states, SIZES[size], rounds=5 if SIZES[size] >= 10**7 else 0)
