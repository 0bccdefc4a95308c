"""What in a user's function could raise an error, where compiled code cannot stop."""

import random
from collections.abc import Callable

import numpy as np

from .functions import instructions, reads, users, value_of, written

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
        if any(each.opname == "RAISE_VARARGS" for each in instructions(function.__code__)):
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
    every = {instruction.opname for instruction in instructions(code)}
    for name, fault in FAULTS.items():
        if name in every:
            return fault
    before = last = None
    ranges = False
    for instruction in instructions(code):
        name, value = instruction.opname, instruction.argval
        if name == "GET_ITER":  # behind the call of range, whose last argument is its step
            three = last.opname in ("CALL", "CALL_FUNCTION") and last.argval == 3
            if ranges and three and before.opname not in CONSTANT:
                return "loops over a range with a step that it computes, which may be 0"
            ranges = False
        ranges |= name == "LOAD_GLOBAL" and value == "range"
        if name != "PRECALL":
            before, last = last, instruction
        indexes = name == "BINARY_SUBSCR" or instruction.argrepr == "[]"  # from Python 3.14 on
        if indexes and not constant:
            return "reads by an index that it computes (write out the cases, or loop over the items)"
        if name == "LOAD_GLOBAL" and value in ("next", "iter") and value not in function.__globals__:
            return f"calls {value}"
        free = name == "LOAD_DEREF" and value in code.co_freevars
        constant = name in CONSTANT or free or (constant and name == "LOAD_ATTR")
    for path in reads(function):
        root, *parts = path.split(".")
        module = value_of(function, root) if parts else None
        if module in (random, np.random) or (module is np and not NO_ARITHMETIC.isdisjoint(parts)):
            return f"calls {path}"
    return None
