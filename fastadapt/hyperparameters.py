"""Hyperparameters: their ranges and meanings, and what may be given for one."""

from decimal import Decimal
from functools import cache
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np

KNOWN: dict[str, tuple[float | None, float | None, str]] = {
    "lr": (0.0, None, "Learning rate: the size of a step."),
    "eps": (0.0, None, "Added to a denominator, to keep it from zero."),
    "beta1": (0.0, 1.0, "Decay of the running mean of the gradients."),
    "beta2": (0.0, 1.0, "Decay of the running mean of their squares; in Lion, of the momentum."),
    "rho": (0.0, 1.0, "Decay of the running mean of the squared gradients."),
    "momentum": (0.0, 1.0, "Decay of the momentum; 0 is without, and without its state."),
    "dampening": (0.0, 1.0, "What the momentum leaves out of a new gradient."),
    "nesterov": (None, None, "Whether the step looks ahead along the momentum."),
    "centered": (None, None, "Whether the gradients' variance takes the place of the mean of their squares."),
    "lr_decay": (0.0, None, "Decay of the learning rate: lr / (1 + (t-1) * lr_decay)."),
    "initial_accumulator": (0.0, None, "First value of the sum of squares, taken when made and at zero_state."),
    "momentum_decay": (0.0, None, "How fast the momentum warms up."),
    "weight_decay": (0.0, None, "Decay of the weights towards 0."),
    "decoupled": (None, None, "Whether the decay multiplies the weights, or else is added to the gradient."),
    "maximize": (None, None, "Whether to go up the gradient, not down."),
    "max_norm": (0.0, None, "Norm above which the gradients that follow it are scaled down, all by one factor."),
    "max_value": (0.0, None, "Size to which each gradient is clipped."),
    "nonfinite": (None, None, "What a step does with a gradient that is not finite."),
    "state_bits": (None, None, "Bits of a number of the state: 32, as the parameters, or 16 or 8."),
    "rounding": (None, None, "How small state is rounded."),
    "min_quantized_size": (0, None, "Weights from which on an array's state is held in state_bits."),
    "seed": (0, 2**32, "Seed of the random words that round small state."),
}
"""Least value, the one to stay below, and meaning, by the name of a hyperparameter; others take any finite number."""

COMMON = {"weight_decay": 0.0, "decoupled": False, "maximize": False}
"""Hyperparameters of every optimizer, which the kernels apply around its rule."""

WATCHING = {"max_norm": inf, "max_value": inf, "nonfinite": "propagate"}
"""Hyperparameters of every optimizer that say what is done about gradients too large, or not finite."""

FIXED = {"state_bits": 32, "rounding": "stochastic", "min_quantized_size": 4096, "seed": 0}
"""Hyperparameters of every optimizer that say how its state is held; they cannot change after it is made."""

CHOICES = {
    "nonfinite": ("propagate", "skip", "raise"),
    "state_bits": (8, 16, 32),
    "rounding": ("stochastic", "nearest"),
}
"""What may be given for a hyperparameter that is one of a few."""

UNLIMITED = ("max_norm", "max_value")
"""Hyperparameters that may be infinite, which is without a limit."""

SHRINKING = ("lr", "weight_decay")
"""Hyperparameters that a schedule may make too small for the weights' type: that is a step, or a decay, of nothing."""

FORGETTING = ("beta2", "rho")
"""Decays of means of squares. Where one is 0, gradients are clipped to what has a finite square: 0 times a mean that is
infinite would be NaN."""

INTEGERS = ("min_quantized_size", "seed")
"""Hyperparameters that are integers."""

SINCE: dict[str, int] = {}
"""Version of checkpoints since which a hyperparameter of ours exists: 1 for those that are not here.

Whoever adds one writes the next number here: for older files it takes its default. Users' rules have a `since` too.
"""

RENAMED: dict[str, str] = {"small_from": "min_quantized_size"}
"""Today's names of hyperparameters of ours that older checkpoints and pickles call otherwise."""

Value = float | bool | str


def newest(since: dict[str, int] = SINCE) -> int:
    """The version of checkpoints that are made now."""
    return max(since.values(), default=1)


def is_newer(cls: type, name: str, version: int, rule_version: int) -> bool:
    """Whether a hyperparameter is newer than a checkpoint of a version of ours, and of the rule of `cls`."""
    return SINCE.get(name, 1) > version or cls.since.get(name, 1) > rule_version


