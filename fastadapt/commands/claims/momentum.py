"""Adam beats RMSProp by momentum: on quadratics, and on the digits network."""

from functools import partial
from math import isfinite

import numpy as np

from . import network
from .claim import Claim, Part, Tell, times
from .pictures import finish
from .quadratics import PLACES, steps_needed
from .rules import edge, style

NAMES = ("RMSProp", "RMSProp+momentum", "Adam, beta1 = 0", "Adam")


def check(
    tell: Tell,
    condition: float = 1e4,
    epochs: int = 10,
    seeds: tuple[int, ...] = (0, 1, 2),
    count: int = 40,
) -> Claim:
    steps, trained = {}, {}
    for i, name in enumerate(NAMES):
        for place in PLACES:
            steps[name, place] = steps_needed(name, condition, place, count=count).steps
        trained[name] = network.sweep(name, epochs, tuple(seeds), count)
        tell((i + 1) / len(NAMES))
    return Claim(
        claim="Adam beats RMSProp by momentum.",
        source="Tieleman, Hinton (2012); Kingma, Ba (2015), section 5",
        setting=f"Steps to within 1% on the quadratic of condition {condition:.0e} of the claim before; the training "
        f"loss of the digits network after {epochs} epochs, the median of {len(seeds)} seeds. Each rule at the best of "
        f"{count} learning rates.",
        parts=parts(steps, trained),
        notes=notes(trained, steps),
        figure=f"rotated quadratic: RMSProp {steps['RMSProp', 'rotated']:,} steps, Adam "
        f"{steps['Adam', 'rotated']:,}; network's loss {trained['RMSProp'].loss:.3f}, {trained['Adam'].loss:.3f} "
        f"({medians(trained)})",
        columns=("rule", "on axes", "rotated", "loss", "of the seeds", "at lr"),
        rows=tuple(row(name, steps, trained[name]) for name in NAMES),
        figures={f"{name}, {place}": value for (name, place), value in steps.items()}
        | {f"{name}, network": sweep.loss for name, sweep in trained.items()},
        draw=partial(draw, trained),
    )


def medians(trained):
    """What the losses on the network are, and whether RMSProp's and Adam's differ by more than their seeds do."""
    rmsprop, adam = (at_best(trained[name]) for name in ("RMSProp", "Adam"))
    apart = adam.max() < rmsprop.min() or rmsprop.max() < adam.min()
    return f"medians of {adam.size} seeds, whose ranges {'do not ' if apart else ''}overlap"


def at_best(sweep):
    """The losses of the seeds at the best learning rate."""
    return sweep.losses[:, sweep.best]


def row(name, steps, sweep):
    of_seeds = at_best(sweep)
    lr = f"{sweep.rates[sweep.best]:.2g}{edge(sweep.best, sweep.rates.size)}"
    return (
        name,
        *(f"{steps[name, place]:,}" for place in PLACES),
        f"{sweep.loss:.4f}",
        f"{of_seeds.min():.3f} - {of_seeds.max():.3f}",
        lr,
    )


def parts(steps, trained):
    """Adam with beta1 = 0 is RMSProp with a bias correction, so that what it lacks is momentum and nothing else."""

    def on(place):
        rmsprop, without, adam = (steps[name, place] for name in ("RMSProp", "Adam, beta1 = 0", "Adam"))
        needs = f"RMSProp needs {rmsprop:,} steps, Adam without momentum {without:,} and Adam {adam:,}"
        return Part(adam < min(rmsprop, without), f"{place.capitalize()}, {needs}.")

    rmsprop, without, adam = (trained[name].loss for name in ("RMSProp", "Adam, beta1 = 0", "Adam"))
    return (
        *map(on, reversed(PLACES)),
        Part(
            adam < min(rmsprop, without),
            f"On the network RMSProp ends at a loss of {rmsprop:.4f}, Adam without momentum at {without:.4f} and Adam "
            f"at {adam:.4f}: {medians(trained)}.",
        ),
    )


def notes(trained, steps):
    with_momentum = trained["RMSProp+momentum"].loss
    return (
        f"RMSProp with momentum of 0.9 needs {steps['RMSProp+momentum', 'rotated']:,} steps rotated, and ends at "
        f"{with_momentum:.4f} on the network: {times(with_momentum / trained['Adam'].loss)} Adam's loss.",
    )


def draw(trained, figure):
    axes = figure.subplots()
    for name, sweep in trained.items():
        axes.loglog(sweep.rates, np.where(np.isfinite(sweep.median), sweep.median, np.nan), label=name, **style(name))
        if isfinite(sweep.loss):
            axes.plot(sweep.rates[sweep.best], sweep.loss, "o", color=style(name)["color"], markersize=7)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.set_title("The digits network after training; dots: the best rate", loc="left")
    finish(figure, [axes])
