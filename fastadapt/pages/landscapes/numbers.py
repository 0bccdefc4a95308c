"""Where the page finds each number of a formula: in what was recorded of a descent, or traced through `update`."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from .chosen import Chosen
from .descent import Descent
from .formula import Formula

FORMULAS = cache(Formula)


@dataclass(frozen=True)
class Numbers:
    """The numbers in a rule's lines.

    formula : the lines
    keys : of each value where it is: `["points", 1]`, `["gradients", 0]`, `["states", name, 1]` with 0 for before the
        step and 1 for after, `["coefficients", i]`, `["traced", i]`
    coefficients : (steps, how many)
    traced : (how many, steps, 2), what is in no record
    """

    formula: Formula
    keys: dict[str, list]
    coefficients: np.ndarray
    traced: np.ndarray


def numbers_of(chosen: Chosen, descent: Descent) -> Numbers:
    """The numbers of each line of the `update` that ran, at every step of a descent."""
    formula, steps = FORMULAS(descent.rule.update), len(descent.points) - 1
    coefficients = coefficients_of(chosen, formula, descent, steps)
    decays = (chosen.rule.defaults | chosen.hyper)["weight_decay"] and not chosen.rule.declaration.decays_itself
    keys = {name + ".0": ["coefficients", i] for i, name in enumerate(formula.coefficients)}
    if not decays:
        keys |= {"p.0": ["points", 0], "g.0": ["gradients", 0]}
    keys["p.new"] = ["points", 1]
    for name in formula.before[2:]:
        keys[f"{name}.0"] = ["states", name, 0]
        if name in formula.kept:
            keys[formula.kept[name]] = ["states", name, 1]
    lacking = [key for key in _keys(formula) if key not in keys]
    traced = _trace(formula, lacking, chosen, descent, coefficients)
    keys |= {key: ["traced", i] for i, key in enumerate(lacking)}
    return Numbers(formula, keys, coefficients, traced)


def coefficients_of(chosen, formula, descent, steps):
    """The coefficients of each step, by the rule's own functions."""
    from ...kernels.weight import LEAST

    rule, rates = chosen.rule, chosen.rates(steps)
    values = rule.defaults | chosen.hyper
    found, complete = np.zeros((steps, len(formula.coefficients))), _completer(chosen, descent)
    for k in range(steps):
        values["lr"] = float(rates[k])
        given = [values[name] for name in rule.declaration.names]
        own, count = rule.declaration.coefficients, rule.declaration.count
        found[k] = complete(k, own(k + 1, *given[:count]), given)
    for i, name in enumerate(formula.coefficients):
        if name in LEAST:  # as the kernels do, so that eps=0 cannot give 0/0
            found[:, i] = np.maximum(found[:, i], LEAST[name][1])
    return found


def _completer(chosen, descent):
    """The function `(k, own, hyper)` that adds to the coefficients of step `k + 1` what `combine` makes of sums."""
    rule, update = chosen.rule, descent.rule
    if (found := rule.declaration.reductions) is None:
        return lambda k, own, hyper: own
    points, gradients = _around(chosen, descent)
    first = len(found.before)
    kept = [found.first(rule.defaults | chosen.hyper)]

    def weights(k):
        return [
            (points[k, j], gradients[k, j], *(descent.states[name][k, j] for name in update.states)) for j in (0, 1)
        ]

    def complete(k, own, hyper):
        sums = np.array(kept.pop())
        if update.reduce is not None:
            sums[:first] = sum(np.array(update.reduce(*given, *own)) for given in weights(k))
        more, scalars = found.combine(k + 1, *sums.tolist(), *(hyper[i] for i in found.picks))
        terms = [update.update(*given, *own, *more)[1 + len(update.states) :] for given in weights(k)]
        after = np.sum(terms, axis=0) if found.after else []
        kept.append([*sums[:first], *after, *scalars])
        return (*own, *more)

    return complete


def _keys(formula):
    """All that a line reads or sets."""
    read = [token[1] for line in formula.lines for token in line.tokens if not isinstance(token, str)]
    return list(dict.fromkeys([*read, *(line.key for line in formula.lines if line.key)]))


def _trace(formula, lacking, chosen, descent, coefficients):
    """What is in no record, by carrying out the lines once more on what is."""
    steps = len(coefficients)
    found = np.full((len(lacking), steps, 2), np.nan)
    if not lacking:
        return found
    points, gradients = _around(chosen, descent)
    states = [descent.states[name] for name in formula.before[2:]]
    with np.errstate(all="ignore"):
        for k in range(steps):
            for j in range(2):
                before = [points[k, j], gradients[k, j], *(state[k, j] for state in states)]
                names = [*formula.before, *formula.coefficients]
                values = formula.values(dict(zip(names, [*before, *coefficients[k]], strict=True)))
                found[:, k, j] = [values.get(key, np.nan) for key in lacking]
    return found


def _around(chosen, descent):
    """Weights and gradients as `update` is given them: after the weight decay, which is applied around it."""
    points, gradients = descent.points[:-1], descent.gradients[:-1]
    hyper = chosen.rule.defaults | chosen.hyper
    if chosen.rule.declaration.decays_itself:
        return points, gradients
    if hyper["weight_decay"] and hyper["decoupled"]:
        keep = 1.0 - chosen.rates(len(points)) * hyper["weight_decay"]
        return points * keep[:, np.newaxis], gradients
    return points, gradients + hyper["weight_decay"] * points