def renamed(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters of an older version, by today's names."""
    names = RENAMED | cls.renamed  # a rule may have one of its own by a name that ours no longer have
    return {name if name in cls.defaults else names.get(name, name): value for name, value in given.items()}


def meaning(name: str) -> str:
    """What the attribute of an optimizer says of itself."""
    text = KNOWN[name][2] if name in KNOWN else "A hyperparameter of the rule."
    limits = f"one of {', '.join(map(str, CHOICES[name]))}" if name in CHOICES else " and ".join(_limits(name))
    return f"{text} ({limits})" if limits else text


def _limits(name):
    least, below, _ = KNOWN.get(name, (None, None, None))
    limits = [] if least is None else [f"at least {least:g}"]
    return limits if below is None else [*limits, f"below {below:,g}" if name not in INTEGERS else f"below {below:,}"]


def _inside(name, number):
    """Whether a hyperparameter can be this number, or which of an array of numbers."""
    least, below, _ = KNOWN.get(name, (None, None, None))
    found = (abs(number) < inf) | ((number == inf) & (name in UNLIMITED))
    return found & (least is None or number >= least) & (below is None or number < below)


def _expected(name):
    """What a number has to be to be inside."""
    below = KNOWN.get(name, (None, None, None))[1]
    return " and ".join(_limits(name) + (["finite"] if below is None and name not in UNLIMITED else []))


def real(value: Any, expected: str) -> float:
    """A real number as a float; TypeError, which begins with `expected`, for anything else."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise TypeError(f"{expected} to be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        return inf


def checked(cls: type, name: str, value: Any) -> Value:
    """The value of a hyperparameter of the optimizer `cls`, as a Python number or string.

    Raises
    ------
    TypeError, ValueError
        Unknown, of the wrong kind, or out of range.
    """
    if name not in cls.defaults:
        if (new := (RENAMED | cls.renamed).get(name)) is not None:
            raise TypeError(f"{cls.__name__}: the hyperparameter {name!r} is now called {new!r}")
        raise TypeError(f"{cls.__name__}: no hyperparameter {name!r}; it has {', '.join(cls.defaults)}")
    if name in CHOICES:
        return _chosen(cls, name, value)
    if isinstance(cls.defaults[name], bool):
        if not isinstance(value, bool | np.bool):
            raise TypeError(f"{cls.__name__}: expected {name} to be True or False, not {value!r}")
        return bool(value)
    number = real(value, f"{cls.__name__}: expected {name}")
    if not _inside(name, number):
        raise ValueError(f"{cls.__name__}: expected {name} to be {_expected(name)}, not {value!r}")
    if name in INTEGERS:
        if number != int(number):
            raise ValueError(f"{cls.__name__}: expected {name} to be an integer, not {value!r}")
        return int(number)
    return number


def check_all(cls: type, name: str, values: np.ndarray, dtype: np.dtype) -> None:
    """Raise ValueError if a hyperparameter cannot be one of these numbers, for weights of `dtype`."""
    wrong = values[~_inside(name, values)]
    if wrong.size:
        checked(cls, name, wrong[0])
    sizes = np.abs(values[values != 0])
    for extreme in (sizes.min(initial=1.0), sizes.max(initial=0.0)):
        check_range(cls.__name__, name, float(extreme), dtype, shrinks=name in SHRINKING)


def check_default(where: str, name: str, value: Any) -> None:
    """Raise TypeError or ValueError if the default of a hyperparameter in a rule's signature cannot be its value."""
    if not isinstance(value, bool):
        number = real(value, f"{where}: expected the default of {name}")
        if not _inside(name, number):
            raise ValueError(f"{where}: expected the default of {name} to be {_expected(name)}, not {value!r}")


@cache
def range_of(dtype: np.dtype) -> tuple[float, float]:
    """The smallest normal number of a dtype, and the largest."""
    return float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)


def check_range(where: str, name: str, value: float, dtype: np.dtype, shrinks: bool = False) -> None:
    """Raise ValueError for a number that weights of `dtype` would take as infinite, or as 0 though it is not.

    Below the smallest normal number that depends on the processor, and so all of it is refused, unless it `shrinks`.
    """
    least, most = range_of(dtype)
    small = 0.0 < abs(value) < least and not shrinks
    if small or (abs(value) > most and not (value == inf and name in UNLIMITED)):
        expected = f"at least {least:.3g}, or 0" if small else f"at most {most:.3g}"
        expected += " when given (a schedule may assign less)" if small and name in SHRINKING else ""
        raise ValueError(f"{where}: expected {name} to be {expected}, for weights of {dtype}, not {value!r}")


def _chosen(cls, name, value):
    """The one of the choices that a value equals."""
    choices = CHOICES[name]
    kind = type(choices[0])
    if not isinstance(value, Integral if kind is int else kind) or isinstance(value, bool):
        expected = "a string" if kind is str else "an integer"
        raise TypeError(f"{cls.__name__}: expected {name} to be {expected}, not {value!r}")
    if value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{cls.__name__}: expected {name} to be {listed}, not {value!r}")
    return kind(value)
