"""Groups: which parts of the parameters have hyperparameters of their own."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .group import Group
from .group_checks import check_common, named_group
from .layout import Layout
from .tree import Tree


class Members:
    """Selects the arrays of a list, as those of one of PyTorch's groups; a copy selects the copies of them."""

    def __init__(self, arrays: list):
        self.arrays, self._ids = arrays, {id(array) for array in arrays}

    def __call__(self, name: str, array: Any) -> bool:
        return id(array) in self._ids

    def __reduce__(self):
        return Members, (self.arrays,)

    def __repr__(self) -> str:
        return f"<{len(self.arrays)} of PyTorch's parameters>"

    def exchange(self, new: dict[int, Any]) -> None:
        """Select others in place of the arrays with these ids."""
        self.__init__([new.get(id(array), array) for array in self.arrays])


class NumberedGroups(dict):
    """The groups of a copy, and by number the one of each array, for its name in the copy may be another.

    A copy of version 0.1.0 has no numbers.
    """

    def __init__(self, groups: dict, numbers: list[int] | None):
        super().__init__(groups)
        self.numbers = numbers


def make_groups(cls: type, given: Any, base: Group) -> dict[str | Callable, Group]:
    """The groups that the user described, checked."""
    if not isinstance(given or {}, dict):
        raise TypeError(f"groups: expected a dict of patterns and their hyperparameters, not {given!r}")
    made = {}
    for selector, own in (given or {}).items():
        if not isinstance(selector, str) and not callable(selector):
            raise TypeError(f"groups: expected a pattern or a function of name and array, not {selector!r}")
        if not isinstance(own, dict):
            raise TypeError(f"groups[{selector!r}]: expected a dict of hyperparameters, not {own!r}")
        with named_group(selector):
            made[selector] = Group(cls, own, base, selector)
    check_common(cls, (group.given(whole=True) for group in (base, *made.values())))
    return made


def choose(given: Any, groups: dict[str | Callable, Group], tree: Tree, layouts: list[Layout]) -> list[int]:
    """The group of each array: 0 for the optimizer's own hyperparameters, then the groups in order, as `given`."""
    if isinstance(given, NumberedGroups) and given.numbers is not None:
        return list(given.numbers)
    return matching("groups", "group", list(groups), tree, layouts)


def matching(where: str, kind: str, selectors: list[str | Callable], tree: Tree, layouts: list[Layout]) -> list[int]:
    """For each array the first of the patterns and functions that matches it, counted from 1; 0 where none does."""
    chosen = [0] * len(layouts)
    for k, selector in reversed(list(enumerate(selectors, 1))):
        matches = selector if callable(selector) else lambda name, _, s=selector: fnmatchcase(name, s)
        for i, (name, found) in enumerate(zip(tree.names, layouts, strict=True)):
            if matches(name, found.array):
                chosen[i] = k
    for k, selector in enumerate(selectors, 1):
        if k not in chosen:
            names = ", ".join(tree.names[:8])
            raise ValueError(
                f"{where}: expected {selector!r} to match an array that no earlier {kind} took, of {names}"
            )
    return chosen
