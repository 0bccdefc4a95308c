"""RMSProp."""

from math import sqrt

from ..optimizer import Optimizer


class RMSProp(Optimizer):
    """RMSProp: each weight's step is divided by the root of a running mean of its squared gradients.

        r = rho * r + (1-rho) * g**2
        p = p - lr * g / (eps + sqrt(r))

        b = momentum * b + g / (eps + sqrt(r))              with momentum
        p = p - lr * b

        r = rho * r + rho * (1-rho) * (g - mean)**2         centered: r is the running variance
        mean = rho * mean + (1-rho) * g

    State: r; mean if centered; b with momentum. The usual `r - mean**2` of the centered rule rounds below zero and
    then gives NaN; this form, equal to it, never does.

    References
    ----------
    Tieleman, Hinton (2012), Neural networks for machine learning, lecture 6.5.
    Graves (2013), Generating sequences with recurrent neural networks (the centered rule).
    """

    nonnegative = ("r",)

    @staticmethod
    def coefficients(t, lr=1e-2, rho=0.99, eps=1e-8, momentum=0.0, centered=False):
        return lr, rho, 1 - rho, rho * (1 - rho), eps, momentum

    @staticmethod
    def update(p, g, r, /, lr, rho, a, c, eps, momentum):
        r = rho * r + a * (g * g)
        return p - lr * (g / (eps + sqrt(r))), r

    @staticmethod
    def update_momentum(p, g, r, b, /, lr, rho, a, c, eps, momentum):
        r = rho * r + a * (g * g)
        b = momentum * b + g / (eps + sqrt(r))
        return p - lr * b, r, b

    @staticmethod
    def update_centered(p, g, r, mean, /, lr, rho, a, c, eps, momentum):
        d = g - mean
        r = rho * r + c * d * d
        mean = rho * mean + a * g
        return p - lr * (g / (eps + sqrt(r))), r, mean

    @staticmethod
    def update_centered_momentum(p, g, r, mean, b, /, lr, rho, a, c, eps, momentum):
        d = g - mean
        r = rho * r + c * d * d
        mean = rho * mean + a * g
        b = momentum * b + g / (eps + sqrt(r))
        return p - lr * b, r, mean, b
