"""Serial against parallel, by size: where the threads are worth waking (`devices.cpu.PARALLEL_FROM`)."""

import pytest
from conftest import weights

import fastadapt as fa
from fastadapt.devices import cpu


@pytest.mark.parametrize("threads", ["serial", "parallel"])
@pytest.mark.parametrize("size", [2**k for k in range(12, 22)])
@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_threshold(record, benchmark, monkeypatch, rule, size, threads):
    benchmark.group = f"{rule} {size}"
    monkeypatch.setattr(cpu, "PARALLEL_FROM", 0 if threads == "parallel" else 2 * size)
    monkeypatch.setattr(cpu, "LARGE", 0)  # no choice by what steps take
    p, g = weights(size)
    optimizer = getattr(fa, rule)(p)
    record(lambda: optimizer.step(g), len(optimizer.state), size)
