"""Many arrays in one step: no array must cost a call."""

import pytest
from conftest import weights

import fastadapt as fa
from fastadapt.commands.inplace import Inplace
from fastadapt.reference import Reference

NESTS = {"1,000 x 1,000": (1000, 1000), "300 x 65,536": (300, 65536), "10,000 x 10": (10000, 10)}


def torch_step(params, grads, mode):
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.tensor(g)
    return torch.optim.Adam(tensors, **{mode: True}).step


@pytest.mark.parametrize("implementation", ["fastadapt", "NumPy out=", "NumPy", "torch fused", "torch foreach"])
@pytest.mark.parametrize("tree", NESTS)
def test_many(record, benchmark, tree, implementation):
    benchmark.group = f"Adam {tree}"
    count, size = NESTS[tree]
    params, grads = map(list, zip(*(weights(size, seed) for seed in range(count)), strict=True))
    if implementation.startswith("torch"):
        step = torch_step(params, grads, implementation.split()[1])
    else:
        kinds = {
            "fastadapt": fa.Adam,
            "NumPy out=": lambda p: Inplace("Adam", p),
            "NumPy": lambda p: Reference("Adam", p),
        }
        optimizer = kinds[implementation](params)

        def step():
            optimizer.step(grads)

    record(step, 2, count * size, rounds=20)
