"""Adaptive rules generalize worse: data on which they must, and the digits, on which they may."""

from functools import partial

import numpy as np

from . import network
from .claim import Claim, Part, Tell
from .pictures import finish
from .rules import RULES, edge, rates, style

PLAIN = ("SGD", "SGD+momentum")
ADAPTIVE = ("AdaGrad", "RMSProp", "Adam")
NAMES = PLAIN + ADAPTIVE
POSITIVE = 0.6
"""The share of samples of class +1, which the construction wants above a half."""


def wilson(samples: int, rng: np.random.Generator):
    """The paper's features and classes: the class itself, two ones, and features that one sample has alone.

    A sample of class +1 has one feature of its own and a sample of class -1 five, so that these, if trusted, can
    outvote the class.
    """
    y = np.where(rng.random(samples) < POSITIVE, 1.0, -1.0)
    X = np.zeros((samples, 3 + 5 * samples))
    X[:, 0], X[:, 1:3] = y, 1
    for i in range(samples):
        own = 3 + 5 * i
        X[i, own : own + (1 if y[i] > 0 else 5)] = 1
    return X, y


def separate(name: str, X, y, X_test, y_test, steps: int, count: int) -> tuple[float, float, float, int]:
    """Train and test accuracy and loss of the least squares fit at the rate with the lowest loss, and which that is."""
    rule, hyper = RULES[name]
    tried = []
    for lr in rates(1e-4, 10, count):
        w = np.zeros(X.shape[1])
        optimizer = rule(w, lr=lr, **hyper)
        with np.errstate(all="ignore"):  # a rate that is too large leaves the numbers, and is not the best
            for _ in range(steps):
                optimizer.step((X @ w - y) @ X / len(y))
            loss = ((X @ w - y) ** 2).mean() / 2
            right = [
                float((np.sign(features @ w) == classes).mean()) for features, classes in ((X, y), (X_test, y_test))
            ]
        tried.append((loss if np.isfinite(loss) else np.inf, *right))
    best = int(np.argmin([loss for loss, *_ in tried]))
    loss, train, test = tried[best]
    return train, test, loss, best


def check(
    tell: Tell,
    samples: int = 100,
    steps: int = 500,
    epochs: int = 10,
    seeds: tuple[int, ...] = (0, 1, 2),
    count: int = 40,
) -> Claim:
    rng = np.random.default_rng(0)
    X, y = wilson(samples, rng)
    X_test, y_test = wilson(1000, rng)
    # Features of single samples of the test never occurred, so that their weights are where they started, at 0.
    X_test = np.hstack([X_test[:, :3], np.zeros((len(y_test), X.shape[1] - 3))])
    built, digits = {}, {}
    for i, name in enumerate(NAMES):
        built[name] = separate(name, X, y, X_test, y_test, steps, count)
        tell((2 * i + 1) / (2 * len(NAMES)))
        digits[name] = network.sweep(name, epochs, tuple(seeds), count)
        tell((i + 1) / len(NAMES))
    return Claim(
        claim="Adaptive rules generalize worse than SGD.",
        source="Wilson, Roelofs, Stern, Srebro, Recht (2017), The marginal value of adaptive gradient methods",
        setting=f"The paper's data (section 3.3), {samples} samples, least squares over {steps} full steps; and the "
        f"digits network, {epochs} epochs, the median of {len(seeds)} seeds. Each rule at the best of {count} learning "
        "rates by its training loss.",
        parts=parts(built, digits, float((y_test > 0).mean())),
        figure=f"test accuracy: built data SGD {built['SGD'][1]:.2f}, Adam {built['Adam'][1]:.2f}; "
        f"digits SGD {digits['SGD'].accuracy:.1%}, Adam {digits['Adam'].accuracy:.1%}",
        columns=("rule", "built: train", "test", "lr", "digits: loss", "test", "lr"),
        rows=tuple(row(name, built[name], digits[name], rates(1e-4, 10, count)) for name in NAMES),
        figures={f"{name}, {what}": value for name in NAMES for what, value in numbers(built[name], digits[name])},
        draw=partial(draw, built, digits),
    )


def numbers(built, digits):
    return ("train", built[0]), ("test", built[1]), ("digits", digits.accuracy)


def row(name, built, digits, tried):
    train, test, _, best = built
    lr = f"{tried[best]:.2g}{edge(best, tried.size)}"
    own = f"{digits.rates[digits.best]:.2g}{edge(digits.best, digits.rates.size)}"
    return name, f"{train:.2f}", f"{test:.3f}", lr, f"{digits.loss:.3f}", f"{digits.accuracy:.1%}", own


def parts(built, digits, positive):
    plain, adaptive = (sorted(built[name][1] for name in names) for names in (PLAIN, ADAPTIVE))
    apart = max(np.ptp(sweep.accuracies[:, sweep.best]) for sweep in digits.values())
    least = min(digits[name].accuracy for name in PLAIN)
    listed = ", ".join(f"{name} {digits[name].accuracy:.1%}" for name in NAMES)
    all_fit = min(train for train, *_ in built.values())
    return (
        Part(
            all_fit == 1 and adaptive[-1] < plain[0],
            f"On the paper's data every rule gets {all_fit:.0%} of the training samples right; of new ones {PLAIN[0]} "
            f"and momentum get {span(plain)} and the adaptive rules {span(adaptive)}, where {positive:.1%} are of "
            "class +1.",
        ),
        Part(
            max(digits[name].accuracy for name in ADAPTIVE) < least,
            f"On the digits the test accuracy is {listed}; from seed to seed it differs by up to {100 * apart:.1f} "
            "points.",
        ),
    )


def span(shares) -> str:
    low, high = f"{shares[0]:.1%}", f"{shares[-1]:.1%}"
    return low if low == high else f"{low} to {high}"


def draw(built, digits, figure):
    left, right = figure.subplots(1, 2)
    for i, name in enumerate(NAMES):
        colour = style(name)["color"]
        left.bar(i, built[name][1], color=colour, width=0.7)
        left.text(i, built[name][1] + 0.02, f"{built[name][1]:.2f}", ha="center", fontsize=10)
        sweep = digits[name]
        tested = sweep.accuracies[:, sweep.best]
        right.plot(np.full(tested.size, i), tested, "o", color=colour, alpha=0.55, markersize=7)
        right.plot([i - 0.3, i + 0.3], [sweep.accuracy] * 2, color=colour, linewidth=2.5)
    left.set(ylim=(0, 1.12), ylabel="test accuracy")
    left.set_title("The paper's data", loc="left")
    right.set(ylabel="test accuracy")
    right.set_title("Digits: each seed, and the median", loc="left")
    for axes in (left, right):
        axes.set_xticks(range(len(NAMES)), [name.replace("+", "\n+") for name in NAMES], fontsize=9)
    finish(figure, [left, right], legend=False)
