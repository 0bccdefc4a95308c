"""Adam has two moments to tune: the final loss over beta1, beta2 and the learning rate."""

from functools import partial

import numpy as np
from matplotlib.colors import LogNorm

import fastadapt as fa

from . import network
from .claim import Claim, Part, Tell, times
from .network import Sweep
from .pictures import finish

BETA1, BETA2 = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99), (0.5, 0.9, 0.99, 0.999, 0.9999)
DEFAULT = 0.9, 0.999
LR = 1e-3
"""Adam's default learning rate, the lowest of the grid."""


def check(
    tell: Tell,
    beta1: tuple[float, ...] = BETA1,
    beta2: tuple[float, ...] = BETA2,
    epochs: int = 5,
    seeds: tuple[int, ...] = (0, 1, 2),
    count: int = 9,
) -> Claim:
    tried, sweeps = np.geomspace(LR, 0.1, count), {}
    for b1 in beta1:
        for b2 in beta2:
            sweeps[b1, b2] = network.sweep_of(fa.Adam, {"beta1": b1, "beta2": b2}, tried, epochs, seeds)
            tell(len(sweeps) / (len(beta1) * len(beta2)))
    default = sweeps[DEFAULT]
    at_default = float(default.median[0])
    best = min(sweeps, key=lambda pair: sweeps[pair].loss)
    worst = max(sweeps, key=lambda pair: sweeps[pair].loss)
    spread = float(np.ptp(np.log(default.losses[:, default.best])))
    return Claim(
        claim="Adam has two moments to tune.",
        source="Kingma, Ba (2015); Sivaprasad et al. (2020), Optimizer benchmarking needs to account for tuning",
        setting=f"Training loss of the digits network after {epochs} epochs, the median of {len(seeds)} seeds, for "
        f"{len(sweeps)} pairs of beta1 and beta2, each at the best (in parentheses) of {count} learning rates from "
        f"{tried[0]:g} to {tried[-1]:g}.",
        parts=parts(sweeps, best, worst, spread),
        notes=notes(sweeps, at_default),
        figure=f"best rate for the default moments: loss {at_default:.2f} to {default.loss:.3f}; "
        f"best moments too: {sweeps[best].loss:.3f}",
        columns=("beta1", *(f"beta2 {b2:g}" for b2 in beta2)),
        rows=tuple(
            (f"{b1:g}", *(f"{sweeps[b1, b2].loss:.3f} ({rate(sweeps[b1, b2]):.2g})" for b2 in beta2)) for b1 in beta1
        ),
        figures={
            "default rate": at_default,
            "default moments": default.loss,
            "best": sweeps[best].loss,
            "worst": sweeps[worst].loss,
            "spread": float(np.exp(spread)),
        },
        draw=partial(draw, sweeps, beta1, beta2),
    )


def rate(sweep: Sweep) -> float:
    return float(sweep.rates[sweep.best])


def named(pair) -> str:
    return f"beta1 {pair[0]:g} and beta2 {pair[1]:g}"


def parts(sweeps, best, worst, spread):
    lowest, highest, default = (sweeps[pair].loss for pair in (best, worst, DEFAULT))
    gain, chance = default / lowest, float(np.exp(spread))
    return (
        Part(
            highest > 2 * lowest,
            f"At its best rate the loss is {lowest:.3f} with {named(best)}, and {highest:.3f} with {named(worst)}: "
            f"{times(highest / lowest)} as much.",
        ),
        Part(
            gain > chance,
            f"The defaults, {named(DEFAULT)}, end at {default:.3f}, "
            + ("the lowest of all" if best == DEFAULT else f"{times(gain)} the best pair's loss")
            + f"; from seed to seed their loss differs {times(chance)}.",
        ),
    )


def notes(sweeps, at_default):
    default = sweeps[DEFAULT]
    first = [float(sweep.median[default.best]) for sweep in sweeps.values()]
    edges = sum(sweep.best in (0, sweep.rates.size - 1) for sweep in sweeps.values())
    return (
        f"The rate counts for more: with the default moments the loss is {at_default:.3f} at the rate {LR:g}, and "
        f"{default.loss:.3f} at {rate(default):.2g}, {times(at_default / default.loss)} less.",
        f"At that one rate the pairs end between {min(first):.3f} and {max(first):.3f}. Of {len(sweeps)} best rates "
        f"{edges} lie at the edge of the grid.",
    )


def draw(sweeps, beta1, beta2, figure):
    """The loss of every pair, at one rate and each at its best."""
    default = sweeps[DEFAULT]
    losses = {
        f"All at the rate {rate(default):.2g}": [[sweeps[b1, b2].median[default.best] for b2 in beta2] for b1 in beta1],
        "Each at its best rate": [[sweeps[b1, b2].loss for b2 in beta2] for b1 in beta1],
    }
    finite = [value for rows in losses.values() for value in np.ravel(rows) if np.isfinite(value)]
    scale = LogNorm(min(finite), max(finite))
    panels = figure.subplots(1, 2)
    for axes, (title, values) in zip(panels, losses.items(), strict=True):
        axes.imshow(values, cmap="cividis_r", norm=scale, aspect="auto")
        for (i, k), value in np.ndenumerate(values):
            ink = "white" if scale(value) > 0.55 else "black"
            bold = "bold" if (beta1[i], beta2[k]) == DEFAULT else "normal"
            axes.text(k, i, f"{value:.2g}", ha="center", va="center", color=ink, fontsize=9.5, fontweight=bold)
        axes.set_xticks(range(len(beta2)), [f"{b2:g}" for b2 in beta2])
        axes.set_yticks(range(len(beta1)), [f"{b1:g}" for b1 in beta1])
        axes.set(xlabel="beta2", ylabel="beta1")
        axes.set_title(title, loc="left")
    finish(figure, panels, legend=False)
    for axes in panels:
        axes.grid(False)
