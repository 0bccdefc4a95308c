"""A user's functions as they were written: what they read, what they call, and what in them no kernel can do."""

import dis
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

LIBRARIES = sys.stdlib_module_names | {"numpy", "numba", "numba_cuda", "fastadapt"}
"""Packages whose functions are not looked into: Numba has machine code of its own for them, and ours are known."""

OUR_USERS = ("fastadapt.commands", "fastadapt.pages")
"""Parts of ours whose functions are looked into like a user's."""

CONSTANT = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_GLOBAL", "BUILD_SLICE")
"""Instructions that give an index which is the same for every weight."""

FAULTS = {
    "RAISE_VARARGS": "raises one",
    "STORE_SUBSCR": "writes by an index",
    "DELETE_SUBSCR": "deletes by an index",
    **dict.fromkeys(("BUILD_LIST", "BUILD_MAP", "BUILD_SET"), "makes a list, a dict or a set"),
}
"""What cannot be done in an update, by the instruction."""

NO_ARITHMETIC = {"random", "linalg", "fft", "array", "empty", "ones", "zeros", "full", "arange", "linspace"}
"""Parts of NumPy that make arrays, raise errors, or give something else each time."""


def written(function: Any) -> Any:
    """The Python function that Numba's decorators were given, or the function itself."""
    return getattr(function, "py_func", function)


@contextmanager
def naming_the_reason(name: str) -> Iterator[None]:
    """Turn whatever Numba raises where it compiles a user's function into a TypeError that names the function."""
    try:
        yield
    except Warning:  # which the user made an error
        raise
    except Exception as error:  # Numba lets errors of every kind through
        raise TypeError(f"{name}: Numba cannot compile it: {_reason(error)}") from error


def _reason(error):
    """The innermost reason that Numba gives, and the line of the source that it is in."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    failed = [k for k, line in enumerate(lines[:-1]) if FAILED in line]
    if not failed:
        return "its reason is above"
    reason, *behind = lines[failed[-1] + 1 :]
    where = next((line.rstrip(":") for line in behind if line.startswith('File "')), "")
    return f"{reason} ({where})" if where else reason


FAILED = "Failed in nopython mode pipeline"
"""What stands in Numba's errors before each reason; the last one is the innermost."""


def users(function: Any) -> bool:
    """Whether it is a function that a user wrote, perhaps one that is jitted."""
    source = written(function)
    if not isinstance(source, FunctionType):
        return False
    module = source.__module__ or ""
    return module.partition(".")[0] not in LIBRARIES or module.startswith(OUR_USERS)


def reads(function: FunctionType) -> dict[str, Any]:
    """What a function reads by global names, or from the function around it: the values by their names.

    Of a module it is what is read there: `{"helpers.square": <function>}`.
    """
    free = function.__code__.co_freevars
    found, name, value = {}, "", None
    for instruction in _instructions(function.__code__):
        if isinstance(value, ModuleType) and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found.pop(name, None)
            name, value = f"{name}.{instruction.argval}", getattr(value, instruction.argval, None)
        elif (instruction.opname == "LOAD_GLOBAL" and instruction.argval in function.__globals__) or (
            instruction.opname == "LOAD_DEREF" and instruction.argval in free
        ):
            name, value = instruction.argval, _read(function, instruction.argval)
        else:
            name, value = "", None
        if name:
            found[name] = value
    return found


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """Those of a function, and of the functions in it."""
    yield from (each for each in dis.get_instructions(code) if each.opname not in ("EXTENDED_ARG", "CACHE"))
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _instructions(value)


@cache
def reads_values(start: Callable) -> bool:
    """Whether a function does more with its first parameter, an array, than ask for its shape and dtype."""
    source = written(start)
    if not isinstance(source, FunctionType):
        return True
    name = source.__code__.co_varnames[0]
    for each, behind in pairwise(_instructions(source.__code__)):  # the last one loads nothing
        loaded = each.argval if isinstance(each.argval, tuple) else (each.argval,)
        of_a_layout = behind.opname == "LOAD_ATTR" and behind.argval in OF_A_LAYOUT
        if each.opname.startswith("LOAD_") and name in loaded and not of_a_layout:
            return True
    return False


