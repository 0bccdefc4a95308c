"""A user's function that a minimizer calls after each step, by SciPy's rules."""

import inspect
from collections.abc import Callable
from typing import Any


class Callback:
    """A callback: it is given a result with `x` and `fun` if its only parameter is `intermediate_result`, else `x`."""

    def __init__(self, function: Callable, result: type):
        self._function, self._result = function, result
        self.takes_result = set(inspect.signature(function).parameters) == {"intermediate_result"}

    def __call__(self, x: Any, value: float | None) -> bool:
        """Call it with a copy of the point and the value there; whether it asks to stop."""
        try:
            if self.takes_result:
                self._function(intermediate_result=self._result(x=x, fun=value))
            else:
                self._function(x)
        except StopIteration:
            return True
        return False
