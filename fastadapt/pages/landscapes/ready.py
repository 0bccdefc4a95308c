"""What is compiled already in this process: what is not is compiled in the background, and shown."""

from typing import Any

import numpy as np

from .contenders import Contender

Chosen = tuple[Contender, dict[str, Any]]


class Ready:
    """The kernels that have run: those of `opt.step`, and those of `fa.minimize_many` ("many", "rates")."""

    def __init__(self):
        self._done: set[tuple] = set()

    def has(self, what: str, chosen: Chosen) -> bool:
        """Whether the kernel of this kind of a rule has run."""
        return self._key(what, chosen) in self._done

    def did(self, what: str, chosen: Chosen) -> None:
        """The kernel of this kind of a rule has run."""
        self._done.add(self._key(what, chosen))

    def _key(self, what, chosen):
        contender, hyper = chosen
        return what, contender.rule, frozenset(name for name in contender.rule._switches if hyper.get(name))


def step_once(chosen: Chosen) -> None:
    """Take a step on two weights, which compiles the rule's kernel or loads it."""
    contender, hyper = chosen
    contender.rule(np.ones(2), **hyper).step(np.ones(2))
