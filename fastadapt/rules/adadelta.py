"""Adadelta."""

from math import sqrt

from ..optimizer import Optimizer


class Adadelta(Optimizer):
    """Adadelta: steps in the units of the weights, from running means of squared gradients and squared steps.

        r = rho * r + (1-rho) * g**2
        d = sqrt(s + eps) / sqrt(r + eps) * g
        s = rho * s + (1-rho) * d**2
        p = p - lr * d

    State: r, s.

    References
    ----------
    Zeiler (2012), ADADELTA: an adaptive learning rate method.
    """

    nonnegative = ("r", "s")

    @staticmethod
    def coefficients(t, lr=1.0, rho=0.9, eps=1e-6):
        return lr, rho, 1 - rho, eps

    @staticmethod
    def update(p, g, r, s, /, lr, rho, a, least):
        r = rho * r + a * (g * g)
        d = sqrt(s + least) / sqrt(r + least) * g
        s = rho * s + a * (d * d)
        return p - lr * d, r, s
