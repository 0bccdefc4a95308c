"""The coefficients of a rule with sums and scalars, step by step, by the rule's own functions as Python."""

import numpy as np


class Combining:
    """Those of a rule of a class for one array, with hyperparameters that are not its defaults."""

    def __init__(self, cls: type, rule, hyper: dict):
        every = cls.defaults | hyper
        self.cls, self.rule, self.found = cls, rule, cls.declaration.reductions
        self.values = [every[name] for name in cls.declaration.names]
        self.kept = np.array(self.found.first(every)) if self.found else None

    def at(self, t: int, weights: list[tuple]) -> tuple:
        """The coefficients of step `t`, before which the weights, their gradients and states are these."""
        own = self.cls.coefficients(t, *self.values[: self.cls.declaration.count])
        if self.found is None:
            return own
        if self.rule.reduce is not None:
            terms = [self.rule.reduce(*each, *own) for each in weights]
            self.kept[: len(self.found.before)] = np.sum(terms, axis=0)
        more, scalars = self.cls.combine(t, *self.kept.tolist(), *(self.values[k] for k in self.found.picks))
        self.kept[self.kept.size - len(scalars) :] = scalars
        return own + more

    def left(self, terms: list[tuple]) -> None:
        """Take the terms that `update` returned behind its states."""
        if self.found is not None and self.found.after:
            first = len(self.found.before)
            self.kept[first : first + len(self.found.after)] = np.sum(terms, axis=0)
