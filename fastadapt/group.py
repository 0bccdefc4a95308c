"""A group of parameters: its hyperparameters, and the row of numbers in which compiled code reads them."""

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from typing import Any

import numpy as np

from .group_checks import check_coefficients, check_meaning, check_ranges, check_unchanged, rule_of
from .group_row import FORGETS, SIGN, VALUES
from .group_values import RELEASED, numbers_of, quick_of, values_of
from .hyperparameters import AVERAGES, FIXED, LIMITS, Value, checked, range_of
from .threads import STEPPING
from .turns import Turn


class Group:
    """The hyperparameters of a part of the parameters, as attributes: its own, and its base's for the rest.

    An assignment is checked, here and in the groups that follow this one, before anything changes; then what `captured`
    was given is called, and where that raises, all is as before.
    """

    def __new__(cls, owner: type, *given: Any):
        """A group of the class with the attributes of an optimizer's class, the owner."""
        return object.__new__(owner._group)

    def __init__(self, cls: type, given: dict[str, Any], base: "Group | None" = None):
        self._cls, self._base, self._followers = cls, base, []
        self._turn = base.turn if base else Turn()
        self._indices = {name: VALUES + k for k, name in enumerate(cls._coefficient_names)}
        self._row = np.zeros(VALUES + len(self._indices))
        self._cells = self._row.data
        self._dtypes, self._refused, self._changed = [], {}, None
        own = {name: self.checked(name, value) for name, value in given.items()}
        every = (base.given(whole=True) if base else cls.defaults) | own
        check_meaning(cls, every)
        check_coefficients(cls, cls._coefficients(1, *(every[name] for name in self._indices)))
        self._on, self._rule = rule_of(cls, every)
        self._values = values_of(cls, own, every, self._row)
        self._row[:] = numbers_of(cls, own if base else {}, every)
        if base:
            base._followers.append(self)

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

    @property
    def forgets(self) -> bool:
        """Whether a mean of squares is of the last gradient alone."""
        return self._values.forgets

    def own(self, t: int) -> tuple:
        """The rule's coefficients of a step."""
        return self._cls._coefficients(t, *self._arguments())

    def around(self, bound: float) -> tuple:
        """The coefficients that every kernel takes before the rule's own, without bounds or an average."""
        sign, decay, keep = self._cells[SIGN:FORGETS]
        return sign, decay, keep, bound, 1.0, -inf, inf, 1.0

    def _arguments(self):
        """What `coefficients` takes, in its order."""
        numbers = self._cells[VALUES:].tolist()
        for k, value in self._values.others:
            numbers[k] = value
        return numbers

    def holds(self, dtypes: Iterable[np.dtype], assigned: bool = False) -> None:
        """Refuse what weights of these types cannot hold: ValueError if a value already is so, which was `assigned`."""
        self._dtypes, cls = sorted(set(dtypes), key=lambda dtype: dtype.itemsize), self._cls
        names = [*self._indices, *cls._start_names, "weight_decay", "lower", "upper", "max_value"]
        check_ranges(cls, self._dtypes, self.given(whole=True), names, self.own(1), assigned)

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
        found = dict(self._values.every if whole else self._values.own)
        for name, place in self._indices.items():
            if type(found.get(name)) is float:
                found[name] = self._cells[place]
        return found

    def value_of(self, name: str) -> Value:
        """The value of a hyperparameter; KeyError if there is none of this name."""
        value = self._values.every[name]
        return self._cells[self._indices[name]] if type(value) is float and name in self._indices else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.assign(name, value)

    def __repr__(self) -> str:
        every = self.given(whole=True)
        quiet = *LIMITS, *AVERAGES, "lower", "upper"
        hidden = [name for name in quiet if every[name] == self._cls.defaults[name]]
        hidden += FIXED if self.state_bits == 32 else ()
        return ", ".join(f"{name}={value!r}" for name, value in every.items() if name not in hidden)

    def assign(self, name: str, value: Any) -> None:
        """Give a hyperparameter another value."""
        try:
            ACQUIRE()  # `with STEPPING` would take a quarter of the time
            least, most, tried, cells, place, write = self._values.quick[name]
            fits = type(value) is float and least <= value <= most and not (tried and self._refuses(name, value))
            if fits and not self._turn.cut_in():
                if write is None:
                    cells[place] = value
                else:
                    write(value)
                return
        except (KeyError, *RELEASED):  # it is not known, or a signal's handler has changed something else in between
            pass
        finally:
            try:  # noqa: SIM105 - `suppress` takes as long as all the rest
                RELEASE()
            except RuntimeError:  # Ctrl-C came while it waited
                pass
        with STEPPING:
            if self._learn(name):
                self.assign(name, value)
            else:
                self._assign({name: value})

    def _assign(self, changes):
        base, before = self._base or self, []
        groups = [base, *base._followers]

        def prepare():
            before[:] = [group.given(whole=False) for group in groups]
            changed = {name: self.checked(name, value) for name, value in changes.items()}
            own, *others = (own | changed if group is self else own for group, own in zip(groups, before, strict=True))
            return base.restoring(own, others)

        def carry_out(jobs):
            list(map(CALL, jobs))

        self._turn.change("an assignment", prepare, carry_out)
        if before and self._changed is not None:
            try:
                self._changed()
            except Exception:
                self._turn.change("an assignment", lambda: base.restoring(before[0], before[1:]), carry_out)
                raise

    def restoring(self, own: dict[str, Any], others: list[dict[str, Any]]) -> list[Callable[[], None]]:
        """The jobs of giving this group and those that follow it other hyperparameters, which are checked here."""
        every = self._cls.defaults | own
        jobs = self._becoming(own, every)
        for group, theirs in zip(self._followers, others, strict=True):
            jobs += group._becoming(theirs, every | theirs)
        return jobs

    def _becoming(self, own, every):
        """The jobs of taking on these hyperparameters, which are checked."""
        cls, now = self._cls, self.given(whole=True)
        if every != now:
            check_unchanged(cls, self._on, now, every)
            check_meaning(cls, every)
            names = [*self._indices, *cls._start_names, "weight_decay", "lower", "upper", "max_value"]
            changed = [name for name in names if every[name] != now[name]]
            coefficients = cls._coefficients(1, *(every[name] for name in self._indices))
            check_ranges(cls, self._dtypes, every, changed, coefficients, assigned=True)
        numbers = numbers_of(cls, {} if self._base is None else own, every)
        return [
            partial(self._values.cells.release),
            partial(object.__setattr__, self, "_values", values_of(cls, own, every, self._row)),
            partial(self._row.__setitem__, ..., np.array(numbers, np.float64)),
        ]

    def _learn(self, name):
        """Find out what has to be known of a number to assign it at once; False where that cannot be or is known."""
        values = self._values
        if self._changed is not None or name in values.quick or type(values.own.get(name)) is not float:
            return False
        if name not in self._indices:
            return False
        groups = self._following(name)
        rows, dtypes = [group.row for group in groups], {dtype for group in groups for dtype in group._dtypes}
        quick = quick_of(self._cls, name, rows, [values, *(group._values for group in groups[1:])], dtypes)
        if quick is not None:
            values.quick[name] = tuple(quick)  # which is unpacked faster
        return quick is not None

    def _following(self, name):
        """The groups where its value of a hyperparameter counts."""
        return [self, *(group for group in self._followers if not group.says(name))]

    def _refuses(self, name, value):
        """Whether coefficients of the first step would be beyond the weights' type; the rule may raise an error."""
        for group in self._following(name):
            given = group._arguments()
            given[self._indices[name] - VALUES] = value
            found = max(map(abs, self._cls._coefficients(1, *given)))
            if not all(found <= range_of(dtype)[1] for dtype in group._dtypes):
                return True
        return False


CALL, ACQUIRE, RELEASE = partial.__call__, STEPPING.acquire, STEPPING.release


def group_class(cls: type) -> type[Group]:
    """The class of an optimizer's groups, with an attribute for each hyperparameter."""
    # By `__getattr__`, Python would look every attribute up twice.
    return type(f"{cls.__name__}Group", (Group,), {name: property(reader(cls, name)) for name in cls.defaults})


def reader(cls: type, name: str) -> Callable[[Group], Value]:
    """The function that reads a hyperparameter of a group."""
    if name not in cls._coefficient_names or type(cls.defaults[name]) is not float:
        return lambda group: group.value_of(name)
    place = VALUES + cls._coefficient_names.index(name)
    return lambda group: group._cells[place]
