"""What a race says: a table, and whether the kernels trained as NumPy did."""

from statistics import median

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

import fastadapt as fa

ACCURACY, LOSS = 0.005, 0.02
"""How far small state may take the test accuracy below float32's, and the final loss from it."""


def header(args, start):
    widths = " - ".join(map(str, [64, *args.hidden, 10]))
    weights = sum(p.size for p in start)
    seeds = f"seed {args.seed[0]}" if len(args.seed) == 1 else f"medians of seeds {', '.join(map(str, args.seed))}"
    state = (
        ""
        if args.state_bits == 32
        else f"\nfastadapt holds the state of arrays of 4,096 weights or more in {args.state_bits} bits"
    )
    return (
        f"handwritten digits; perceptron {widths}, {weights:,} weights in {len(start)} arrays\n"
        f"{args.epochs} epochs, {args.batch} images a step, {seeds}{state or '; float32 throughout'}"
    )


def table(args, pairs, weights):
    """A line an optimizer."""
    small = args.state_bits != 32
    judged = ["of\nNumPy's", "state\nbytes"] if small else ["losses\napart"]
    ours = f"{args.state_bits} bits" if small else "fastadapt"
    result = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    result.add_column("optimizer")
    for heading in ["lr", "test\naccuracy", "final\nloss", *judged, "NumPy\nµs", f"{ours}\nµs", "ratio"]:
        result.add_column(heading, justify="right")
    for name, every in pairs.items():
        accuracy = median(pair.fastadapt.accuracy for pair in every)
        final = median(pair.fastadapt.losses[-1] for pair in every)
        cells = [f"{every[0].lr:g}", f"{accuracy:.1%}", f"{final:.2e}"]
        if small:
            cells += [f"{loss_ratio(every):.1%}", f"{every[0].nbytes / weights:.2f}"]
        else:
            cells += [f"{max(map(apart, every)):.0e}"]
        theirs, own = microseconds(pair.numpy for pair in every), microseconds(pair.fastadapt for pair in every)
        cells += [f"{theirs:.0f}", f"{own:.0f}", f"{theirs / own:.1f}×"]
        result.add_row(name, *cells)
    return result


def microseconds(runs):
    """The median update."""
    return 1e6 * median(seconds for run in runs for seconds in run.seconds)


def apart(pair):
    """The largest distance between the two loss curves; nan if either left the numbers."""
    return float(np.max(np.abs(np.subtract(pair.numpy.losses, pair.fastadapt.losses))))


def loss_ratio(every):
    """The final loss over that of float32, the median of the seeds."""
    return median(pair.fastadapt.losses[-1] / pair.numpy.losses[-1] for pair in every)


def accuracy_lost(every):
    """The test accuracy below that of float32, the median of the seeds."""
    return median(pair.numpy.accuracy - pair.fastadapt.accuracy for pair in every)


def finds_its_step(name) -> bool:
    """Whether a rule finds its step size from sums over all weights.

    These hand the least rounding of any weight on to every step, so that the losses part, and accuracies are compared.
    """
    return "all" in getattr(fa, name).sums_after.values()


def alike(name, pair) -> bool:
    """Whether two trainings by such a rule end alike."""
    return finds_its_step(name) and abs(pair.numpy.accuracy - pair.fastadapt.accuracy) <= 2 * ACCURACY


def agreement(console, pairs, steps) -> int:
    """Say whether NumPy and the kernels made the same training; 1 if some did not."""
    # Every step rounds every weight, by up to 2^-24 of it, on either side: the two can part by 2^-23 a step.
    # From the same start, a network without kinks (tanh) hands that on to its loss at about the same size.
    bound = steps * 2.0**-23
    far = {}
    for name, every in pairs.items():
        if not all(apart(pair) <= bound * pair.numpy.losses[0] or alike(name, pair) for pair in every):
            far[name] = max(map(apart, every))
    tolerance = f"(tolerance {bound:.1e} of the starting loss: {steps} steps × 2^-23, float32's rounding)"
    if far:
        names = ", ".join(f"{name} (apart by {distance:.1e})" for name, distance in far.items())
        console.print(f"NumPy and fastadapt do NOT agree: {names}\n{tolerance}")
        return 1
    console.print(f"NumPy and fastadapt reach the same losses: all {len(pairs)} agree\n{tolerance}")
    return 0


def closeness(console, pairs) -> int:
    """Say whether small state trained as well as float32; 1 if some did not."""
    far = {
        name: f"accuracy {-accuracy_lost(every):+.1%}, loss {loss_ratio(every):.1%}"
        for name, every in pairs.items()
        if not (accuracy_lost(every) <= ACCURACY and (finds_its_step(name) or abs(loss_ratio(every) - 1) <= LOSS))
    }
    tolerance = f"(test accuracy within {100 * ACCURACY:g} points of float32's, final loss within {LOSS:.0%})"
    if far:
        names = "; ".join(f"{name}: {what}" for name, what in far.items())
        console.print(f"Small state does NOT train as float32 does: {names}\n{tolerance}")
        return 1
    console.print(f"Small state trains as float32 does: all {len(pairs)}\n{tolerance}")
    return 0
