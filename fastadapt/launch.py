"""Starts Numba's threads so that they sleep between steps: spinning, they take the cores from the user's own work."""

import ctypes
import os
import sys
from pathlib import Path

import numba

POLICY = "OMP_WAIT_POLICY"

USERS = (POLICY, "GOMP_SPINCOUNT")
"""How GNU OpenMP's threads wait for work; it reads them when it is loaded, and never again."""

_spin: bool | None = None
"""What `spin` says; None before `launch`."""


def spin() -> bool:
    """Whether Numba's threads spin for some milliseconds after a step, though the user did not ask for it."""
    return bool(_spin)


def launch() -> None:
    """Start Numba's threads, unless they run; those of GNU OpenMP so that they sleep, if it is still to be loaded.

    Raises
    ------
    ValueError
        Numba has no threading layer here, or not the one that the user wants.
    """
    global _spin
    if _spin is None and not numba.config.DISABLE_JIT:
        users = _users()
        sleep = not users and _start_asleep()
        numba.get_num_threads()  # starts them if they do not run
        _spin = layer() == "omp" and not users and not sleep


def _users():
    """Whether the user says how threads wait, in Python's environment or in C's."""
    if any(name in os.environ for name in USERS):
        return True
    if os.name != "posix":
        return False
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    return any(getenv(name.encode()) is not None for name in USERS)


def _start_asleep():
    """Start the threads of GNU OpenMP so that they wait passively, if it may be Numba's layer; whether they do."""
    wanted = str(numba.config.THREADING_LAYER).lower() in ("default", "omp", "threadsafe")
    if not wanted or not sys.platform.startswith("linux") or layer():
        return False
    if hasattr(ctypes.CDLL(None), "GOMP_parallel"):  # PyTorch loads its own so that whoever comes later calls it
        return False
    before = _runtimes()
    os.putenv(POLICY, "passive")  # in C's environment alone, not in `os.environ`, for the milliseconds of loading
    try:
        numba.get_num_threads()
    finally:
        os.unsetenv(POLICY)
    return bool(_runtimes() - before)


def layer() -> str | None:
    """Numba's threading layer, if its threads were started."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None


def _runtimes():
    """The files of the OpenMP libraries that are loaded, as far as the system tells."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return set()
    files = {line.split(maxsplit=5)[-1] for line in lines}
    return {file for file in files if Path(file).name.startswith(("libgomp", "libomp", "libiomp"))}
