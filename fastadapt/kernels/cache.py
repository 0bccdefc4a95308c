"""Numba's disk cache: what it must know of a kernel, and what to do where it cannot be written."""

import warnings
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import FunctionType

from numba import config, njit
from numba.core.errors import NumbaError
from numba.core.serialize import dumps
from numba.extending import register_jitable


@cache
def cache_key(parallel=False):
    """What every kernel holds in its closure, because Numba's disk cache looks there, and at no flag or other file.

    A digest of this folder's text is in it, so that an edit here makes all kernels anew.
    """
    digest = sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest(), parallel, config.BOUNDSCHECK


def named(function):
    """The function, by a name that says what is in it.

    Numba's names of a function made by another function differ only by how many were compiled before in the session. Of
    two kernels that were compiled in different sessions, and are loaded from the disk cache in a third, parts can then
    have one name, and the linker takes the first of them for both.
    """
    content = sha256(dumps(function) + cache_key()[0].encode()).hexdigest()
    function.__qualname__ += f"_{content[:16]}"
    return function


def jitable(function):
    """Let kernels call a function that another function made."""
    return register_jitable(named(function))


def private(function):
    """A copy of a user's function that kernels can call.

    It is pickled by value into the key of Numba's disk cache, so that the cache hits in another process and misses
    after the function was edited; the function itself would be pickled as a name and go stale.
    """
    parts = function.__code__, function.__globals__, function.__name__, None, function.__closure__
    return jitable(FunctionType(*parts))


def jit(function, signature, parallel=False):
    """Compile for the CPU, at once, so that what does not compile is an error before a step touches anything."""
    function = named(function)
    # error_model="numpy": Python's tests every divisor for zero, which stops vectorisation. No fastmath: at the
    # speed of memory it gains nothing, and without it the bits are the same for every number of threads.
    return kept(lambda cached: njit(signature, cache=cached, parallel=parallel, error_model="numpy")(function))


def kept(compiler):
    """What `compiler(True)` makes with Numba's disk cache, or `compiler(False)` where that fails.

    It fails where no folder for it is found, where the disk is full, and where a file of it is damaged.
    """
    try:
        return compiler(True)
    except NumbaError:  # of what is compiled, not of the cache
        raise
    except Exception as error:
        if "cannot cache" in str(error):  # no folder was found
            warn_of_no_cache(error)
        found = compiler(False)  # which raises if the cache was not to blame
        warn_of_no_cache(error)
        return found


_warned: list[Exception] = []


def warn_of_no_cache(reason):
    """Say once what is amiss, and what to do."""
    if _warned:
        return
    _warned.append(reason)
    warnings.warn(
        f"fastadapt: kernels are compiled anew in every process, because Numba's cache on the disk fails ({reason}); "
        "set NUMBA_CACHE_DIR to a folder that can be written, or empty the one that is used",
        RuntimeWarning,
        stacklevel=2,
    )
