"""What a fresh process waits for: the import, and the first step with and without the kernels in the disk cache."""

import os
import subprocess
import sys

import pytest

IMPORT = """
import time, numba, numpy
start = time.perf_counter()
import fastadapt
print(time.perf_counter() - start)
"""

FIRST = """
import time, numba, numpy as np, fastadapt as fa
p, g = np.ones((2, {size}), np.float32)
opt = fa.{rule}(p)
start = time.perf_counter()
opt.step(g)
print(time.perf_counter() - start)
"""


def seconds(code, **env):
    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | env, capture_output=True, text=True, check=True
    )
    return float(found.stdout)


def measured(benchmark, run, rounds=5):
    """Note the times that child processes took of themselves; the benchmark's own include Python's start."""
    times = []
    benchmark.pedantic(lambda: times.append(run()), rounds=rounds)
    benchmark.extra_info["seconds"] = sorted(times)[len(times) // 2] if times else None


def test_import(benchmark):
    measured(benchmark, lambda: seconds(IMPORT))


@pytest.mark.parametrize("size", [1000, 2**17], ids=["serial", "parallel"])
@pytest.mark.parametrize("rule", ["Adam", "SGD", "RMSProp"])
def test_first_step_from_the_cache(benchmark, rule, size, tmp_path):
    code = FIRST.format(rule=rule, size=size)
    seconds(code, NUMBA_CACHE_DIR=str(tmp_path))
    measured(benchmark, lambda: seconds(code, NUMBA_CACHE_DIR=str(tmp_path)))


@pytest.mark.parametrize("size", [1000, 2**17], ids=["serial", "parallel"])
@pytest.mark.parametrize("rule", ["Adam", "SGD", "RMSProp"])
def test_first_step_without_the_cache(benchmark, rule, size, tmp_path):
    folders = iter(range(100))
    code = FIRST.format(rule=rule, size=size)
    measured(benchmark, lambda: seconds(code, NUMBA_CACHE_DIR=str(tmp_path / str(next(folders)))), rounds=3)
