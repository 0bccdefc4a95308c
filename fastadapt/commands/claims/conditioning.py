"""On ill-conditioned problems Adam is far better than SGD: along the axes, rotated, and beside the best momentum."""

from functools import partial
from math import isfinite

from .claim import Claim, Part, Tell, times
from .pictures import finish
from .quadratics import BEST_MOMENTUM, DIMENSIONS, PLACES, RATES, STARTS, Steps, steps_needed
from .rules import style

NAMES = ("SGD", "SGD+momentum", BEST_MOMENTUM, "AdaGrad", "RMSProp", "Adam")
FAR = 10
"""How many times fewer steps are far better."""


def check(tell: Tell, decades: int = 6, count: int = 40) -> Claim:
    conditions = [10.0**k for k in range(decades + 1)]
    needed: dict[tuple[str, str], list[Steps]] = {}
    for place in PLACES:
        for name in NAMES:
            needed[place, name] = [steps_needed(name, condition, place, count=count) for condition in conditions]
            tell(len(needed) / (len(PLACES) * len(NAMES)))
    last = {key: of_all[-1].steps for key, of_all in needed.items()}
    even = {name: steps_needed(name, conditions[-1], "rotated", STARTS[1], count).steps for name in ("SGD", "Adam")}
    return Claim(
        claim="On ill-conditioned problems Adam is far better than SGD.",
        source="Kingma, Ba (2015); Polyak (1964) for the best constants of momentum",
        setting=f"Steps until the value of a quadratic of {DIMENSIONS} dimensions is 1% of the start's (the minimum "
        "is 0), from a start to which every curvature contributes alike. Each rule at the best of "
        f"{count} learning rates from {RATES[0]:g} to {RATES[1]:g}; momentum of 0.9, and once more with the best "
        "constants. The curvatures lie along the axes, which suits rules that scale every weight by itself, or are "
        "rotated at random.",
        parts=parts(last, conditions[-1]),
        notes=notes(last, even, needed),
        figure=f"condition 1e{decades}, rotated: SGD {show(last['rotated', 'SGD'])} steps, "
        f"Adam {show(last['rotated', 'Adam'])}, best momentum {show(last['rotated', BEST_MOMENTUM])}",
        columns=("condition", *(f"1e{k}" for k in range(decades + 1))),
        rows=tuple(lines(needed)),
        figures={f"{place}, {name}": value for (place, name), value in last.items()}
        | {f"equal distances, {name}": value for name, value in even.items()},
        draw=partial(draw, needed, conditions),
    )


def show(steps: float) -> str:
    return f"{steps:,}" if isfinite(steps) else "none"


def lines(needed):
    for place in PLACES:
        yield (place, *[""] * len(needed[place, "SGD"]))
        for name in NAMES:
            yield (f"- {name}", *(show(found.steps) for found in needed[place, name]))


def parts(last, condition):
    def against(name, place):
        adam, other = last[place, "Adam"], last[place, name]
        return f"Adam needs {show(adam)} steps and {name} {show(other)} ({times(other / adam)} as many)"

    best = last["rotated", BEST_MOMENTUM]
    return (
        *(
            Part(
                last[place, "SGD"] > FAR * last[place, "Adam"],
                f"At condition {condition:.0e}, {place}, {against('SGD', place)}.",
            )
            for place in PLACES
        ),
        Part(
            last["rotated", "SGD+momentum"] > FAR * last["rotated", "Adam"],
            f"Most of that is momentum: rotated, {against('SGD+momentum', 'rotated')}.",
        ),
        Part(
            best > FAR * last["rotated", "Adam"],
            f"With the best constants for the curvatures, which nobody knows of a network, momentum needs "
            f"{show(best)} steps however the quadratic is rotated.",
        ),
    )


def notes(last, even, needed):
    found = [one for (_, name), of_all in needed.items() if name != BEST_MOMENTUM for one in of_all]
    return (
        f"Along the axes AdaGrad needs {show(last['along the axes', 'AdaGrad'])} steps and RMSProp "
        f"{show(last['along the axes', 'RMSProp'])}: to scale every weight by itself solves such a problem. Rotated "
        f"they need {show(last['rotated', 'AdaGrad'])} and {show(last['rotated', 'RMSProp'])}.",
        "It depends on the start: from one that is equally far along every axis, where the flat directions hold next "
        f"to nothing of the value, SGD needs {show(even['SGD'])} steps and Adam {show(even['Adam'])}.",
        f"Of {len(found)} best learning rates {sum(one.at_edge for one in found)} lie at the edge of the grid.",
    )


def draw(needed, conditions, figure):
    panels = figure.subplots(1, len(PLACES), sharey=True)
    for axes, place in zip(panels, PLACES, strict=True):
        for name in NAMES:
            steps = [found.steps for found in needed[place, name]]
            axes.loglog(conditions, steps, marker="o", markersize=4, label=name, **style(name))
        axes.set_title(place.capitalize(), loc="left")
        axes.set_xlabel("condition")
    panels[0].set_ylabel("steps to within 1%")
    finish(figure, panels)
