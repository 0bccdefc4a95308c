"""Hyperparameters: what ours are, and what may be given for one."""

from decimal import Decimal
from functools import cache
from math import inf
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

Value = float | bool | str | None


class Hyperparameter(NamedTuple):
    """What is known of a hyperparameter by its name."""

    doc: str
    default: Value | None = None
    """That of every optimizer, infinite where it may be, an integer where it is one; a rule's signature has its own."""
    least: float | None = None
    below: float | None = None
    choices: tuple[Value, ...] = ()
    shrinks: bool = False
    """Whether a schedule may make it too small for the weights' type: that is a step, or a decay, of nothing."""
    forgets: bool = False
    """Whether it decays a mean of squares. Where it is 0, gradients are clipped to what has a finite square: 0 times a
    mean that is infinite would be NaN."""
    since: int = 1
    """Version of checkpoints since which it exists; for older ones it has its default. Users' rules have a `since`."""
    old_names: tuple[str, ...] = ()


_H = Hyperparameter
_RULES = {
    "lr": _H("Learning rate: the size of a step.", None, 0.0, shrinks=True),
    "eps": _H("Added to a denominator, to keep it from zero.", None, 0.0),
    "beta1": _H("Decay of the running mean of the gradients.", None, 0.0, 1),
    "beta2": _H("Decay of the running mean of their squares; in Lion, of the momentum.", None, 0.0, 1, forgets=True),
    "rho": _H("Decay of the running mean of the squared gradients.", None, 0.0, 1, forgets=True),
    "momentum": _H("Decay of the momentum; 0 is without, and without its state.", None, 0.0, 1),
    "dampening": _H("What the momentum leaves out of a new gradient.", None, 0.0, 1),
    "nesterov": _H("Whether the step looks ahead along the momentum."),
    "centered": _H("Whether the gradients' variance takes the place of the mean of their squares."),
    "lr_decay": _H("Decay of the learning rate: lr / (1 + (t-1) * lr_decay).", None, 0.0),
    "initial_accumulator": _H("First value of the sum of squares, taken when made and at zero_state.", None, 0.0),
    "momentum_decay": _H("How fast the momentum warms up.", None, 0.0),
    "beta3": _H("Decay of the running sums that the step size is found from; 0 is sqrt(beta2).", None, 0.0, 1),
    "d0": _H("First step size.", None, 2.0**-126),
    "d_coef": _H("What the step size that was found is multiplied by.", None, 0.0),
    "growth": _H("How many times larger the step size may become in a step.", inf, 1.0),
}
_AROUND = {
    "weight_decay": _H("Decay of the weights towards 0.", 0.0, 0.0, shrinks=True),
    "decoupled": _H("Whether the decay multiplies the weights, or else is added to the gradient.", False),
    "maximize": _H("Whether to go up the gradient, not down.", False),
    "lower": _H("What a weight is at least.", -inf, since=2),
    "upper": _H("What a weight is at most.", inf, since=2),
    "masters": _H("Whether weights of 16 bits have masters of float32, or else are rounded by chance.", True, since=3),
}
_AVERAGES = {
    "average": _H("How the weights are averaged, or None.", choices=(None, "ema", "polyak"), since=2),
    "average_decay": _H('Decay of the running average, where that is "ema".', 0.999, 0.0, 1, since=2),
    "average_warmup": _H("Whether it decays faster at first, by (1 + n) / (10 + n) after n of them.", False, since=2),
    "average_from": _H("Steps of an array before the first whose weights are averaged.", 0, 0, since=2),
}
_LIMITS = {
    "max_norm": _H("Norm above which the gradients that follow it are scaled down, all by one factor.", inf, 0.0),
    "max_value": _H("Size to which each gradient is clipped.", inf, 0.0),
    "nonfinite": _H(
        "What a step does with a gradient that is not finite.", "propagate", choices=("propagate", "skip", "raise")
    ),
}
_STATE = {
    "state_bits": _H("Bits of a number of the state: 32, as the parameters, or 16 or 8.", 32, choices=(8, 16, 32)),
    "rounding": _H("How quantized state is rounded.", "stochastic", choices=("stochastic", "nearest")),
    "min_quantized_size": _H(
        "Weights from which on an array's state is held in state_bits.", 4096, 0, old_names=("small_from",)
    ),
    "seed": _H("Seed of the random words that round quantized state.", 0, 0, 2**32),
}
OURS = _RULES | _AROUND | _AVERAGES | _LIMITS | _STATE
"""Those of our rules, and of every optimizer. A user's rule may have others, which take any finite number."""

COMMON, AVERAGES, LIMITS, FIXED = (
    {name: each.default for name, each in part.items()} for part in (_AROUND, _AVERAGES, _LIMITS, _STATE)
)


