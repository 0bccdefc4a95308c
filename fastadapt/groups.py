"""Groups: parts of the parameters that have hyperparameters of their own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from .hyperparameters import FORGETTING, SHRINKING, WATCHING, Value, check_range, checked, range_of
from .layout import Layout
from .threads import STEPPING
from .tree import Tree
from .turns import Turn


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


def _nothing():
    pass


class Group:
    """The hyperparameters of a part of the parameters, as attributes: its own, and its base's for the rest.

    An assignment is checked, here and in the groups that follow this one, before anything changes; then `_changed` is
    called, and where that raises, all is as before.
    """

    def __init__(self, cls: type, given: dict[str, Any], base: "Group | None" = None):
        self.__dict__.update(_cls=cls, _base=base, _followers=[], _own={}, _on=None, _changed=_nothing, _refused={})
        self.__dict__.update(_dtypes=[], turn=base.turn if base else Turn())
        self._assign(given)
        if base is not None:
            base._followers.append(self)
        on = frozenset(name for name in cls._switches if self._all[name])
        if on not in cls.rules:
            lacking = min((other - on for other in cls.rules if other > on), key=len, default=frozenset())
            needed = f"{' and '.join(sorted(lacking))} with " if lacking else "no combination of "
            raise ValueError(f"{cls.__name__}: expected {needed}{' and '.join(sorted(on))}")
        self.__dict__.update(_on=on, rule=cls.rules[on])

    def holds(self, dtypes: Iterable[np.dtype], assigned: bool = False) -> None:
        """Refuse what weights of these types cannot hold: ValueError if a value already is so, which was `assigned`."""
        self.__dict__.update(_dtypes=sorted(set(dtypes), key=lambda dtype: dtype.itemsize))
        self._check_ranges(self._all, self.own(1), assigned)

    def captured(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every assignment, and refuse what a captured step cannot do."""
        self.__dict__.update(_changed=changed)
        self.refuse("a graph raises nothing", lambda name, value: value == "raise")
        if self._base is None:
            self.checked("nonfinite", self.nonfinite)

    def refuse(self, why: str, refused: Callable[[str, Value], bool]) -> None:
        """From now on refuse values for hyperparameters, for a reason to do with captured steps."""
        self._refused[why, refused] = None

    def given(self, whole: bool) -> dict[str, Value]:
        """Its hyperparameters by name, those that it follows among them if asked for."""
        return dict(self._all if whole else self._own)

    def restoring(self, own: dict[str, Any], others: list[dict[str, Any]]) -> list[Callable[[], None]]:
        """The jobs of giving this group and those that follow it other hyperparameters, which are checked here."""
        return [partial(group.__dict__.update, ready) for group, ready in self._plan(own, self._cls.defaults, others)]

    def checked(self, name: str, value: Any) -> Value:
        """The value of one of its hyperparameters; TypeError or ValueError if it cannot be that."""
        if name == "nonfinite" and self._base is not None:
            raise TypeError("nonfinite belongs to the whole optimizer, which takes a step or none")
        value = checked(self._cls, name, value)
        for why, refused in self._refused:
            if refused(name, value):
                raise ValueError(f"capturable: expected {name} not to be {value!r}: {why}")
        return value

    def says(self, name: str) -> bool:
        """Whether it has a value of its own for a hyperparameter."""
        return name in self._own

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._all:
            return self._all[name]
        raise AttributeError(f"{self._cls.__name__}: no attribute or hyperparameter {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        with STEPPING:
            self._assign({name: value})

    def __repr__(self) -> str:
        hidden = [name for name in WATCHING if self._all[name] == self._cls.defaults[name]]
        hidden += self._cls._fixed if self.state_bits == 32 else ()
        return ", ".join(f"{name}={value!r}" for name, value in self._all.items() if name not in hidden)

    def _assign(self, changes):
        before: list = []

        def prepare():
            own = self._own | {name: self.checked(name, value) for name, value in changes.items()}
            plan = self._plan(own, self._base._all if self._base else self._cls.defaults)
            before[:] = [(group, {name: group.__dict__.get(name) for name in ready}) for group, ready in plan]
            return [partial(group.__dict__.update, ready) for group, ready in plan]

        self.turn.change("an assignment", prepare, lambda jobs: list(map(partial.__call__, jobs)))
        if not before:  # it was denied
            return
        try:
            self._changed()
        except Exception:
            for group, ready in before:
                group.__dict__.update(ready)
            raise

    def _plan(self, own, inherited, others=None):
        """What values of its own would make of this group and of those that follow it, which may be given others."""
        every = inherited | own
        plan = [(self, {"_own": own, **self._ready(every)})]
        for follower, theirs in zip(self._followers, others or [each._own for each in self._followers], strict=True):
            plan += follower._plan(theirs, every)
        return plan

    def _ready(self, every):
        """The hyperparameters, and what of them a step needs, computed once.

        `_numbers` are the sign of the gradients, the coupled decay, what the decoupled decay keeps, and the values that
        the rule's coefficients depend on;
        `watches` tells whether a step must look at the gradients first, `forgets` whether a mean of squares is of the
        last alone; `own(t)` are the rule's coefficients, and
        `coefficients(t, scale, bound, again)` these behind those that every kernel takes.
        """
        cls = self._cls
        if self._on is not None:
            self._check_unchanged(every)
        decay = every["weight_decay"]
        if decay and every["decoupled"] and "lr" not in every:
            raise ValueError(f"{cls.__name__}: expected a hyperparameter lr for decoupled weight_decay")
        values, function = self._values(every), cls._coefficients
        found = function(1, *values)
        if self._on is None:
            _check_coefficients(cls, found)
        else:
            self._check_ranges(every, found, assigned=True)
        around = (0.0, 1.0 - every["lr"] * decay) if decay and every["decoupled"] else (decay, 1.0)
        sign = -1.0 if every["maximize"] else 1.0
        return {
            "_all": every,
            "_numbers": (sign, *around, *map(float, values)),
            "own": lambda t: function(t, *values),
            "coefficients": lambda t, scale, bound, again: (
                (sign * scale, *around, bound, again, *function(t, *values))
            ),
            "forgets": any(every.get(name) == 0 for name in FORGETTING),
            "watches": any(every[name] != cls.defaults[name] for name in WATCHING),
        }

    def _values(self, every):
        """What the rule's coefficients depend on, in its order."""
        return [every[name] for name in self._cls._coefficient_names]

    def _check_ranges(self, every, coefficients, assigned=False):
        """Refuse what is beyond the types of the weights."""
        cls = self._cls
        decay = every["lr"] * every["weight_decay"] if every["weight_decay"] and every["decoupled"] else 0.0
        largest = max(map(abs, (*coefficients, decay)))
        names = [*cls._coefficient_names, *cls._start_names, "weight_decay", "max_value"]
        if every is not self._all:  # what does not change was looked at before
            names = [name for name in names if every[name] != self._all[name]]
        for dtype in self._dtypes:
            for name in names:
                check_range(cls.__name__, name, every[name], dtype, shrinks=assigned and name in SHRINKING)
            if not largest <= range_of(dtype)[1]:
                values = ", ".join(f"{name}={every[name]!r}" for name in (*cls._coefficient_names, "weight_decay"))
                raise ValueError(
                    f"{cls.__name__}: expected coefficients of the first step within {dtype}, the type of the "
                    f"weights, but {values} give {coefficients}"
                )

    def _check_unchanged(self, every):
        """Refuse to change what was fixed when the optimizer was made."""
        for name in (*self._cls._switches, *self._cls._fixed):
            was, now = self._all[name], every[name]
            if name in self._cls._fixed:
                changed, why = now != was, "how the state is held"
            else:
                changed, why = (now and name not in self._on) or (name in self._on and now is False), "the rule"
            if changed:
                raise ValueError(
                    f"{self._cls.__name__}: expected {name} to stay {was!r}, not become {now!r}: it chooses {why}, "
                    "which is fixed when the optimizer is made"
                )


def _check_coefficients(cls, found):
    numbers = isinstance(found, tuple) and all(isinstance(value, Real) for value in found)
    for rule in cls.rules.values():
        if not numbers or len(found) != rule.coefs:
            raise TypeError(
                f"{cls.__name__}.coefficients: expected {rule.coefs} coefficients in a tuple, as many numbers as "
                f"{rule.name} takes behind `/`, not {found!r}"
            )


def make_groups(cls: type, given: Any, base: Group) -> dict[str | Callable, Group]:
    """The groups that the user described, checked."""
    if not isinstance(given or {}, dict):
        raise TypeError(f"groups: expected a dict of patterns and their hyperparameters, not {given!r}")
    for selector, own in (given or {}).items():
        if not isinstance(selector, str) and not callable(selector):
            raise TypeError(f"groups: expected a pattern or a function of name and array, not {selector!r}")
        if not isinstance(own, dict):
            raise TypeError(f"groups[{selector!r}]: expected a dict of hyperparameters, not {own!r}")
    made = {}
    for selector, own in (given or {}).items():
        with named_group(selector):
            made[selector] = Group(cls, own, base)
    return made


@contextmanager
def named_group(selector: str | Callable | None) -> Iterator[None]:
    """Say in an error of which group it is; None is that of the optimizer."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if selector is None:
            raise
        raise type(error)(f"groups[{selector!r}]: {error}") from None


def choose(given: Any, groups: dict[str | Callable, Group], tree: Tree, layouts: list[Layout]) -> list[int]:
    """The group of each array: 0 for the optimizer's own hyperparameters, then the groups in order, as `given`."""
    if isinstance(given, NumberedGroups) and given.numbers is not None:
        return list(given.numbers)
    chosen = [0] * len(layouts)
    for k, selector in reversed(list(enumerate(groups, 1))):
        matches = selector if callable(selector) else lambda name, _, s=selector: fnmatchcase(name, s)
        for i, (name, found) in enumerate(zip(tree.names, layouts, strict=True)):
            if matches(name, found.array):
                chosen[i] = k
    for k, selector in enumerate(groups, 1):
        if k not in chosen:
            names = ", ".join(tree.names[:8])
            raise ValueError(f"groups: expected {selector!r} to match an array that no earlier group took, of {names}")
    return chosen
