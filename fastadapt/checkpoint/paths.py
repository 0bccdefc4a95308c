"""Nested dicts, and the paths to their leaves."""

from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]


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
