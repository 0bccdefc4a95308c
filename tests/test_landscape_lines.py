"""The lines of every rule with the numbers in them: all known, and the last gives the step that was taken."""

from itertools import product

import numpy as np
import pytest
from conftest import SLOW

from fastadapt.pages.contenders import contenders
from fastadapt.pages.landscapes.builtin import builtin_problem
from fastadapt.pages.landscapes.catalogue import SURFACES
from fastadapt.pages.landscapes.chosen import Chosen, first_rate
from fastadapt.pages.landscapes.descent import descend
from fastadapt.pages.landscapes.numbers import numbers_of
from fastadapt.pages.landscapes.problem import Settings

pytestmark = [pytest.mark.maintainer, pytest.mark.skipif(SLOW, reason="descends by compiled kernels")]

STEPS = 60
ALL = contenders()


def number_of(numbers, descent, key, k, j):
    """As the page finds a number: by the place that is told for its key."""
    where, *more = numbers.keys[key]
    if where == "coefficients":
        return numbers.coefficients[k, more[0]]
    if where == "traced":
        return numbers.traced[more[0], k, j]
    if where == "states":
        return descent.states[more[0]][k + more[1], j]
    return getattr(descent, where)[k + more[0], j]


@pytest.mark.parametrize("name", ALL)
def test_every_number_of_every_line_is_known_and_the_last_lines_give_the_step(name):
    surface = SURFACES["himmelblau"]
    rate = 1e-3 if name.startswith("SGD") else first_rate(ALL[name], surface)
    chosen = Chosen(ALL[name], {**ALL[name].given, "lr": rate})
    descent = descend(builtin_problem("himmelblau", Settings(steps=STEPS)), chosen, (-0.6, -1.0))
    numbers = numbers_of(chosen, descent)
    tokens = [token for line in numbers.formula.lines for token in line.tokens if not isinstance(token, str)]
    assert tokens
    assert {key for _, key in tokens} <= numbers.keys.keys()
    last = next(line for line in numbers.formula.lines if line.key == "p.new")
    for k, j in product((0, 1, STEPS - 1), (0, 1)):
        text = "".join(
            token if isinstance(token, str) else f"({float(number_of(numbers, descent, token[1], k, j))!r})"
            for token in last.tokens
        )
        value = eval(text, {"sqrt": np.sqrt, "min": min, "max": max, "abs": abs})
        assert value == pytest.approx(descent.points[k + 1, j], rel=1e-9)
