"""The hyperparameters of a rule besides its learning rate: which there are, and those that a request sets."""

from functools import cache
from typing import Any

from ...hyper import checked
from ..checks import RequestError, number, part, switch
from .training import rules

Hyper = tuple[tuple[str, float | bool], ...]
"""Names with values, sorted by name."""

FAR = 1e6


@cache
def controls(rule: str) -> tuple[dict[str, Any], ...]:
    """A control for each hyperparameter of a rule but the learning rate, read from the rule itself."""
    return tuple(control for control in rules()[rule].described() if control["name"] != "lr")


def hyper_of(item: dict[str, Any], rule: str) -> Hyper:
    """The hyperparameters that a request sets for a rule, checked as the rule itself does."""
    asked, known = part(item, "hyper"), {control["name"]: control for control in controls(rule)}
    found = {}
    for name in sorted(asked):
        if name not in known:
            raise RequestError(f"{rule}: expected hyperparameters of {', '.join(known)}, not {name[:40]!r}")
        kind = known[name]["kind"]
        value = switch(asked, name) if kind == "switch" else number(asked, name, -FAR, FAR)
        try:
            checked(rules()[rule].rule, name, value)
        except (TypeError, ValueError) as reason:
            raise RequestError(str(reason)) from None
        if value != known[name]["default"]:
            found[name] = value
    return tuple(found.items())
