"""What the explorer's own networks learn: scikit-learn's handwritten digits, and points on three spirals."""

from functools import cache

import numpy as np

from ...commands import digits

ARMS, POINTS, TURNS, NOISE = 3, 600, 1.25, 0.04
"""Spirals: arms, points of each, turns around the centre, and the standard deviation of their place."""

TEST_SHARE = 0.2

NAMES = ("digits", "spirals")

EPOCHS = {"digits": 20, "spirals": 60}
"""Passes over the training data with which a page begins."""


@cache
def load(name: str, seed: int) -> digits.Digits:
    """A data set, split by the seed into what is trained on and the test."""
    rng = np.random.default_rng(seed)
    return digits.load(rng) if name == "digits" else spirals(rng)


def spirals(rng: np.random.Generator) -> digits.Digits:
    """Points in the plane, a row each, and the number of the spiral that each is on; a fifth kept for the test."""
    radius = np.sqrt(rng.uniform(0.01, 1.0, (ARMS, POINTS)))
    angle = 2 * np.pi * (TURNS * radius + np.arange(ARMS)[:, None] / ARMS)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1, 2)
    # Scaled so that a first layer with weights of size 1 bends within the data.
    X = (3 * (X + NOISE * rng.standard_normal(X.shape))).astype(np.float32)
    y = np.repeat(np.arange(ARMS), POINTS)
    order = rng.permutation(len(y))
    cut = int(TEST_SHARE * len(y))
    test, train = order[:cut], order[cut:]
    return digits.Digits(X[train], y[train], X[test], y[test])
