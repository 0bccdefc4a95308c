"""AdaGrad."""

from math import sqrt

from ..optimizer import Optimizer


class AdaGrad(Optimizer):
    """AdaGrad: each weight's step shrinks with the sum of its squared gradients.

        r = r + g**2
        p = p - lr / (1 + (t-1) * lr_decay) * g / (eps + sqrt(r))

    State: r, which starts at `initial_accumulator`.

    References
    ----------
    Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online learning and stochastic optimization.
    """

    nonnegative = ("r",)

    @staticmethod
    def start(p, /, initial_accumulator=0.0):
        return (initial_accumulator,)

    @staticmethod
    def coefficients(t, lr=1e-2, eps=1e-10, lr_decay=0.0):
        return lr / (1 + (t - 1) * lr_decay), eps

    @staticmethod
    def update(p, g, r, /, lr, eps):
        r += g * g
        return p - lr * (g / (eps + sqrt(r))), r
