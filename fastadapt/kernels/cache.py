"""Numba's disk cache: where it lies, what it must know of a kernel, and what to do where it cannot be written."""

import warnings
from enum import Enum
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from types import CodeType, FunctionType, SimpleNamespace

import numpy as np
from numba import config, njit
from numba.core.caching import FunctionCache
from numba.core.serialize import NumbaPickler
from numba.extending import register_jitable

from ..functions import LIBRARIES, copied, reads, users


@cache
def source_digest():
    """A digest of the text of this folder, the devices' and a group's row: an edit there makes all kernels anew."""
    digest, here = sha256(), Path(__file__).parent
    for file in sorted([*here.glob("*.py"), *here.with_name("devices").glob("*.py"), here.with_name("group_row.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class _Content(NumbaPickler):
    """Pickles a function by what it does: nothing is in it that differs from session to session, or by where it stands.

    A user's function is its code and what it reads, as are those that it calls: by name they would go stale. A jitted
    one is still a number of the session: what Numba compiled of it is called by that.
    """

    def reducer_override(self, obj):
        if isinstance(obj, CodeType):  # the file of a notebook's cell has the number of its process in its name
            return self.dispatch_table[CodeType](obj.replace(co_filename="", co_firstlineno=1))
        if isinstance(obj, FunctionType) and users(obj):
            return object, (), (obj.__qualname__, obj.__defaults__, obj.__kwdefaults__, obj.__code__, reads(obj))
        if isinstance(obj, type) and (obj.__module__ or "").partition(".")[0] not in LIBRARIES:
            return object, (), (obj.__qualname__, _constants(obj))
        return super().reducer_override(obj)


def _constants(cls):
    """What a function may read of a user's class: by its name it would go stale."""
    if issubclass(cls, Enum):
        return [(member.name, member.value) for member in cls]
    kinds = (bool, int, float, complex, str, tuple, FunctionType)
    return [
        (name, value) for name, value in vars(cls).items() if isinstance(value, kinds) and not name.startswith("__")
    ]


def content(function):
    """What a function does, and all that it calls, in bytes."""
    with BytesIO() as found:
        _Content(found, protocol=4).dump(function)
        return found.getvalue()


def named(function, flags=""):
    """The function, by a name that says what is in it.

    Numba's names of a function made by another function differ only by how many were compiled before in the session. Of
    two kernels that were compiled in different sessions, and are loaded from the disk cache in a third, parts can then
    have one name, and the linker takes the first of them for both.
    """
    digest = sha256(content(function) + source_digest().encode() + flags.encode()).hexdigest()
    function.__qualname__ += f"_{digest[:16]}"
    return function


kernel_part = register_jitable(no_cfunc_wrapper=True)
"""Let kernels call a function. Without the wrapper for callers in C a kernel compiles in five sixths of the time."""


def jitable(function, fastmath=False, forceinline=False):
    """The same of a function that another function made."""
    options, flags = {"forceinline": forceinline, "no_cfunc_wrapper": True}, ""
    if fastmath:
        options["fastmath"], flags = fastmath, str(sorted(fastmath) if isinstance(fastmath, set) else fastmath)
    return register_jitable(**options)(named(function, flags))


def private(function, fastmath=False, forceinline=False):
    """A copy of a user's function that kernels can call, with copies of the jitted ones that it calls.

    These are compiled as a part of the kernel, by its flags and a name of their own (see `named`).
    """
    return jitable(apart(function), fastmath, forceinline)


def apart(function):
    """A copy of a user's function with copies of the jitted ones that it calls."""
    return copied(function, lambda copy, jitted: jitable(copy, jitted.targetoptions.get("fastmath", False)))


def jit(function, signature, parallel=False, nogil=False):
    """Compile for the CPU, at once, so that what does not compile is an error before a step touches anything."""
    # error_model="numpy": Python's tests every divisor for zero, which stops vectorisation. No fastmath: at the
    # speed of memory it gains nothing, and without it the bits are the same for every number of threads.
    compiler = njit(parallel=parallel, nogil=nogil, error_model="numpy")(named(function))
    if config.DISABLE_JIT:  # compiled code does not warn either
        return np.errstate(all="ignore")(function)
    return load_or_compile(compiler, signature, FunctionCache)


def load_or_compile(compiler, signature, kind):
    """What a dispatcher of Numba compiles for a signature, or finds in a disk cache, which is of a kind of Numba's."""
    try:
        compiler._cache = kernel_cache(kind)(compiler.py_func, compiler.targetoptions.get("parallel", False))
    except Exception as error:  # no folder was found
        warn_of_no_cache(error)
    compiler.compile(signature)
    compiler.disable_compile()
    return compiler


@cache
def kernel_cache(kind):
    """Numba's class of caches with folders and a key of ours.

    Not beside the package: what an uninstaller did not install it leaves there, and Python then imports the folder.
    """
    numbas = kind._impl_class

    class Impl(numbas):
        _locator_classes = [each for each in numbas._locator_classes if "InTree" not in each.__name__]  # noqa: RUF012

    class KernelCache(kind):
        _impl_class = Impl

        def __init__(self, function, parallel=False):
            super().__init__(function)
            # Numba makes the key of a function's code and closure; ours says all of it, and how it is compiled.
            key = content(function) + repr((source_digest(), parallel, config.BOUNDSCHECK)).encode()
            self._py_func = SimpleNamespace(__code__=SimpleNamespace(co_code=key), __closure__=None)

        def load_overload(self, *given):
            try:
                return super().load_overload(*given)
            except Exception as error:  # a file is damaged
                return warn_of_no_cache(error)

        def save_overload(self, *given):
            try:
                super().save_overload(*given)
            except Exception as error:  # a disk is full
                warn_of_no_cache(error)

    return KernelCache


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