OF_A_LAYOUT = ("shape", "dtype", "size", "ndim")


def copied(function: FunctionType, made: Callable[[FunctionType, Any], Any], above: tuple = ()) -> FunctionType:
    """A copy of a function that calls `made(copy, jitted)` for each jitted function of the user's, which is copied too.

    Those that were given signatures, or call themselves, stay what they are.
    """
    above, found = (*above, function), {}
    for name, value in reads(function).items():
        source, (root, _, attribute) = written(value), name.partition(".")
        if source is value or not users(value) or not value._can_compile or source in above or "." in attribute:
            continue
        new = made(copied(source, made, above), value)
        if attribute:
            module = found.setdefault(root, ModuleType(root))
            vars(module).update({**vars(_read(function, root)), **vars(module), attribute: new})
        else:
            found[root] = new
    parts = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    cells = tuple(CellType(found[name]) if name in found else cell for name, cell in parts)
    scope = {**function.__globals__, **found} if found else function.__globals__
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _read(function, name):
    """What a function reads by a name."""
    free = function.__code__.co_freevars
    return function.__closure__[free.index(name)].cell_contents if name in free else function.__globals__[name]


def refuse_errors(name: str, update: Callable) -> None:
    """Raise TypeError for an update that could raise an error, itself or in a function that it calls.

    Compiled code stops there, with some weights updated and others not, and in a thread the error is lost.
    """
    for where, function in _calls(update):
        if fault := _fault(function):
            raise TypeError(
                f"{name}: expected arithmetic that raises no error, but {where} {fault}, and compiled code cannot stop "
                "there, because other weights may be updated by then: check hyperparameters before the optimizer is "
                "made, and return NaN for a weight that has no value"
            )


def refuse_raises(name: str, objective: Callable) -> None:
    """Raise TypeError for an objective with a `raise` or an `assert`, in itself or in a function that it calls."""
    for where, function in _calls(objective):
        if any(each.opname == "RAISE_VARARGS" for each in _instructions(function.__code__)):
            raise TypeError(
                f"{name}: expected a function that raises no error, but {where} {FAULTS['RAISE_VARARGS']}, and what "
                "runs in threads cannot stop there: return NaN where it has no value, and that problem stops"
            )


def _calls(function):
    """A function and all that it calls of the user's, each with how to speak of it."""
    seen, left = set(), [written(function)]
    while left:
        found = left.pop()
        if found in seen:
            continue
        seen.add(found)
        yield "it" if found is written(function) else f"{found.__qualname__}, which it calls,", found
        for value in reads(found).values():
            left += [written(each) for each in (value if isinstance(value, tuple) else (value,)) if users(each)]


def _fault(function):
    """What there is in a function that can raise an error."""
    code, constant = function.__code__, False
    every = {instruction.opname for instruction in _instructions(code)}
    for name, fault in FAULTS.items():
        if name in every:
            return fault
    for instruction in _instructions(code):
        name, value = instruction.opname, instruction.argval
        indexes = name == "BINARY_SUBSCR" or instruction.argrepr == "[]"  # from Python 3.14 on
        if indexes and not constant:
            return "reads by an index that it computes (write out the cases, or loop over the items)"
        if name == "LOAD_GLOBAL" and value in ("next", "iter") and value not in function.__globals__:
            return f"calls {value}"
        free = name == "LOAD_DEREF" and value in code.co_freevars
        constant = name in CONSTANT or free or (constant and name == "LOAD_ATTR")
    for path in reads(function):
        root, *parts = path.split(".")
        module = _read(function, root) if parts else None
        if module in (random, np.random) or (module is np and not NO_ARITHMETIC.isdisjoint(parts)):
            return f"calls {path}"
    return None
