"""The lines of a rule's own `update`, with the numbers of every step: from the very function that ran."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from ...functions import written
from .reader import Line, Reader


class Formula:
    """The lines of an `update`, and their numbers; without lines where its text is not there, as in some shells.

    A value has a key: `m.0` is m as it was handed over, `m.1` after the first line that sets it, and so on; after an
    `if` the names that it may have set have new keys. `p.new` is the weight that is returned. `kept` has the key of
    each state as it is returned, where the one `return` is not inside of an `if`.
    """

    def __init__(self, update: Callable):
        self.update = written(update)
        parameters = inspect.signature(self.update).parameters.values()
        self.before = [each.name for each in parameters if each.kind is each.POSITIONAL_ONLY]
        self.coefficients = [each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY]
        self.lines: list[Line] = []
        self.kept: dict[str, str] = {}
        self.program: list[tuple] = []
        text = _text(self.update)
        if text is not None:
            read = Reader(self.update.__qualname__, text, self.before, self.coefficients)
            self.lines, self.kept, self.program = read.lines, read.kept, read.program

    def values(self, given: dict[str, float]) -> dict[str, float]:
        """The values of all keys, for the weight, the gradient, the states and the coefficients by their names."""
        found = {f"{name}.0": value for name, value in given.items()}
        self._run(self.program, dict(given), found)
        return found

    def _run(self, program, names, found):
        scope = self.update.__globals__
        for kind, *what in program:
            if kind == "set":
                name, key, code = what
                found[key] = names[name] = eval(code, scope, names)
            elif kind == "if":
                test, body, other, joined = what
                if self._run(body if eval(test, scope, names) else other, names, found):
                    return True
                found.update({key: names[name] for name, key in joined if name in names})
            else:
                found.update({key: eval(code, scope, names) for key, code in what[0]})
                return True
        return False


def _text(function):
    """The text of a function, None where there is none, as in some shells."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None


def described(formula: Formula) -> list[dict[str, Any]]:
    """The lines for the page."""
    return [
        {"target": each.target, "key": each.key, "depth": each.depth, "tokens": [
            token if isinstance(token, str) else {"name": token[0], "key": token[1]} for token in each.tokens
        ]}
        for each in formula.lines
    ]  # fmt: skip
