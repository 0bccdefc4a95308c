"""Say what this machine offers."""

import os
import platform
from statistics import median

import numpy as np

from . import ceiling, machine, timing


def run(args) -> int:
    for name, value in facts(args.size):
        print(f"{name:<10} {value}", flush=True)
    return 0


def facts(size):
    """A name and a text for each fact, each found when it is asked for: the last one takes a second."""
    versions = {
        "python": platform.python_version(),
        **machine.versions("fastadapt", "numpy", "numba", "numba-cuda"),
    }
    yield "versions", listed(versions)
    yield "race extra", listed(machine.versions("rich", "matplotlib", "scikit-learn")) or "not installed"
    threads = machine.threads()
    yield "processor", f"{machine.processor()}, {threads['cores']} cores"
    yield "threads", f"{threads['threads']} (Numba's {threads['layer']} layer; NUMBA_NUM_THREADS sets it)"
    gpu = machine.gpu()
    what = "{name}, {memory_gb:.0f} GB, compute capability {capability}"
    yield "GPU", gpu["missing"] if "missing" in gpu else what.format(**gpu)
    yield "cache", cache()
    yield "bandwidth", bandwidth(size)


def listed(versions):
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def cache():
    folder = machine.cache_folder()
    if folder is None:
        return "no folder can be written: every process compiles its kernels; set NUMBA_CACHE_DIR to one"
    wanted = os.environ.get("NUMBA_CACHE_DIR", "")
    ignored = f"; NUMBA_CACHE_DIR={wanted} cannot" if not folder.startswith(wanted) else ""
    return f"{folder} (can be written{ignored})"


def bandwidth(size):
    """What the ceiling of Adam reaches: three arrays read and written, a fourth read."""
    g = np.full(size, 1e-3, np.float32)
    rounds = timing.take_turns({"ceiling": ceiling.cpu_step(2, g)}, rounds=7, seconds=timing.cpu_seconds)
    seconds, moved = median(rounds["ceiling"]), ceiling.bytes_a_weight(2)
    return (
        f"{moved * size / seconds / 1e9:.1f} GB/s: {size:,} float32 weights, {moved:g} bytes each "
        f"in a step of Adam, take {seconds * 1e3:.3g} ms or more"
    )