def known(name: str) -> Hyperparameter:
    """What is known of a hyperparameter."""
    return OURS.get(name) or Hyperparameter("A hyperparameter of the rule.")


def newest(since: dict[str, int] | None = None) -> int:
    """The version of checkpoints that are made now, or of a rule with such a `since`."""
    return max((each.since for each in OURS.values()) if since is None else since.values(), default=1)


def is_newer(cls: type, name: str, version: int, rule_version: int) -> bool:
    """Whether a hyperparameter is newer than a checkpoint of a version of ours, and of the rule of `cls`."""
    return known(name).since > version or cls.since.get(name, 1) > rule_version


def new_names(cls: type) -> dict[str, str]:
    """Today's names of hyperparameters that were called otherwise."""
    return {old: name for name, each in OURS.items() for old in each.old_names} | cls.renamed


def renamed(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters of an older version, by today's names."""
    names = new_names(cls)  # a rule may have one of its own by a name that ours no longer have
    return {name if name in cls.defaults else names.get(name, name): value for name, value in given.items()}


def meaning(name: str) -> str:
    """What the attribute of an optimizer says of itself."""
    each = known(name)
    limits = f"one of {', '.join(map(str, each.choices))}" if each.choices else " and ".join(_limits(each))
    return f"{each.doc} ({limits})" if limits else each.doc


def _unlimited(each):
    """Whether it may be infinite, which is without a limit."""
    return each.default in (inf, -inf)


def _limits(each):
    limits = [] if each.least is None else [f"at least {each.least:g}"]
    return limits if each.below is None else [*limits, f"below {each.below:,}"]


def _inside(each, number):
    """Whether a hyperparameter can be this number, or which of an array of numbers."""
    found = (abs(number) < inf) | (_unlimited(each) & (number == each.default))
    return found & (each.least is None or number >= each.least) & (each.below is None or number < each.below)


def _expected(each):
    """What a number has to be to be inside."""
    return " and ".join(_limits(each) + (["finite"] if each.below is None and not _unlimited(each) else []))


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
        if (new := new_names(cls).get(name)) is not None:
            raise TypeError(f"{cls.__name__}: the hyperparameter {name!r} is now called {new!r}")
        raise TypeError(f"{cls.__name__}: no hyperparameter {name!r}; it has {', '.join(cls.defaults)}")
    each = known(name)
    if each.choices:
        return _chosen(cls, name, each.choices, value)
    if isinstance(cls.defaults[name], bool):
        if not isinstance(value, bool | np.bool):
            raise TypeError(f"{cls.__name__}: expected {name} to be True or False, not {value!r}")
        return bool(value)
    number = real(value, f"{cls.__name__}: expected {name}")
    if not _inside(each, number):
        raise ValueError(f"{cls.__name__}: expected {name} to be {_expected(each)}, not {value!r}")
    if type(each.default) is int:
        if number != int(number):
            raise ValueError(f"{cls.__name__}: expected {name} to be an integer, not {value!r}")
        return int(number)
    return number


def check_all(cls: type, name: str, values: np.ndarray, dtype: np.dtype) -> None:
    """Raise ValueError if a hyperparameter cannot be one of these numbers, for weights of `dtype`."""
    wrong = values[~_inside(known(name), values)]
    if wrong.size:
        checked(cls, name, wrong[0])
    sizes = np.abs(values[values != 0])
    for extreme in (sizes.min(initial=1.0), sizes.max(initial=0.0)):
        check_range(cls.__name__, name, float(extreme), dtype, shrinks=known(name).shrinks)


def check_default(where: str, name: str, value: Any) -> None:
    """Raise TypeError or ValueError if the default of a hyperparameter in a rule's signature cannot be its value."""
    if not isinstance(value, bool):
        number = real(value, f"{where}: expected the default of {name}")
        if not _inside(known(name), number):
            raise ValueError(f"{where}: expected the default of {name} to be {_expected(known(name))}, not {value!r}")


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
    if small or (abs(value) > most and not (abs(value) == inf and _unlimited(known(name)))):
        expected = f"at least {least:.3g}, or 0" if small else f"at most {most:.3g}"
        expected += " when given (a schedule may assign less)" if small and known(name).shrinks else ""
        raise ValueError(f"{where}: expected {name} to be {expected}, for weights of {dtype}, not {value!r}")


def _chosen(cls, name, choices, value):
    """The one of the choices that a value equals."""
    kind = type(choices[-1])
    if value is None and None in choices:
        return None
    if not isinstance(value, Integral if kind is int else kind) or isinstance(value, bool):
        expected = ("None or " if None in choices else "") + ("a string" if kind is str else "an integer")
        raise TypeError(f"{cls.__name__}: expected {name} to be {expected}, not {value!r}")
    if value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{cls.__name__}: expected {name} to be {listed}, not {value!r}")
    return kind(value)
