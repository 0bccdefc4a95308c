"""A group of parameters: its hyperparameters, and the row of numbers in which compiled code reads them."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from .group_checks import (
    check_averages,
    check_coefficients,
    check_common,
    check_meaning,
    check_ranges,
    check_unchanged,
    decays_of,
    named_group,
    rule_of,
)
from .group_row import VALUES
from .group_values import Values, numbers_of
from .hyperparameters import AVERAGES, FIXED, LIMITS, Value, checked
from .quick import Target, quick_of
from .threads import STEPPING
from .turns import Turn, at_once


class Group:
    """The hyperparameters of a part of the parameters, as attributes: its own, and its base's for the rest.

    An assignment is checked, here and in the groups that follow this one, before anything changes; then what `captured`
    was given is called, and where that raises, all is as before.
    """

    def __new__(cls, owner: type, *given: Any):
        """A group of the class with the attributes of an optimizer's class, the owner."""
        return object.__new__(owner.declaration.group)

    def __init__(self, cls: type, given: dict[str, Any], base: "Group | None" = None, selector: Any = None):
        self._cls, self._base, self._followers, self._selector = cls, base, [], selector
        self._turn = base.turn if base else Turn()
        self._dtypes, self._refused, self._changed = [], {}, None
        own = {name: self.checked(name, value) for name, value in given.items()}
        every = (base.given(whole=True) if base else cls.defaults) | own
        check_meaning(cls, every)
        check_averages(cls, own, every["average"])
        self._row = numbers_of(cls, own if base else {}, every)
        self._cells = self._row.data
        check_coefficients(cls, self.own(1))
        self._on, self._rule = rule_of(cls, every)
        self._values = self._values_of(own, every)
        if base:
            base._followers.append(self)

    def _values_of(self, own, every):
        others = {name: value for name, value in every.items() if name not in self._cls.declaration.names}
        return Values(tuple(own), others, self._row.data, {})

    @property
    def rule(self) -> Any:
        """The update that its switches choose."""
        return self._rule

    @property
    def turn(self) -> Turn:
        """Whose turn it is with the optimizer."""
        return self._turn

    @property
    def row(self) -> np.ndarray:
        """The numbers that compiled code reads, as `group_row` has them, at an address that stays."""
        return self._row

    def own(self, t: int) -> tuple:
        """The rule's coefficients of a step."""
        return self._cls.declaration.at_first(t, *self._cells[VALUES:].tolist())

    def holds(self, dtypes: Iterable[np.dtype], assigned: bool = False) -> None:
        """Refuse what weights of these types cannot hold: ValueError if a value already is so, which was `assigned`."""
        self._dtypes = sorted(set(dtypes), key=lambda dtype: dtype.itemsize)
        check_ranges(self._cls, self._dtypes, self.given(whole=True), {}, self.own(1), assigned)

    def captured(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every assignment, and refuse what a captured step cannot do."""
        self._changed = changed
        self.refuse("a graph raises nothing", lambda name, value: value == "raise")
        if self._base is None:
            self.checked("nonfinite", self.nonfinite)

    def refuse(self, why: str, refused: Callable[[str, Value], bool]) -> None:
        """From now on refuse values for hyperparameters, for a reason to do with captured steps."""
        self._refused[why, refused] = None

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
        return name in self._values.own

    def given(self, whole: bool) -> dict[str, Value]:
        """Its hyperparameters by name, those that it follows among them if asked for."""
        return {name: getattr(self, name) for name in (self._cls.defaults if whole else self._values.own)}

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.assign(name, value)

    def __repr__(self) -> str:
        every = self.given(whole=True)
        quiet = *LIMITS, *AVERAGES, "lower", "upper", "masters"
        hidden = [name for name in quiet if every[name] == self._cls.defaults[name]]
        hidden += FIXED if self.state_bits == 32 else ()
        return ", ".join(f"{name}={value!r}" for name, value in every.items() if name not in hidden)

    def assign(self, name: str, value: Any) -> None:
        """Give a hyperparameter another value."""
        with STEPPING:
            try:
                least, most, write = self._values.quick.get(name) or self._learned(name)
                if type(value) is float and least <= value <= most and not self._turn.cut_in():
                    write(value)
                    return
            except (TypeError, ValueError):
                pass  # it is no such number, the rule refuses it, or a handler has changed something else meanwhile
            self.assign_all({name: value})

    def _learned(self, name):
        """What has to be known of a number to assign it at once; None where it is none, or more has to be looked at."""
        values = self._values
        floats = name in self._cls.declaration.names and type(self._cls.defaults[name]) is not bool
        floats = floats and not (name in self._cls.in_common and (self._base or self._followers))
        if self._changed is not None or name not in values.own or not floats:
            return None
        targets = [
            Target(group._values.cells, decays_of(self._cls, group.given(whole=True))[1], group._dtypes)
            for group in (self, *self._followers)
            if group is self or not group.says(name)
        ]
        values.quick[name] = quick = quick_of(self._cls, name, targets)
        return quick

    def assign_all(self, values: dict[str, Any]) -> None:
        """Give hyperparameters other values, all or none."""
        base, before = self._base or self, []
        groups = [base, *base._followers]

        def prepare():
            before[:] = [group.given(whole=False) for group in groups]
            changed = {name: self.checked(name, value) for name, value in values.items()}
            return base.restoring(
                [own | changed if group is self else own for group, own in zip(groups, before, strict=True)]
            )

        self._turn.change("an assignment", prepare, at_once)
        if before and self._changed is not None:
            try:
                self._changed()
            except Exception:
                self._turn.change("an assignment", lambda: base.restoring(before), at_once)
                raise

    def restoring(self, owns: list[dict[str, Any]]) -> list[Callable[[], None]]:
        """The jobs of giving this group and those that follow it other hyperparameters, which are checked here."""
        every, groups = self._cls.defaults | owns[0], [self, *self._followers]
        check_common(self._cls, (every | own for own in owns))
        return [job for group, own in zip(groups, owns, strict=True) for job in group._becoming(own, every | own)]

    def _becoming(self, own, every):
        """The jobs of taking on these hyperparameters, which are checked."""
        cls, now = self._cls, self.given(whole=True)
        check_unchanged(cls, self._on, now, every)
        with named_group(self._selector):
            check_meaning(cls, every)
            check_averages(cls, own, every["average"])
            row = numbers_of(cls, own if self._base else {}, every)
            first = cls.declaration.at_first(1, *row[VALUES:].tolist())
            check_ranges(cls, self._dtypes, every, now, first, assigned=True)
        return [
            partial(self._values.cells.release),
            partial(object.__setattr__, self, "_values", self._values_of(own, every)),
            partial(self._row.__setitem__, ..., row),
        ]


def group_class(owner: str, names: tuple[str, ...], defaults: dict[str, Value]) -> type[Group]:
    """The class of an optimizer's groups, with an attribute for each hyperparameter; the row holds those of `names`."""
    # By `__getattr__`, Python would look every attribute up twice.
    return type(f"{owner}Group", (Group,), {name: property(reader(names, defaults, name)) for name in defaults})


def reader(names: tuple[str, ...], defaults: dict[str, Value], name: str) -> Callable[[Group], Value]:
    """The function that reads a hyperparameter of a group."""
    if name not in names:
        return lambda group: group._values.others[name]
    place = VALUES + names.index(name)
    if type(defaults[name]) is bool:
        return lambda group: group._cells[place] != 0
    return lambda group: group._cells[place]
