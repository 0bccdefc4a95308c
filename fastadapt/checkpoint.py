"""Checkpoints: all that a resumed run needs of an optimizer as a plain nested dict, and back, strictly."""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any

import numpy as np

from .arrays import Layout
from .clip import Skipped
from .hyper import checked
from .threads import STEPPING, uninterrupted

VERSION = 1

Path = tuple[str, ...]


def taken(opt: Any) -> dict[str, Any]:
    """What `state_dict` gives."""
    _check_names(opt._nest.keys)
    with STEPPING:
        opt._device.synchronize()
        found: dict[Path, Any] = {("version",): VERSION, ("optimizer",): type(opt).__name__, ("t",): opt.t}
        found |= {("skipped", name): value for name, value in opt.skipped._asdict().items()}
        for path, group in _groups(opt):
            found |= {(*path, name): value for name, value in group.given(whole=path == ("hyper",)).items()}
        for batch in opt._batches:
            found |= {("counts", *opt._nest.keys[i]): n for i, n in zip(batch.members, batch.counts(), strict=True)}
        for path, state, k, i in _states(opt):
            found |= {_joined(path, part): array for part, array in state.saved(k, i).items()}
    return nested(found)


def _check_names(keys):
    """Raise ValueError where the names of two arrays are one, or one begins with the other."""
    taken: set[Path] = set()
    for path in keys:
        if path in taken:
            raise ValueError(
                f"params: expected keys that differ as strings, but two arrays are named {'.'.join(path)!r}"
            )
        taken.update(path[:n] for n in range(1, len(path) + 1))


def _groups(opt):
    return [(("hyper",) if k == 0 else ("groups", str(k - 1)), group) for k, group in enumerate(opt._groups)]


def _states(opt) -> Iterator[tuple]:
    for batch in opt._batches:
        for k, name in enumerate(batch.rule.states):
            for at, i in enumerate(batch.members):
                yield ("state", name, *opt._nest.keys[i]), batch.state, k, at


def _joined(path, part):
    return (*path, part) if part else path


def nested(found: dict[Path, Any]) -> dict[str, Any]:
    """A nested dict from the paths to its leaves."""
    root: dict[str, Any] = {}
    for path, value in found.items():
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return root


def flat(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of a nested dict, each with its path; an empty dict is a leaf."""
    if isinstance(node, dict) and (node or not path):
        for key, child in node.items():
            yield from flat(child, (*path, str(key)))
    else:
        yield path, node


def given(opt: Any, state_dict: Any) -> None:
    """What `load_state_dict` does."""
    if not isinstance(state_dict, dict):
        raise TypeError(f"expected a dict, as from state_dict, not {type(state_dict).__name__}")
    with STEPPING:
        reader = _Reader(opt, dict(flat(state_dict)))
        commits = reader.read()
        if reader.problems:
            lines = "".join(f"\n  {problem}" for problem in reader.problems)
            raise ValueError(f"{type(opt).__name__}: nothing was loaded, because the checkpoint does not fit:{lines}")
        with uninterrupted():
            opt._device.synchronize()
            for commit in commits:
                commit()
            opt._device.synchronize()


class _Reader:
    """Reads a flat checkpoint; gathers what is wrong with it in `problems`."""

    def __init__(self, opt: Any, found: dict[Path, Any]):
        self.opt, self.found, self.problems = opt, found, []

    def read(self) -> list[Callable[[], Any]]:
        """The functions that put everything in place."""
        for name, expected in (("version", VERSION), ("optimizer", type(self.opt).__name__)):
            value = self.take((name,))
            if value is not MISSING and (type(value) is not type(expected) or value != expected):
                self.wrong((name,), repr(expected), value)
        t = self.count(("t",))
        skipped = Skipped(*(self.count(("skipped", name)) for name in Skipped._fields))
        commits = [lambda: self.opt._restart(t, skipped), self.hyper()]
        for batch in self.opt._batches:
            counts = [self.count(("counts", *self.opt._nest.keys[i]), most=t) for i in batch.members]
            commits.append(lambda batch=batch, counts=counts: batch.restart([t - count for count in counts]))
        for path, state, k, i in _states(self.opt):
            parts = {part: self.array(_joined(path, part), *kind) for part, kind in state.expected(k, i).items()}
            if "order" in parts and parts["order"] is not MISSING and not _dense(state.params[i], parts["order"]):
                self.wrong((*path, "order"), f"strides of shape {state.params[i].shape}", parts["order"])
            commits.append(lambda state=state, k=k, i=i, parts=parts: state.restore(k, i, parts))
        self.problems += [f"{_written(path)}: not expected" for path in self.found]
        return commits

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

    def count(self, path, most=None):
        value = self.take(path)
        if value is MISSING:
            return 0
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not 0 <= value < 2**63 or (most is not None and value > most):
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

    def hyper(self):
        """The function that restores the hyperparameters."""
        cls, owns, before = type(self.opt), [], len(self.problems)
        for path, group in _groups(self.opt):
            whole = path == ("hyper",)
            names = [at[-1] for at in self.found if at[:-1] == path]
            own = {name: self.take((*path, name)) for name in (cls.defaults if whole else names)}
            for name, value in own.items():
                try:
                    own[name] = checked(cls, name, value) if value is not MISSING else MISSING
                    now = group.given(whole=True)[name]
                    if name in cls._fixed and own[name] is not MISSING and own[name] != now:
                        self.wrong((*path, name), f"{now!r}, as this optimizer was made", value)
                except (TypeError, ValueError) as error:
                    self.problems.append(f"{_written((*path, name))}: {error}")
            owns.append(own)
        if len(self.problems) > before:
            return None
        try:
            return self.opt._groups[0].restoring(owns[0], owns[1:])
        except (TypeError, ValueError, ArithmeticError) as error:
            self.problems.append(f"{_written(path[:1])}: {error}")
        return None


MISSING = object()
"""Stands for an entry that is not there, or is wrong."""


def _dense(found, steps):
    return not found.size or Layout(None, 0, found.shape, tuple(steps), np.dtype(np.uint8), True, False).dense()


def _written(path):
    return "".join(f"[{key!r}]" for key in path)
