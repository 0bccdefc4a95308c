"""The hyperparameters of a rule besides its learning rate: which there are, and those that a request sets."""

from functools import cache
from typing import Any

from .. import contenders
from ..checks import part
from .training import rules

Hyper = tuple[tuple[str, float | bool], ...]
"""Names with values, sorted by name."""

FAR = 1e6


@cache
def controls(rule: str) -> tuple[dict[str, Any], ...]:
    """A control for each hyperparameter of a rule but the learning rate, read from the rule itself."""
    return tuple(control for control in rules()[rule].described() if control["name"] != "lr")


def hyper_of(item: dict[str, Any], rule: str) -> Hyper:
    """The hyperparameters that a request sets for a rule and that are not the rule's own."""
    defaults = {control["name"]: control["default"] for control in controls(rule)}
    found = contenders.hyper_of(rules()[rule], part(item, "hyper"), defaults, FAR)
    return tuple((name, found[name]) for name in sorted(found) if found[name] != defaults[name])
