"""Scripts run in processes of their own: each under a threading layer, with a time limit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BOUNDED, SLOW, for_maintainers

LAYERS = ["omp", "workqueue", "tbb"]
LIBRARY = Path(sys.prefix, "lib", "libtbb.so.12")
"""Of the package tbb, which Numba finds only when it is loaded already."""

every_layer = pytest.mark.parametrize("layer", LAYERS)
usual_layer = pytest.mark.parametrize("layer", [LAYERS[0], *for_maintainers(*LAYERS[1:])])
"""The others are for maintainers: a child takes seconds."""

real_processes = pytest.mark.skipif(SLOW or BOUNDED, reason="real threads and processes, where kernels are compiled")

START = """
import ctypes, os, signal, sys, threading, time
import numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's jobs in the background ignore
if os.environ.get("NUMBA_THREADING_LAYER") == "tbb":
    ctypes.CDLL(os.environ["TBB_LIBRARY"], ctypes.RTLD_GLOBAL)
import numba
import fastadapt as fa

LARGE = 2**18 + 3  # weights, from which on a step uses threads

def weights(seed, n=LARGE, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(n).astype(dtype)

def serial(cls, n, steps, **how):
    '''The weights after so many steps with one thread, of an optimizer of their own.'''
    p = weights(0, n)
    opt = cls(p)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    for k in range(steps):
        opt.step(weights(1 + k % 3, n), **how)
    numba.set_num_threads(before)
    return p
"""


def child(
    code: str, layer: str = "omp", options: tuple = (), limit: float = 120, **env: str | None
) -> tuple[list[str], str]:
    """Run a script behind `START` in a process that has to end well; the lines that it prints, and its warnings.

    What `env` says is None is not in the environment.
    """
    if layer == "tbb" and not LIBRARY.exists():
        pytest.skip("tbb is not installed")
    env = os.environ | {"NUMBA_THREADING_LAYER": layer, "TBB_LIBRARY": str(LIBRARY)} | env
    env = {name: value for name, value in env.items() if value is not None}
    command = [sys.executable, *options, "-c", START + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr
