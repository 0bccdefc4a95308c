"""The host's time for a step on CUDA arrays, without a device: `python bench/cuda_host.py`.

Numba's real CUDA target runs under the stand-in for NVIDIA's driver that the tests have (Linux, a C compiler). What a
driver takes comes on top.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from fastadapt.devices import MISSING, has_numba_cuda

SOURCE = Path(__file__).parents[1] / "tests" / "driver" / "driver.c"


def microseconds(step, calls, rounds=11):
    """The median over rounds of the mean time for a step."""
    step()
    found = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            step()
        found.append((perf_counter() - start) / calls * 1e6)
    return median(found)


def measure():
    import ctypes

    from numba import cuda

    import fastadapt as fa

    ctypes.CDLL("libcuda.so.1").fake_silent(1)  # it writes nothing down
    for name, count, hyper in (
        ("one array of 1,000", 1, {}),
        ("... with max_norm", 1, {"max_norm": 1.0}),
        ("... capturable", 1, {"capturable": True}),
        ("1,000 arrays of 1,000", 1000, {}),
    ):
        p, g = ([cuda.to_device(np.ones(1000, np.float32)) for _ in range(count)] for _ in range(2))
        opt = fa.Adam(p, **hyper)
        print(f"{name:24}{microseconds(lambda opt=opt, g=g: opt.step(g), 2000 // count):8.1f} us", flush=True)


def main():
    if os.environ.get("STAND_IN"):
        return measure()
    if not has_numba_cuda():
        return print(f"expected {MISSING}", file=sys.stderr)
    with TemporaryDirectory() as folder:
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", f"{folder}/libcuda.so.1", str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        Path(folder, "libcuda.so").symlink_to("libcuda.so.1")
        paths = {"LD_LIBRARY_PATH": folder, "NUMBA_CACHE_DIR": f"{folder}/cache", "STAND_IN": "1"}
        return subprocess.run([sys.executable, __file__], check=True, env=os.environ | paths)


if __name__ == "__main__":
    main()
