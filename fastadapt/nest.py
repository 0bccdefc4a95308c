"""Containers: a nest of lists, tuples and dicts taken apart into its leaves, and put together again."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class Nest:
    """The structure of a nest, and the names of its leaves.

    `paths` are what the user would write behind the nest (`["layer1"]["b"]`), `names` are for patterns (`layer1.b`),
    and `keys` are the parts of the names (`("layer1", "b")`).
    """

    def __init__(self, nest: Any):
        self.paths: list[str] = []
        self.keys: list[tuple[str, ...]] = []
        self._root = self._part(nest, "", (), set())
        self.names = [".".join(keys) for keys in self.keys]
        self.single = self._root is _LEAF

    def _part(self, node, path, keys, above):
        if not isinstance(node, dict | list | tuple):
            self.paths.append(path)
            self.keys.append(keys)
            return _LEAF
        if id(node) in above:
            raise ValueError(f"params{path}: a container that holds itself")
        items = node.items() if isinstance(node, dict) else enumerate(node)
        above, start = above | {id(node)}, len(self.paths)
        parts = {key: self._part(child, f"{path}[{_quote(key)}]", (*keys, str(key)), above) for key, child in items}
        return _Part(type(node), parts, len(self.paths) - start)

    def leaves(self, nest: Any, what: str = "grads") -> list:
        """The leaves of another nest of the same structure; None for a leaf or a whole container is kept as None.

        Raises
        ------
        TypeError, ValueError
            The structure differs; the message says where.
        """
        if self.single:
            return [nest]
        found: list = []
        _collect(self._root, nest, what, found)
        return found

    def build(self, leaves: Iterable) -> Any:
        """The nest with these leaves, in the containers of the first."""
        return _build(self._root, iter(leaves))


class _Part:
    """A container: its type, its parts by key, and how many leaves are in it."""

    def __init__(self, kind: type, parts: dict, count: int):
        self.kind, self.parts, self.count = kind, parts, count
        self.keyed = issubclass(kind, dict)
        self.flat = all(part is _LEAF for part in parts.values())


_LEAF = _Part(object, {}, 1)


def _quote(key: Any) -> str:
    return json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)


def _collect(part, node, path, found):
    if part is _LEAF:
        found.append(node)
        return
    if node is None:
        found.extend([None] * part.count)
        return
    kinds = dict if part.keyed else (list, tuple)
    if not isinstance(node, kinds):
        expected = "a dict" if part.keyed else "a list or tuple"
        raise TypeError(f"{path}: expected {expected}, as in params, not {type(node).__name__}")
    if part.keyed and node.keys() != part.parts.keys():
        problems = [f"no {_quote(key)}" for key in part.parts.keys() - node.keys()]
        problems += [f"{_quote(key)} is not in params" for key in node.keys() - part.parts.keys()]
        raise ValueError(f"{path}: expected the keys of params, but {', '.join(sorted(problems))}")
    if len(node) != len(part.parts):
        raise ValueError(f"{path}: expected {len(part.parts)} items, as in params, not {len(node)}")
    if part.flat:
        found.extend(map(node.__getitem__, part.parts) if part.keyed else node)
        return
    for key, child in part.parts.items():
        _collect(child, node[key], f"{path}[{_quote(key)}]", found)


def _build(part, leaves):
    if part is _LEAF:
        return next(leaves)
    values = [_build(child, leaves) for child in part.parts.values()]
    if part.keyed:
        return dict(zip(part.parts, values, strict=True))
    if part.kind is list or part.kind is tuple:
        return part.kind(values)
    make: Callable = getattr(part.kind, "_make", tuple if issubclass(part.kind, tuple) else list)
    return make(values)


def nested(found: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """A nested dict from the paths to its leaves."""
    root: dict[str, Any] = {}
    for path, value in found.items():
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return root


def flat(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of a nested dict, each with its path; an empty dict is a leaf."""
    if isinstance(node, dict) and (node or not path):
        for key, child in node.items():
            yield from flat(child, (*path, str(key)))
    else:
        yield path, node


class Lazy(Mapping):
    """A mapping whose values are made when they are asked for, each time anew."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]):
        self._names, self._make = tuple(names), make

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
