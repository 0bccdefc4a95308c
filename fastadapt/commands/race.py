"""Train a network on handwritten digits with every optimizer, by NumPy and by the kernels, and compare."""

from operator import mul
from time import perf_counter
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from threadpoolctl import threadpool_limits

import fastadapt as fa
from fastadapt.reference import Reference

from . import CommandError, digits, verdict
from .plots import draw_race

LR = {"SGD": 0.1, "AdaGrad": 0.01, "RMSProp": 5e-4, "Adamax": 2e-3, "Lion": 1e-4}
"""Learning rates that suit this network, where the default does not; the others race with their defaults."""


OWN = {"Prodigy": {"d0": 1e-3}}
"""With its default, a millionth, its first steps are as small as what float32 rounds of these weights, and each way to
round teaches it something else."""


class Run(NamedTuple):
    """A training: the loss before it and after every epoch, the test accuracy, the seconds of each update."""

    losses: list[float]
    accuracy: float
    seconds: list[float]


class Pair(NamedTuple):
    """Two trainings that differ in who updates the weights; bytes of the kernels' state, seconds of a first step."""

    lr: float
    numpy: Run
    fastadapt: Run
    nbytes: int
    first: float


def run(args) -> int:
    console = Console(highlight=False)
    widths = [64, *args.hidden, 10]
    if args.state_bits != 32 and max(map(mul, widths, widths[1:])) < fa.Adam.defaults["min_quantized_size"]:
        raise CommandError("no layer has the 4,096 weights from which on state is small: widen some with --hidden")
    pairs = {name: [] for name in args.optimizers}
    # OpenBLAS's threads spin for some 50 ms after a product. An update that is shared among threads would wait
    # for the cores that they hold: 8 ms instead of 20 µs, on two cores.
    with threadpool_limits(1, "blas"), Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=2 * args.epochs * len(args.optimizers) * len(args.seed))
        for seed in args.seed:
            rng = np.random.default_rng(seed)
            data = digits.load(rng)
            start = digits.initial(widths, rng)
            batches = [split(rng.permutation(len(data.y)), args.batch) for _ in range(args.epochs)]
            for name in args.optimizers:
                progress.update(bar, description=f"{name:<9}")
                held = {"state_bits": args.state_bits, "seed": seed}
                pairs[name].append(race(name, start, data, batches, held, lambda: progress.advance(bar)))
    console.print(verdict.header(args, start))
    console.print(verdict.table(args, pairs, sum(p.size for p in start)))
    first = sum(every[0].first for every in pairs.values())
    console.print(f"µs: the median update; compiling or loading the kernels before: {first:.2g} s")
    draw_race({name: every[0] for name, every in pairs.items()}, args.plot)
    console.print(f"loss curves: {args.plot}")
    if args.state_bits != 32:
        return verdict.closeness(console, pairs)
    return verdict.agreement(console, pairs, steps=sum(map(len, batches)))


def split(rows, batch):
    return [rows[i : i + batch] for i in range(0, len(rows), batch)]


def race(name, start, data, batches, held, tick):
    """Train twice from the same weights over the same batches."""
    hyper = {"lr": LR[name]} if name in LR else dict(OWN.get(name, {}))
    by_numpy, by_kernels = copies(start), copies(start)
    reference = Reference(name, by_numpy, **hyper)
    optimizer = getattr(fa, name)(by_kernels, **held, **hyper)
    first = first_step(getattr(fa, name)(copies(start), **held, **hyper), start)
    return Pair(
        reference.hyper["lr"],
        train(reference.step, by_numpy, data, batches, tick),
        train(optimizer.step, by_kernels, data, batches, tick),
        optimizer.nbytes,
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
