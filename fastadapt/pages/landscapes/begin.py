"""Where descents on a reader's function begin, and whether it gives there what it says."""

from collections.abc import Callable
from itertools import product
from math import isfinite

import numpy as np

from ...minimizing.gradient_check import check_gradient
from .own import Own, own_of

SEARCHED = 11
"""Points in each direction among which a start is looked for where the usual one has no value."""

WRONG = 0.05
"""Relative difference from which a derivative is not that of the value."""

Place = tuple[float, float]


def begin(function: Callable, x: Place, y: Place, start: Place | None = None) -> tuple[Own, Place]:
    """What a function takes and gives, and a start where it has a finite value: the given one, or the nearest to the
    usual one; an error, by name, where it has none, or where its derivatives are not those of its value."""
    usual = (x[0] + (x[1] - x[0]) * 0.15, y[0] + (y[1] - y[0]) * 0.8)
    own, start = _first_with_a_value(function, [usual, *_grid(x, y, usual)] if start is None else [start])
    inside = [(x[0] + (x[1] - x[0]) * i, y[0] + (y[1] - y[0]) * j) for i, j in ((0.382, 0.291), (0.713, 0.634))]
    if own.gives_gradient:
        _refuse_wrong_derivatives(own, [start, *inside])
    return own, start


def _grid(x, y, near):
    """Points all over the ranges, the nearest to one first."""
    points = product(np.linspace(*x, SEARCHED).tolist(), np.linspace(*y, SEARCHED).tolist())
    return sorted(points, key=lambda at: np.hypot((at[0] - near[0]) / (x[1] - x[0]), (at[1] - near[1]) / (y[1] - y[0])))


def _first_with_a_value(function, places):
    refused = None
    for at in places:
        try:
            own = own_of(function, at)
            value = float(own.at(*at)[0])
        except (ArithmeticError, ValueError) as error:
            # As math.log does below zero; where all places do so, the first is told.
            refused = refused or error
            continue
        if isfinite(value):
            return own, at
        where = f"at start {at}" if len(places) == 1 else "somewhere in its ranges"
        refused = refused or ValueError(f"{own.name}: expected a finite value {where}, not {value}")
    raise refused


def _refuse_wrong_derivatives(own, places):
    """ValueError where they are wrong at most of the places that can be compared: at one there may be a kink."""
    found = [each for each in (_difference(own, at) for at in places) if each]
    wrong = [(at, worst) for at, worst in found if worst.relative > WRONG]
    if 2 * len(wrong) > len(found):
        (x, y), worst = wrong[0]
        raise ValueError(
            f"{own.name}: expected the derivatives of its value, but at ({x:.4g}, {y:.4g}) that by "
            f"{'xy'[worst.place[0]]} is {worst.given:.6g}, and differences of the value give {worst.expected:.6g}"
        )


def _difference(own, at):
    """A place, and the derivative that differs most there; None where there is nothing to compare."""
    try:
        worst = check_gradient(lambda p: own.at(*p.tolist()), np.array(at))[""]
    except (ArithmeticError, ValueError):
        return None
    return (at, worst) if isfinite(worst.expected) else None
