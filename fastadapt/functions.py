"""A user's functions as they were written: what they read, and copies of them with what they call."""

import dis
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

LIBRARIES = sys.stdlib_module_names | {"numpy", "numba", "numba_cuda", "fastadapt"}
"""Packages whose functions are not looked into: Numba has machine code of its own for them, and ours are known."""

OUR_USERS = ("fastadapt.commands", "fastadapt.pages")
"""Parts of ours whose functions are looked into like a user's."""


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
    for instruction in instructions(function.__code__):
        if isinstance(value, ModuleType) and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found.pop(name, None)
            name, value = f"{name}.{instruction.argval}", getattr(value, instruction.argval, None)
        elif (instruction.opname == "LOAD_GLOBAL" and instruction.argval in function.__globals__) or (
            instruction.opname == "LOAD_DEREF" and instruction.argval in free
        ):
            name, value = instruction.argval, value_of(function, instruction.argval)
        else:
            name, value = "", None
        if name:
            found[name] = value
    return found


def instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """Those of a function, and of the functions in it."""
    yield from (each for each in dis.get_instructions(code) if each.opname not in ("EXTENDED_ARG", "CACHE"))
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from instructions(value)


@cache
def reads_values(start: Callable) -> bool:
    """Whether a function does more with its first parameter, an array, than ask for its shape and dtype."""
    source = written(start)
    if not isinstance(source, FunctionType):
        return True
    name = source.__code__.co_varnames[0]
    for each, behind in pairwise(instructions(source.__code__)):  # the last one loads nothing
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
            vars(module).update({**vars(value_of(function, root)), **vars(module), attribute: new})
        else:
            found[root] = new
    parts = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    cells = tuple(CellType(found[name]) if name in found else cell for name, cell in parts)
    scope = {**function.__globals__, **found} if found else function.__globals__
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def value_of(function, name):
    """What a function reads by a name."""
    free = function.__code__.co_freevars
    return function.__closure__[free.index(name)].cell_contents if name in free else function.__globals__[name]
