"""Scripts run in processes of their own under a stand-in for NVIDIA's driver: all that happens on the host happens."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BOUNDED, NUMBA_CUDA, SLOW

SOURCE = Path(__file__).parent / "driver" / "driver.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")

no_stand_in = (
    "real kernels, compiled once" if SLOW or BOUNDED
    else "the package numba-cuda is not installed" if not NUMBA_CUDA
    else "Linux only" if sys.platform != "linux"
    else "no C compiler" if COMPILER is None
    else ""
)  # fmt: skip
with_driver = pytest.mark.skipif(bool(no_stand_in), reason=no_stand_in)

START = """
import ctypes, sys, warnings
import numpy as np
from collections import Counter
driver = ctypes.CDLL("libcuda.so.1")
driver.fake_log.restype = ctypes.c_char_p
driver.fake_capture.argtypes = ctypes.c_int, ctypes.c_void_p
driver.fake_other.argtypes = (ctypes.c_uint64,)
from numba import cuda
import fastadapt as fa

SYNCHRONIZE = {"cuCtxSynchronize", "cuStreamSynchronize", "cuEventSynchronize"}
ALLOCATE = {"cuMemAlloc", "cuMemAllocAsync", "cuMemFree", "cuMemFreeAsync", "cuMemHostAlloc", "cuMemFreeHost"}

class Call(dict):
    '''A call of the driver: its name, and what was written down with it.'''

    def __init__(self, line):
        self.name, *rest = line.split()
        super().__init__(item.split("=", 1) for item in rest)

    @property
    def stream(self):
        return int(self["stream"], 0)

    @property
    def args(self):
        return [int(arg) for arg in self["args"].split(",")]

def calls(function=lambda: None):
    '''The calls of the driver while a function runs; what came before is forgotten.'''
    driver.fake_reset()
    function()
    return [Call(line) for line in driver.fake_log().decode().splitlines()]

def named(found, name):
    '''Those calls whose name starts so.'''
    return [call for call in found if call.name.startswith(name)]

def refused(what, error, *words):
    try:
        what()
    except error as reason:
        assert all(word in str(reason) for word in words), reason
    else:
        raise AssertionError("not refused")

def device(n, seed=0, dtype=np.float32):
    return cuda.to_device(np.random.default_rng(seed).standard_normal(n).astype(dtype))
"""

ONE = """
p, g = device(1000), device(1000, 1)
opt = fa.Adam(p)
opt.step(g)
"""
THOUSAND = """
p, g = [device(1000, i) for i in range(1000)], [device(1000, i) for i in range(1000)]
opt = fa.Adam(p)
opt.step(g)
"""

STEP = """
def check_step(found, launches=1, uploads=1, stream=0):
    # A step's row of coefficients is sent each time; that is an upload.
    what = Counter(call.name for call in found)
    assert what["cuLaunchKernel"] == launches, what
    assert not SYNCHRONIZE & what.keys(), what
    assert not ALLOCATE & what.keys(), what
    sent = named(found, "cuMemcpyHtoD")
    assert len(sent) == uploads, what
    assert len(found) == launches + uploads + what["cuStreamIsCapturing"], what
    assert {call.stream for call in found if "stream" in call} == {stream}, found
    return sent, named(found, "cuLaunchKernel")
"""

SERVER = (
    START
    + """
import json, os, signal, traceback

def carry_out(code, limit):
    signal.alarm(limit)
    exec(code, globals())
    sys.stdout.flush()

for line in sys.stdin:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, of threads that others started
        child = os.fork()
    if not child:
        try:
            carry_out(*json.loads(line))
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    print(f"ended {os.waitpid(child, 0)[1]}", flush=True)
"""
)


def stand_in(folder):
    """Yield the function `(code, *arguments, limit, **environment)` that runs a script and gives its lines.

    The script stands behind `START`, and has to end well. All share a disk cache. Scripts alone are children of one
    process, which has imported all; with arguments or an environment of its own, one is a process of its own.
    """
    build = [COMPILER, "-O1", "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(build, check=True)
    (folder / "libcuda.so").symlink_to("libcuda.so.1")  # for which Numba looks first
    paths = {"LD_LIBRARY_PATH": folder, "PYTHONPATH": SOURCE.parents[2]}
    shared = {name: f"{path}{os.pathsep}{os.environ.get(name, '')}" for name, path in paths.items()}
    shared |= {"NUMBA_CACHE_DIR": str(folder / "cache")}

    def run(code: str, *arguments: str, limit: int = 120, **environment: str) -> list[str]:
        if arguments or environment:
            command = [sys.executable, "-W", "error", *(arguments or ("-c", START + code))]
            env = os.environ | shared | environment
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=env, cwd=folder)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout.splitlines()
        print(json.dumps([code, limit]), file=server.stdin, flush=True)
        lines = []
        for line in server.stdout:
            if line.startswith("ended "):
                assert line == "ended 0\n", "".join(lines) + line
                return [line.rstrip("\n") for line in lines]
            lines.append(line)
        raise AssertionError("the process has ended\n" + "".join(lines))

    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | shared,
        cwd=folder,
    ) as server:
        yield run
