"""Containers: a tree of lists, tuples and dicts taken apart into its leaves, and put together again.

Nothing here calls itself, so that a tree may be deeper than Python's stack.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .layout import is_plain


def is_container(node: Any) -> bool:
    """Whether it is no leaf."""
    return is_list(node) or isinstance(node, Mapping)


def is_list(node: Any) -> bool:
    """Whether it is a list, a tuple or an array of objects."""
    if isinstance(node, np.ndarray):
        return node.dtype.kind == "O" and node.ndim > 0 and is_plain(type(node))
    return isinstance(node, (list, tuple))


class Tree:
    """The structure of a tree, and the names of its leaves.

    `paths` are what the user would write behind the tree (`["layer1"]["b"]`), `names` are for patterns (`layer1.b`),
    and `keys` are the parts of the names (`("layer1", "b")`).
    """

    def __init__(self, tree: Any):
        self.paths: list[str] = []
        self.keys: list[tuple[str, ...]] = []
        self._parts: list[_Part] = []
        """The containers and leaves in order, a container before what is in it."""
        todo = [(tree, "", (), {})]
        while todo:
            node, path, keys, above = todo.pop()
            if not is_container(node):
                self._parts.append(_LEAF)
                self.paths.append(path)
                self.keys.append(keys)
                continue
            if id(node) in above:
                raise ValueError(f"params{path}: a container that holds itself")
            part, inside = _Part(node, path), above | {id(node): node}  # alive, so that its id stays its own
            self._parts.append(part)
            for key, child in zip(reversed(part.keys), reversed(part.children(node, "params")), strict=True):
                todo.append((child, f"{path}[{_quote(key)}]", (*keys, str(key)), inside))
        self._fold(_Part.measure, [_LEAF] * len(self.paths))
        self.names = [".".join(keys) for keys in self.keys]
        self.single = self._parts[0] is _LEAF

    def leaves(self, tree: Any, what: str = "grads") -> list:
        """The leaves of another tree of the same structure; None for a leaf or a whole container is kept as None.

        Raises
        ------
        TypeError, ValueError
            The structure differs; the message says where.
        """
        if self.single:
            return [tree]
        found, nodes, at = [], [tree], 0
        while nodes:
            node, part = nodes.pop(), self._parts[at]
            at += 1
            if part is _LEAF:
                found.append(node)
            elif node is None:
                found += [None] * part.leaves
                at += part.size - 1
            elif part.flat:
                found += part.children(node, what)
                at += part.size - 1
            else:
                nodes += reversed(part.children(node, what))
        return found

    def build(self, leaves: Iterable) -> Any:
        """The tree with these leaves, in the containers of the first."""
        return self._fold(_Part.build, list(leaves))

    def exchange(self, tree: Any, leaves: Iterable) -> Any:
        """A tree of the same structure with these leaves, in its own containers as far as they can be written to."""
        containers, todo = [], [tree]
        for part in self._parts:
            node = todo.pop()
            if part is not _LEAF:
                containers.append(node)
                todo += reversed(part.children(node, "params"))
        return self._fold(lambda part, inside: part.exchange(containers.pop(), inside), list(leaves))

    def _fold(self, make, leaves):
        """What `make(part, inside)` makes of the outermost container, of what it made of each that is inside."""
        made: list = []
        for part in reversed(self._parts):  # so that all that is in a container is made before it, its first child last
            made.append(leaves.pop() if part is _LEAF else make(part, [made.pop() for _ in part.keys]))
        return made.pop()


class _Part:
    """A container: its type, path and keys; how many leaves are in it, how many parts with itself, and whether all that
    is in it are leaves."""

    def __init__(self, node: Any, path: str):
        self.kind, self.path, self.keyed = type(node), path, isinstance(node, Mapping)
        self.keys = list(node if self.keyed else range(len(node)))
        self._known = dict.fromkeys(self.keys).keys()
        self.leaves, self.size, self.flat = 1, 1, True

    def children(self, node, what):
        """What is in a container that has to be like this one, in the order of the keys."""
        if not (isinstance(node, (dict, Mapping)) if self.keyed else is_list(node)):
            expected = "a dict" if self.keyed else "a list or tuple"
            raise TypeError(f"{what}{self.path}: expected {expected}, as in params, not {type(node).__name__}")
        if what == "params" and len(node) != len(self.keys):
            raise ValueError(
                f"params{self.path}: expected {len(self.keys)} items, as when the optimizer was made, not {len(node)}: "
                "make a new one"
            )
        if self.keyed and node.keys() != self._known:
            problems = [f"no {_quote(key)}" for key in self._known - node.keys()]
            problems += [f"{_quote(key)} is not in params" for key in node.keys() - self._known]
            raise ValueError(f"{what}{self.path}: expected the keys of params, but {', '.join(sorted(problems))}")
        if len(node) != len(self.keys):
            raise ValueError(f"{what}{self.path}: expected {len(self.keys)} items, as in params, not {len(node)}")
        if self.keyed:
            return list(map(node.__getitem__, self.keys))
        return node if isinstance(node, (list, tuple)) else list(node)

    def measure(self, inside):
        """Count the leaves and parts."""
        self.leaves, self.size = sum(part.leaves for part in inside), 1 + sum(part.size for part in inside)
        self.flat = all(part is _LEAF for part in inside)
        return self

    def exchange(self, node, values):
        """The container `node` with other values, or one like it where it cannot be written to."""
        changed = [(k, v) for k, v, was in zip(self.keys, values, self.children(node, ""), strict=True) if v is not was]
        try:
            for key, value in changed:
                node[key] = value
        except Exception:  # of a tuple, or of whatever a user's own container raises
            return self.build(values)
        return node

    def build(self, values):
        """A container like this one."""
        if self.keyed:
            return dict(zip(self.keys, values, strict=True))
        if self.kind is list or self.kind is tuple:
            return self.kind(values)
        make: Callable = getattr(self.kind, "_make", tuple if issubclass(self.kind, tuple) else list)
        return make(values)


_LEAF = _Part([], "")


def _quote(key: Any) -> str:
    return json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)
