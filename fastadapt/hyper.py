"""Hyperparameters: their ranges, and groups of parameters that have some of their own."""

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

RANGES = {
    "lr": (0.0, None),
    "eps": (0.0, None),
    "weight_decay": (0.0, None),
    "lr_decay": (0.0, None),
    "initial_accumulator": (0.0, None),
    "momentum_decay": (0.0, None),
    "beta1": (0.0, 1.0),
    "beta2": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "momentum": (0.0, 1.0),
    "dampening": (0.0, 1.0),
}
"""Least value and the one to stay below, by the name of a hyperparameter; one that is not here takes any number."""


MEANINGS = {
    "lr": "Learning rate: the size of a step, at least 0.",
    "eps": "Added to a denominator, to keep it from zero; at least 0.",
    "beta1": "Decay of the running mean of the gradients, from 0 to below 1.",
    "beta2": "Decay of the running mean of their squares (in Lion, of the momentum), from 0 to below 1.",
    "rho": "Decay of the running mean of the squared gradients, from 0 to below 1.",
    "momentum": "Decay of the momentum, from 0 to below 1; 0 is without, and without its state.",
    "dampening": "What the momentum lacks of a new gradient, from 0 to below 1.",
    "nesterov": "Whether the step looks ahead along the momentum.",
    "centered": "Whether the gradients' variance takes the place of the mean of their squares.",
    "lr_decay": "Decay of the learning rate, lr / (1 + (t-1) * lr_decay); at least 0.",
    "initial_accumulator": "First value of the sum of squares, at least 0.",
    "momentum_decay": "How fast the momentum warms up, at least 0.",
    "weight_decay": "Decay of the weights towards 0, at least 0.",
    "decoupled": "Whether the decay multiplies the weights, or else is added to the gradient.",
    "maximize": "Whether to go up the gradient, not down.",
}
"""What the attributes of an optimizer say of themselves."""


def real(value: Any, expected: str) -> float:
    """A real number as a float; TypeError, which begins with `expected`, for anything else."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise TypeError(f"{expected} to be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def checked(cls: type, name: str, value: Any) -> float | bool:
    """The value of a hyperparameter of the optimizer `cls`, as a Python number.

    Raises
    ------
    TypeError, ValueError
        Unknown, of the wrong kind, or out of range.
    """
    if name not in cls.defaults:
        raise TypeError(f"{cls.__name__}: no hyperparameter {name!r}; it has {', '.join(cls.defaults)}")
    if isinstance(cls.defaults[name], bool):
        if not isinstance(value, bool | np.bool):
            raise TypeError(f"{cls.__name__}: expected {name} to be True or False, not {value!r}")
        return bool(value)
    number = real(value, f"{cls.__name__}: expected {name}")
    least, below = RANGES.get(name, (None, None))
    inside = (least is None or number >= least) and (below is None or number < below)
    if not (inside and abs(number) < float("inf")):
        limits = [] if least is None else [f"at least {least:g}"]
        limits += ["finite"] if below is None else [f"below {below:g}"]
        raise ValueError(f"{cls.__name__}: expected {name} to be {' and '.join(limits)}, not {value!r}")
    return number


class Group:
    """The hyperparameters of a part of the parameters, as attributes: its own, and its base's for the rest.

    An assignment is checked, here and in the groups that follow this one, before anything changes.
    """

    def __init__(self, cls: type, given: dict[str, Any], base: "Group | None" = None):
        self.__dict__.update(_cls=cls, _base=base, _followers=[], _own={}, _on=None)
        self._assign(given)
        if base is not None:
            base._followers.append(self)
        on = frozenset(name for name in cls._switches if self._all[name])
        if on not in cls.rules:
            lacking = min((other - on for other in cls.rules if other > on), key=len, default=frozenset())
            needed = f"{' and '.join(sorted(lacking))} with " if lacking else "no combination of "
            raise ValueError(f"{cls.__name__}: expected {needed}{' and '.join(sorted(on))}")
        self.__dict__.update(_on=on, rule=cls.rules[on])

    def __getattr__(self, name: str) -> float | bool:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._all:
            return self._all[name]
        raise AttributeError(f"{self._cls.__name__}: no attribute or hyperparameter {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._assign({name: value})

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self._all.items())

    def _assign(self, changes):
        own = self._own | {name: checked(self._cls, name, value) for name, value in changes.items()}
        for group, ready in self._plan(own, self._base._all if self._base else self._cls.defaults):
            group.__dict__.update(ready)

    def _plan(self, own, inherited):
        """What an assignment would make of this group and of those that follow it."""
        every = inherited | own
        plan = [(self, {"_own": own, **self._ready(every)})]
        for follower in self._followers:
            plan += follower._plan(follower._own, every)
        return plan

    def _ready(self, every):
        """The hyperparameters, and what of them a step needs, computed once."""
        cls = self._cls
        for name in cls._switches if self._on is not None else ():
            now = every[name]
            if (now and name not in self._on) or (name in self._on and now is False):
                raise ValueError(
                    f"{cls.__name__}: expected {name} to stay {self._all[name]!r}, not become {now!r}: it chooses the "
                    "rule and its state, which are fixed when the optimizer is made"
                )
        decay = every["weight_decay"]
        if decay and every["decoupled"] and "lr" not in every:
            raise ValueError(f"{cls.__name__}: expected a hyperparameter lr for decoupled weight_decay")
        values = [every[name] for name in cls._coefficient_names]
        found = cls.coefficients(1, *values)
        if self._on is None:
            _check_coefficients(cls, found)
        around = (0.0, 1.0 - every["lr"] * decay) if decay and every["decoupled"] else (decay, 1.0)
        sign = -1.0 if every["maximize"] else 1.0
        return {"_all": every, "coefficients": _coefficients(cls.coefficients, values, sign, around)}


def _coefficients(function, values, sign, around):
    """The function of step and scale that gives a kernel scale, decay, keep, and the rule's own coefficients."""
    return lambda t, scale: (sign * scale, *around, *function(t, *values))


def _check_coefficients(cls, found):
    numbers = isinstance(found, tuple) and all(isinstance(value, Real) for value in found)
    for rule in cls.rules.values():
        if not numbers or len(found) != rule.coefs:
            raise TypeError(
                f"{cls.__name__}.coefficients: expected {rule.coefs} coefficients in a tuple, as many numbers as "
                f"{rule.name} takes behind `/`, not {found!r}"
            )
