"""Train a network on handwritten digits with every optimizer, by NumPy and by the kernels, and compare."""

from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from threadpoolctl import threadpool_limits

import fastadapt as fa
from fastadapt.reference import Reference

from . import digits
from .plots import draw_race

LR = {"SGD": 0.1, "AdaGrad": 0.01, "RMSProp": 5e-4, "Adamax": 2e-3, "Lion": 1e-4}
"""Learning rates that suit this network, where the default does not; the others race with their defaults."""


class Run(NamedTuple):
    """A training: the loss before it and after every epoch, the test accuracy, the seconds of each update."""

    losses: list[float]
    accuracy: float
    seconds: list[float]


class Pair(NamedTuple):
    """Two trainings that differ in who updates the weights, and the seconds of the kernels' first step."""

    lr: float
    numpy: Run
    fastadapt: Run
    first: float


def run(args) -> int:
    console = Console(highlight=False)
    rng = np.random.default_rng(args.seed)
    data = digits.load(rng)
    start = digits.initial([64, *args.hidden, 10], rng)
    batches = [split(rng.permutation(len(data.y)), args.batch) for _ in range(args.epochs)]
    pairs = {}
    # OpenBLAS's threads spin for some 50 ms after a product. An update that is shared among threads would wait
    # for the cores that they hold: 8 ms instead of 20 µs, on two cores.
    with threadpool_limits(1, "blas"), Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=2 * args.epochs * len(args.optimizers))
        for name in args.optimizers:
            progress.update(bar, description=f"{name:<9}")
            pairs[name] = race(name, start, data, batches, lambda: progress.advance(bar))
    console.print(header(args, start))
    console.print(table(pairs))
    first = sum(pair.first for pair in pairs.values())
    console.print(f"µs: the median update; compiling or loading the kernels before: {first:.2g} s")
    draw_race(pairs, args.plot)
    console.print(f"loss curves: {args.plot}")
    return agreement(console, pairs, steps=sum(map(len, batches)))


def split(rows, batch):
    return [rows[i : i + batch] for i in range(0, len(rows), batch)]


def race(name, start, data, batches, tick):
    """Train twice from the same weights over the same batches."""
    hyper = {"lr": LR[name]} if name in LR else {}
    by_numpy, by_kernels = copies(start), copies(start)
    reference = Reference(name, by_numpy, **hyper)
    optimizer = getattr(fa, name)(by_kernels, **hyper)
    first = first_step(getattr(fa, name)(copies(start), **hyper), start)
    return Pair(
        reference.hyper["lr"],
        train(reference.step, by_numpy, data, batches, tick),
        train(optimizer.step, by_kernels, data, batches, tick),
        first,
    )


def copies(params):
    return [p.copy() for p in params]


def first_step(optimizer, grads):
    """Seconds of a step on weights that do not race: it compiles the kernels, or loads them."""
    start = perf_counter()
    optimizer.step(grads)
    return perf_counter() - start


def train(step, params, data, batches, tick) -> Run:
    """Train `params` in place; only the time inside `step` counts."""
    losses, seconds = [digits.loss(params, data.X, data.y)], []
    for epoch in batches:
        for rows in epoch:
            grads = digits.gradients(params, data.X[rows], data.y[rows])
            start = perf_counter()
            step(grads)
            seconds.append(perf_counter() - start)
        losses.append(digits.loss(params, data.X, data.y))
        tick()
    return Run(losses, digits.accuracy(params, data.X_test, data.y_test), seconds)


def apart(pair):
    """The largest distance between the two loss curves; nan if either left the numbers."""
    return float(np.max(np.abs(np.subtract(pair.numpy.losses, pair.fastadapt.losses))))


def header(args, start):
    widths = " - ".join(map(str, [64, *args.hidden, 10]))
    weights = sum(p.size for p in start)
    return (
        f"handwritten digits; perceptron {widths}, {weights:,} weights in {len(start)} arrays\n"
        f"{args.epochs} epochs, {args.batch} images a step, seed {args.seed}; float32 throughout"
    )


HEADINGS = "lr;test\naccuracy;final\nloss;losses\napart;NumPy\nµs;fastadapt\nµs;ratio"


def table(pairs):
    result = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    result.add_column("optimizer")
    for heading in HEADINGS.split(";"):
        result.add_column(heading, justify="right")
    for name, pair in pairs.items():
        ours, update = pair.fastadapt, [1e6 * median(run.seconds) for run in (pair.numpy, pair.fastadapt)]
        cells = [f"{pair.lr:g}", f"{ours.accuracy:.1%}", f"{ours.losses[-1]:.2e}", f"{apart(pair):.0e}"]
        cells += [f"{update[0]:.0f}", f"{update[1]:.0f}", f"{update[0] / update[1]:.1f}×"]
        result.add_row(name, *cells)
    return result


def agreement(console, pairs, steps) -> int:
    """Say whether NumPy and the kernels made the same training; 1 if some did not."""
    # Every step rounds every weight, by up to 2^-24 of it, on either side: the two can part by 2^-23 a step.
    # From the same start, a network without kinks (tanh) hands that on to its loss at about the same size.
    bound = steps * 2.0**-23
    far = {n: apart(p) for n, p in pairs.items() if not apart(p) <= bound * p.numpy.losses[0]}
    tolerance = f"(tolerance {bound:.1e} of the starting loss: {steps} steps × 2^-23, float32's rounding)"
    if far:
        names = ", ".join(f"{name} (apart by {distance:.1e})" for name, distance in far.items())
        console.print(f"NumPy and fastadapt do NOT agree: {names}\n{tolerance}")
        return 1
    console.print(f"NumPy and fastadapt reach the same losses: all {len(pairs)} agree\n{tolerance}")
    return 0
