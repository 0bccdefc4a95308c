"""NAdam."""

from math import sqrt
from typing import ClassVar

from ..optimizer import Optimizer


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov's look-ahead and a momentum that warms up.

        mu[t] = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))
        m, v as Adam
        p = p - lr * ((1-mu[t]) / (1-mu[1]*...*mu[t]) * g + mu[t+1] / (1-mu[1]*...*mu[t+1]) * m)
                / (eps + sqrt(v / (1-beta2**t)))

    State: m, v, and for each array a scalar, the product of the mu of its steps.

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam.
    """

    nonnegative = ("v",)
    scalars: ClassVar = {"product": ("array", 1.0)}

    @staticmethod
    def coefficients(t, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        return 4 * lr, beta1, 1 - beta1, beta2, 1 - beta2, 1 / sqrt(1 - beta2**t), eps

    @staticmethod
    def combine(t, product, beta1=0.9, momentum_decay=4e-3):
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
        ahead = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        product *= mu
        # A quarter of each, and four times the step: of the largest gradients the sum stays finite.
        return ((1 - mu) / (1 - product) / 4, ahead / (1 - product * ahead) / 4), (product,)

    @staticmethod
    def update(p, g, m, v, /, step, b1, a1, b2, a2, rescale, eps, on_g, on_m):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        return p - step * ((on_g * g + on_m * m) / (eps + sqrt(v) * rescale)), m, v
