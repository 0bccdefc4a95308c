"""The paths to what is in a checkpoint, and nested dicts with such paths to their leaves."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..group import Group

if TYPE_CHECKING:  # importing the package loads no kernel
    from ..engine.batch import Batch
    from ..engine.step import Step

Path = tuple[str, ...]


def groups_of(groups: list[Group]) -> list[tuple[Path, Group]]:
    """The groups of an optimizer, with the paths to them in a checkpoint."""
    return [(("hyper",) if k == 0 else ("groups", str(k - 1)), group) for k, group in enumerate(groups)]


def states_of(batches: "list[Batch]", keys: list[Path]) -> "Iterator[tuple[Path, Batch, int, int]]":
    """The path to each array's part of each state, averages and masters among them; its batch, and the numbers of both
    there."""
    for batch in batches:
        names = [("state", name) for name in batch.rule.states] + [("averaged",)] * (batch.average is not None)
        names += [("masters",)] * (batch.master is not None)
        for k, name in enumerate(names):
            for at, i in enumerate(batch.members):
                yield (*name, *keys[i]), batch, k, at


def kept_of(step: "Step", keys: list[Path]) -> Iterator[tuple[Path, np.ndarray, int, int]]:
    """The path to each sum and scalar that is kept from step to step; the rows that it is in, and its place there."""
    found = step.reductions
    for k in range(len(found.before), len(found.names)) if found else ():
        path = "scalars", found.names[k]
        if found.over_all[k]:
            yield path, step.kept.rows, 0, k
        else:
            for batch in step.batches:
                for at, i in enumerate(batch.members):
                    yield (*path, *keys[i]), batch.kept.rows, at, k


def joined(path: Path, part: str) -> Path:
    """The path to a part of a state, which has no name if it is the only one."""
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


def flat(node: Any) -> Iterator[tuple[Path, Any]]:
    """The leaves of a nested dict, each with its path; an empty dict is a leaf.

    Raises
    ------
    ValueError
        It holds itself.
    """
    todo = [((), node, frozenset())]
    while todo:
        path, node, above = todo.pop()
        if not isinstance(node, dict) or (path and not node):
            yield path, node
            continue
        if id(node) in above:
            raise ValueError("expected a dict as from state_dict, not one that holds itself")
        inside = above | {id(node)}
        todo += [((*path, str(key)), child, inside) for key, child in reversed(node.items())]
