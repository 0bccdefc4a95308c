"""A rule as the engine sees it: what the functions of a class declare by their signatures."""

from collections.abc import Callable
from dataclasses import dataclass

from .reductions import Reductions


@dataclass(frozen=True, eq=False)
class Rule:
    """One `update` of an optimizer: its states in order, which of them are never negative and which keep the weights'
    type, and how many coefficients it has."""

    name: str
    update: Callable
    states: tuple[str, ...]
    nonnegative: tuple[bool, ...]
    full_precision: tuple[bool, ...]
    coefs: int
    reduce: Callable | None = None
    """What gives the terms of the sums before a step, of one weight."""
    sums: int = 0
    """How many these are."""
    terms: int = 0
    """How many terms `update` returns behind its states."""


@dataclass(frozen=True, eq=False)
class Declaration:
    """What a class of optimizers declares beside its updates."""

    coefficients: Callable
    """The function as it was written."""
    count: int
    """How many hyperparameters it takes."""
    names: tuple[str, ...]
    """The hyperparameters that stand in a group's row: those that it takes, then others that `combine` takes."""
    starts: tuple[str, ...]
    """Those that `start` takes."""
    switches: frozenset[str]
    """Those that choose the update."""
    decays_itself: bool
    """Whether it takes `weight_decay`, and so nothing is done around it."""
    reductions: Reductions | None
    """Its sums and scalars, where it has any."""
    at_first: Callable
    """The function `(t, *hyperparameters)` that gives its coefficients and those of `combine`, as at first."""
    group: type
    """The class of its groups."""
