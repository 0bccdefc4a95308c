"""Adamax."""

from ..optimizer import Optimizer


class Adamax(Optimizer):
    """Adamax: Adam with the decayed largest gradient in the place of the mean of squares.

        m = beta1 * m + (1-beta1) * g
        u = max(beta2 * u, abs(g) + eps)
        p = p - lr / (1-beta1**t) * m / u

    State: m, u.

    References
    ----------
    Kingma, Ba (2015), Adam: a method for stochastic optimization, section 7.1.
    """

    nonnegative = ("u",)

    @staticmethod
    def coefficients(t, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        return lr / (1 - beta1**t), beta1, 1 - beta1, beta2, eps

    @staticmethod
    def update(p, g, m, u, /, step, b1, a1, b2, least):
        m = b1 * m + a1 * g
        u = max(b2 * u, abs(g) + least)
        return p - step * (m / u), m, u
