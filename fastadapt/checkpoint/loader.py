"""A checkpoint read: all that is wrong with it, or how to put it in place."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.counters import Counters, Skipped
from ..group_checks import CHOOSES
from ..hyperparameters import is_newer, newest, renamed
from ..layout import Layout
from .paths import Path, groups_of, joined, kept_of, states_of

if TYPE_CHECKING:  # importing the package loads no kernel
    from ..engine.step import Step


def loading(
    step: "Step", chosen: list[int], leaves: list[tuple[Path, Any]], keys: list[Path]
) -> list[Callable[[], Any]]:
    """The jobs of loading a flat checkpoint, in which the arrays are named by `keys`, into an optimizer.

    `chosen` are the groups of its arrays. ValueError for all that is wrong with the checkpoint.
    """
    reader = Reader(step, chosen, leaves, keys)
    jobs = reader.read()
    if reader.problems:
        lines = "".join(f"\n  {problem}" for problem in reader.problems)
        raise ValueError(f"{step.cls.__name__}: nothing was loaded, because the checkpoint does not fit:{lines}")
    return jobs


SCALARS_SINCE = 2
"""The version of checkpoints that have a rule's scalars. Those of older ones are what the steps would have made."""


class Reader:
    """Reads what `loading` is given; what is wrong is gathered in `problems`."""

    def __init__(self, step, chosen, leaves, keys):
        leaves = _renamed(step.cls, leaves)
        self.step, self.chosen, self.found, self.keys = step, chosen, dict(leaves), keys
        twice = [path for path, count in Counter(path for path, _ in leaves).items() if count > 1]
        self.problems = [f"{_written(path)}: expected keys that differ as strings" for path in twice]

    def read(self) -> list[Callable[[], Any]]:
        """The jobs of putting everything in place."""
        cls, known = self.step.cls, ("rule_version",) in self.found
        self.version = self.version_at("version", newest())
        self.rule_version = self.version_at("rule_version", newest(cls.since)) if known else 1
        self.take(("optimizer",), repr(cls.__name__), lambda name: isinstance(name, str) and name == cls.__name__)
        most = self.count(("t",), default=None)
        t, skipped = most or 0, Skipped(*(self.count(("skipped", name)) for name in Skipped._fields))
        jobs = self.hyper()
        for keys, group in zip(self.keys, self.chosen, strict=True):
            expected = f"group {group}, where this optimizer has it (0 is none)"
            self.take(("group", *keys), expected, lambda value, group=group: _whole(value) and value == group)
        for batch in self.step.batches:
            counts = [self.count(("counts", *self.keys[i]), most) for i in batch.members]
            jobs += batch.missing([t - count for count in counts])
        if self.version >= SCALARS_SINCE or any(path[:1] == ("scalars",) for path in self.found):
            for path, rows, at, k in kept_of(self.step, self.keys):
                jobs.append(partial(rows.__setitem__, (at, k), self.real(path)))
        else:
            jobs.append(partial(self.step.replay, t))
        jobs += self.step.restarting(Counters(t, skipped))
        states = []
        for path, batch, k, i in states_of(self.step.batches, self.keys):
            state = batch.state
            parts = {part: self.array(joined(path, part), *kind) for part, kind in state.expected(k, i).items()}
            if parts.get("order", MISSING) is not MISSING and not _dense(state.params[i], parts["order"]):
                self.wrong((*path, "order"), f"strides of shape {state.params[i].shape}", parts["order"])
            states.append((state, k, i, parts))
        self.problems += [f"{_written(path)}: not expected" for path in self.found]
        if not self.problems:  # what can fail is done here, before anything is put in place
            for state, k, i, parts in states:
                jobs += state.restoring(k, i, state.reordered(k, i, parts))
        return jobs

    def wrong(self, path, expected, value):
        text = repr(value)
        text = text if len(text) < 60 else text[:60] + "…"
        self.problems.append(f"{_written(path)}: expected {expected}, not {text}")

    def take(self, path, expected="", fits=lambda value: True, default=None):
        """The value at a path; the default, and a problem, where there is none or it does not fit."""
        value = self.found.pop(path, MISSING)
        if value is MISSING:
            self.problems.append(f"{_written(path)}: missing")
        elif fits(value):
            return value
        else:
            self.wrong(path, expected, value)
        return default

    def version_at(self, name, highest):
        """A version, from 1 to the highest that is known here."""
        expected = "1" if highest == 1 else f"1 to {highest}"
        return self.take((name,), expected, lambda value: _whole(value) and 1 <= value <= highest, highest)

    def count(self, path, most=None, default=0):
        def fits(value):
            return _whole(value) and 0 <= value < 2**62 and (most is None or value <= most)

        found = self.take(path, "a count" if most is None else f"a count of at most t, {most}", fits, default)
        return default if found is default else int(found)

    def real(self, path):
        """A number of float64."""
        value = self.take(path)
        if value is not MISSING and (isinstance(value, bool) or not isinstance(value, Real)):
            self.wrong(path, "a number", value)
        elif value is not MISSING:
            return float(value)
        return 0.0

    def array(self, path, shape, dtype):
        value = self.take(path, f"an array of {dtype}", lambda value: isinstance(value, np.ndarray), MISSING)
        if value is not MISSING and (value.dtype != dtype or value.shape != shape):
            found = f"{value.shape} of {value.dtype}"
            self.problems.append(f"{_written(path)}: expected shape {shape} of {dtype}, not {found}")
            return MISSING
        return value

    def hyper(self):
        """The jobs of restoring the hyperparameters; one that is newer than the checkpoint has its default."""
        cls, owns, before = self.step.cls, [], len(self.problems)
        for path, group in groups_of(self.step.groups):
            names, own = [at[-1] for at in self.found if at[:-1] == path], {}
            for name in cls.defaults if path == ("hyper",) else names:
                newer = (*path, name) not in self.found and is_newer(cls, name, self.version, self.rule_version)
                value = cls.defaults[name] if newer else self.take((*path, name), default=MISSING)
                if value is not MISSING:
                    self.check(path, group, name, value, own)
            owns.append(own)
        if len(self.problems) == before:
            try:
                return self.step.groups[0].restoring(owns)
            except (TypeError, ValueError, ArithmeticError) as error:
                self.problems.append(f"{_written(('hyper',))}: {error}")
        return []

    def check(self, path, group, name, value, own):
        """Put the value of a hyperparameter of a group, checked, among its own."""
        try:
            own[name], now = group.checked(name, value), getattr(group, name)
            if name in CHOOSES and own[name] != now:
                self.wrong((*path, name), f"{now!r}, as this optimizer was made", value)
        except (TypeError, ValueError) as error:
            self.problems.append(f"{_written((*path, name))}: {error}")


MISSING = object()
"""Stands for an entry that is not there, or is wrong."""


def _renamed(cls, leaves):
    """The leaves of a checkpoint with the names that hyperparameters have now, where only the old one is in it."""
    paths, new = {path for path, _ in leaves}, []
    for path, value in leaves:
        now = (*path[:-1], *renamed(cls, {path[-1]: value})) if path[:1] in (("hyper",), ("groups",)) else path
        new.append((path if now in paths else now, value))
    return new


def _whole(value):
    """Whether a value is an integer, NumPy's or Python's."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _dense(found, steps):
    return not found.size or Layout(None, 0, found.shape, tuple(steps), np.dtype(np.uint8), True, False).dense()


def _written(path):
    return "".join(f"[{key!r}]" for key in path)
