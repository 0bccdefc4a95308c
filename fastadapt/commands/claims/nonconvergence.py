"""Adam does not converge on some simple problems: Reddi, Kale and Kumar's sequences."""

from functools import partial
from typing import NamedTuple

import numpy as np

import fastadapt as fa

from .claim import Claim, Part, Tell
from .pictures import finish
from .rules import style

OPTIMUM = -1.0
"""The point of [-1, 1] with the lowest mean value: in all sequences the mean gradient is above 0."""


STARTS = (0.0, OPTIMUM)


class Sequence(NamedTuple):
    """Gradients for one weight: a large one in the first step of each period, and -1 in the others."""

    period: int
    large: float
    lr: float
    """Of the first step; that of step t is `lr` / sqrt(t)."""

    def paths(self, rule: type, hyper: dict, periods: int) -> np.ndarray:
        """Where a rule is after each period, a row for each of `STARTS`; every step is clipped into [-1, 1]."""
        steps = periods * self.period
        lr = self.lr / np.sqrt(np.arange(1, steps + 1))
        # A schedule by problem: its coefficients are computed by compiled code, a million of them in no time.
        found = fa.minimize_many(
            gradient,
            np.array(STARTS)[:, None],
            rule,
            steps=steps,
            shared=(self.period, self.large),
            bounds=(-1, 1),
            record=self.period,
            lr=np.broadcast_to(lr, (len(STARTS), steps)),
            **hyper,
        )
        return found.path[:, 1:, 0]

    @property
    def slope(self) -> float:
        """The mean gradient: how much a step loses on average per unit of distance from the optimum."""
        return (self.large - (self.period - 1)) / self.period


SHORT, LONG = Sequence(3, 3.0, 0.1), Sequence(1001, 1010.0, 0.5)
PAPERS = {"beta1": 0.0, "beta2": 1 / (1 + SHORT.large**2)}
"""The constants with which the paper proves it for the short sequence."""

RUNS = {
    (SHORT, "SGD"): (fa.SGD, {}),
    (SHORT, "RMSProp"): (fa.RMSProp, {"rho": PAPERS["beta2"]}),
    (SHORT, "Adam"): (fa.Adam, PAPERS),
    (SHORT, "AMSGrad"): (fa.AMSGrad, PAPERS),
    (SHORT, "Adam, defaults"): (fa.Adam, {}),
    (LONG, "SGD"): (fa.SGD, {}),
    (LONG, "Adam, defaults"): (fa.Adam, {}),
    (LONG, "AMSGrad, defaults"): (fa.AMSGrad, {}),
}


def gradient(x, g, t, period, large):
    g[0] = large if t % period == 1 else -1.0
    return g[0] * x[0]


def check(tell: Tell, short: int = 3333, long: int = 1000) -> Claim:
    periods, paths = {SHORT: short, LONG: long}, {}
    for (sequence, name), run in RUNS.items():
        paths[sequence, name] = sequence.paths(*run, periods[sequence])
        tell(len(paths) / len(RUNS))
    ends, left = ({key: float(path[i, -1]) for key, path in paths.items()} for i in range(len(STARTS)))
    return Claim(
        claim="Adam does not converge on some simple problems.",
        source="Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, theorems 1 and 2",
        setting=f"One weight in [-1, 1], from 0, with gradient {SHORT.large:g} in every third step and -1 in the "
        f"others, so that the optimum is {OPTIMUM:g}; lr = {SHORT.lr:g} / sqrt(t), beta1 = 0, beta2 (RMSProp's rho) = "
        f"{PAPERS['beta2']:g}. And with every other constant at its default: gradient {LONG.large:g} in every "
        f"{LONG.period:,}st step, lr = {LONG.lr:g} / sqrt(t). The end is that of a period, after its steps upwards.",
        parts=parts(ends, left),
        notes=(
            f"With its default constants Adam ends the short sequence at {ends[SHORT, 'Adam, defaults']:+.3f}: each "
            "choice of constants fails on a sequence of its own. SGD ends at "
            f"{ends[SHORT, 'SGD']:+.3f} and {ends[LONG, 'SGD']:+.3f}.",
        ),
        figure=f"Adam ends at {ends[SHORT, 'Adam']:+.2f}, AMSGrad at {ends[SHORT, 'AMSGrad']:+.2f}; the optimum is "
        f"{OPTIMUM:g}",
        columns=("rule", "period", "steps", "from 0", "from -1", "loss over optimum"),
        rows=tuple(
            (
                name,
                f"{sequence.period:,}",
                f"{periods[sequence] * sequence.period:,}",
                f"{ends[sequence, name]:+.3f}",
                f"{left[sequence, name]:+.3f}",
                f"{sequence.slope * (ends[sequence, name] - OPTIMUM):.4f}",
            )
            for sequence, name in paths
        ),
        figures={f"{name}, {sequence.period}": end for (sequence, name), end in ends.items()},
        draw=partial(draw, paths),
    )


def parts(ends, left):
    def at(sequence, name):
        return abs(ends[sequence, name] - OPTIMUM) < 0.05

    defaults = ends[LONG, "Adam, defaults"]
    return (
        Part(
            not at(SHORT, "Adam") and at(SHORT, "AMSGrad"),
            f"Adam ends at {ends[SHORT, 'Adam']:+.3f}, where the optimum is {OPTIMUM:g}; AMSGrad, whose denominator "
            f"never shrinks, at {ends[SHORT, 'AMSGrad']:+.3f}. From the optimum itself Adam goes to "
            f"{left[SHORT, 'Adam']:+.3f}.",
        ),
        Part(
            not at(LONG, "Adam, defaults") and at(LONG, "AMSGrad, defaults"),
            f"With default constants, on the long sequence, Adam ends at {defaults:+.3f} and AMSGrad at "
            f"{ends[LONG, 'AMSGrad, defaults']:+.3f}.",
        ),
    )


def draw(paths, figure):
    panels = figure.subplots(1, 2, sharey=True)
    for axes, sequence in zip(panels, (SHORT, LONG), strict=True):
        for (of, name), path in paths.items():
            if of == sequence:
                wide = 4 if name == "RMSProp" else 1.5  # Adam's line lies on it
                steps = sequence.period * np.arange(1, path.shape[1] + 1)
                axes.semilogx(steps, path[0], label=name, linewidth=wide, **style(name))
        axes.axhline(OPTIMUM, color="#868d94", linewidth=0.8, linestyle=":")
        axes.set_title(f"g = {sequence.large:,g} every {sequence.period:,} steps, else -1", loc="left")
        axes.set_xlabel("step")
    panels[0].set_ylabel("weight (optimum: -1)")
    panels[0].set_ylim(-1.08, 1.08)
    finish(figure, panels)
