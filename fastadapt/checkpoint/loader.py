"""A checkpoint read: all that is wrong with it, or how to put it in place."""

from collections import Counter
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.counters import Counters, Skipped
from ..group import Group
from ..hyperparameters import is_newer, newest, renamed
from ..layout import Layout

if TYPE_CHECKING:  # importing the package loads no kernel
    from ..engine.batch import Batch
    from ..engine.step import Step

Path = tuple[str, ...]


def groups_of(groups: list[Group]) -> list[tuple[Path, Group]]:
    """The groups of an optimizer, with the paths to them in a checkpoint."""
    return [(("hyper",) if k == 0 else ("groups", str(k - 1)), group) for k, group in enumerate(groups)]


def states_of(batches: "list[Batch]", keys: list[Path]) -> "Iterator[tuple[Path, Batch, int, int]]":
    """The path to each array's part of each state, averages among them; its batch, and the numbers of both there."""
    for batch in batches:
        names = [("state", name) for name in batch.rule.states] + [("averaged",)] * (batch.average is not None)
        for k, name in enumerate(names):
            for at, i in enumerate(batch.members):
                yield (*name, *keys[i]), batch, k, at


def joined(path: Path, part: str) -> Path:
    """The path to a part of a state, which has no name if it is the only one."""
    return (*path, part) if part else path


class Reader:
    """Reads a flat checkpoint, in which the arrays are named by `keys`, for an optimizer that takes steps by `step`.

    `chosen` are the groups of its arrays. What is wrong is gathered in `problems`.
    """

    def __init__(self, step: "Step", chosen: list[int], leaves: list[tuple[Path, Any]], keys: list[Path]):
        leaves = _renamed(step.cls, leaves)
        self.step, self.chosen, self.found, self.keys = step, chosen, dict(leaves), keys
        twice = [path for path, count in Counter(path for path, _ in leaves).items() if count > 1]
        self.problems = [f"{_written(path)}: expected keys that differ as strings" for path in twice]

    def read(self) -> list[Callable[[], Any]]:
        """The jobs of putting everything in place."""
        cls = self.step.cls
        self.version = self.number(("version",), newest())
        self.rule_version = self.number(("rule_version",), newest(cls.since)) if self.has(("rule_version",)) else 1
        name = self.take(("optimizer",))
        if name is not MISSING and not (isinstance(name, str) and name == cls.__name__):
            self.wrong(("optimizer",), repr(cls.__name__), name)
        before = len(self.problems)
        t = self.count(("t",))
        most = t if len(self.problems) == before else None
        skipped = Skipped(*(self.count(("skipped", name)) for name in Skipped._fields))
        jobs = self.hyper()
        for keys, group in zip(self.keys, self.chosen, strict=True):
            value = self.take(("group", *keys))
            if value is not MISSING and not (_whole(value) and value == group):
                self.wrong(("group", *keys), f"group {group}, where this optimizer has it (0 is none)", value)
        for batch in self.step.batches:
            counts = [self.count(("counts", *self.keys[i]), most) for i in batch.members]
            jobs += batch.missing([t - count for count in counts])
        jobs += self.step.restarting(Counters(t, skipped))
        states = []
        for path, batch, k, i in states_of(self.step.batches, self.keys):
            state = batch.state
            parts = {part: self.array(joined(path, part), *kind) for part, kind in state.expected(k, i).items()}
            if "order" in parts and parts["order"] is not MISSING and not _dense(state.params[i], parts["order"]):
                self.wrong((*path, "order"), f"strides of shape {state.params[i].shape}", parts["order"])
            states.append((state, k, i, parts))
        self.problems += [f"{_written(path)}: not expected" for path in self.found]
        if not self.problems:  # what can fail is done here, before anything is put in place
            for state, k, i, parts in states:
                jobs += state.restoring(k, i, state.reordered(k, i, parts))
        return jobs

    def wrong(self, path, expected, value):
        text = repr(value)
        self.problems.append(
            f"{_written(path)}: expected {expected}, not {text if len(text) < 60 else text[:60] + '…'}"
        )

    def take(self, path):
        value = self.found.pop(path, MISSING)
        if value is MISSING:
            self.problems.append(f"{_written(path)}: missing")
        return value

    def has(self, path):
        return path in self.found

    def number(self, path, highest):
        """A version, from 1 to the highest that is known here."""
        value = self.take(path)
        if value is not MISSING and not (_whole(value) and 1 <= value <= highest):
            self.wrong(path, "1" if highest == 1 else f"1 to {highest}", value)
            return highest
        return highest if value is MISSING else value

    def count(self, path, most=None):
        value = self.take(path)
        if value is MISSING:
            return 0
        if not _whole(value) or not 0 <= value < 2**62 or (most is not None and value > most):
            self.wrong(path, "a count" if most is None else f"a count of at most t, {most}", value)
            return 0
        return int(value)

    def array(self, path, shape, dtype):
        value = self.take(path)
        if value is not MISSING and not isinstance(value, np.ndarray):
            self.wrong(path, f"an array of {dtype}", value)
        elif value is not MISSING and (value.dtype != dtype or value.shape != shape):
            self.problems.append(
                f"{_written(path)}: expected shape {shape} of {dtype}, not {value.shape} of {value.dtype}"
            )
        else:
            return value
        return MISSING

    def value(self, path, name):
        """A hyperparameter; its default if it did not exist yet when the checkpoint was made."""
        cls = self.step.cls
        if not self.has((*path, name)) and is_newer(cls, name, self.version, self.rule_version):
            return cls.defaults[name]
        return self.take((*path, name))

    def hyper(self):
        """The jobs of restoring the hyperparameters."""
        cls, owns, before = self.step.cls, [], len(self.problems)
        for path, group in groups_of(self.step.groups):
            whole = path == ("hyper",)
            names = [at[-1] for at in self.found if at[:-1] == path]
            own = {name: self.value(path, name) for name in (cls.defaults if whole else names)}
            for name, value in own.items():
                if value is MISSING:
                    continue
                try:
                    own[name] = group.checked(name, value)
                    now = group.given(whole=True)[name]
                    if name in cls._fixed and own[name] != now:
                        self.wrong((*path, name), f"{now!r}, as this optimizer was made", value)
                except (TypeError, ValueError) as error:
                    self.problems.append(f"{_written((*path, name))}: {error}")
            owns.append(own)
        if len(self.problems) > before:
            return []
        try:
            return self.step.groups[0].restoring(owns[0], owns[1:])
        except (TypeError, ValueError, ArithmeticError) as error:
            self.problems.append(f"{_written(('hyper',))}: {error}")
        return []


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
