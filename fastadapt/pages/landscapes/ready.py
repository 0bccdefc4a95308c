"""What is compiled already in this process: what is not is compiled in the background, and shown."""

import numpy as np

from .chosen import Chosen


class Ready:
    """The kernels that have run: those of `opt.step`, and those of `fa.minimize_many` ("many", "rates")."""

    def __init__(self):
        self._done: set[tuple] = set()

    def has(self, what: object, chosen: Chosen) -> bool:
        """Whether the kernel of this kind of a rule has run."""
        return self._key(what, chosen) in self._done

    def did(self, what: object, chosen: Chosen) -> None:
        """The kernel of this kind of a rule has run."""
        self._done.add(self._key(what, chosen))

    def _key(self, what, chosen):
        on = frozenset(name for name in chosen.rule.declaration.switches if chosen.hyper.get(name))
        return what, chosen.rule, on


def step_once(chosen: Chosen) -> None:
    """Take a step on two weights, which compiles the rule's kernel or loads it."""
    chosen.rule(np.ones(2), **chosen.hyper).step(np.ones(2))
