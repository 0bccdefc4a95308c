"""The digits network of `race`, made small, trained by any rule at many learning rates at once."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import digits
from .networks import Networks
from .rules import RULES, rates

WIDTHS = (64, 32, 10)
BATCH = 32
RATES = (1e-4, 10.0)
"""The slowest and the fastest learning rate that a rule may choose."""


class Problem(NamedTuple):
    """A split of the digits, the first weights, and the rows of every batch, all from one seed."""

    data: digits.Digits
    start: list[np.ndarray]
    batches: list[np.ndarray]

    @property
    def params(self) -> list[np.ndarray]:
        """A copy of the first weights."""
        return [p.copy() for p in self.start]


class Sweep(NamedTuple):
    """Training loss and test accuracy at the end, by seed and learning rate; NaN where it left the numbers."""

    rates: np.ndarray
    losses: np.ndarray
    accuracies: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """The median loss of the seeds at each rate; infinite where one seed left the numbers."""
        return np.median(np.where(np.isfinite(self.losses), self.losses, np.inf), axis=0)

    @property
    def best(self) -> int:
        """Which learning rate has the lowest median loss."""
        return int(self.median.argmin())

    @property
    def loss(self) -> float:
        """The median loss at the best rate."""
        return float(self.median[self.best])

    @property
    def accuracy(self) -> float:
        """The median test accuracy at the rate that is best for the training loss."""
        return float(np.median(self.accuracies[:, self.best]))


@lru_cache
def problem(seed: int, epochs: int, widths: tuple[int, ...] = WIDTHS) -> Problem:
    """The same for every rule."""
    rng = np.random.default_rng(seed)
    data = digits.load(rng)
    start = digits.initial(list(widths), rng)
    orders = [rng.permutation(len(data.y)) for _ in range(epochs)]
    return Problem(data, start, [order[i : i + BATCH] for order in orders for i in range(0, len(order), BATCH)])


def train(given: Problem, step: Callable, params: list[np.ndarray]) -> float:
    """Train `params` in place, a step a batch; the loss over all training images at the end."""
    # At a rate that is too large the numbers leave the range, which the loss then shows.
    with np.errstate(all="ignore"):
        for rows in given.batches:
            step(digits.gradients(params, given.data.X[rows], given.data.y[rows]))
        return digits.loss(params, given.data.X, given.data.y)


@lru_cache
def sweep(name: str, epochs: int, seeds: tuple[int, ...], count: int) -> Sweep:
    """Train by a rule at each of `count` rates from each seed; claims that ask for the same share one sweep."""
    rule, hyper = RULES[name]
    return sweep_of(rule, hyper, rates(*RATES, count), epochs, seeds)


def sweep_of(rule: type, hyper: dict, tried: np.ndarray, epochs: int, seeds: Sequence[int]) -> Sweep:
    """One optimizer steps all the networks of a seed, each in a group that has a learning rate of its own."""
    losses, accuracies = np.full((2, len(seeds), tried.size), np.nan)
    for i, seed in enumerate(seeds):
        given = problem(seed, epochs)
        nets = Networks(given.start, tried.size)
        groups = {f"{name}.*": {"lr": float(lr)} for name, lr in zip(nets.params, tried, strict=True)}
        step = rule(nets.params, groups=groups, **hyper).step
        with np.errstate(all="ignore"):  # as in `train`
            for rows in given.batches:
                step(nets.gradients(given.data.X[rows], given.data.y[rows]))
            for k, params in enumerate(nets.params.values()):
                losses[i, k] = digits.loss(params, given.data.X, given.data.y)
                if np.isfinite(losses[i, k]):
                    accuracies[i, k] = digits.accuracy(params, given.data.X_test, given.data.y_test)
    return Sweep(tried, losses, accuracies)
