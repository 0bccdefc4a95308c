"""NAdam."""

from math import sqrt

from ..optimizer import Optimizer


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov's look-ahead and a momentum that warms up.

        mu[t] = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))
        m, v as Adam
        p = p - lr * ((1-mu[t]) / (1-mu[1]*...*mu[t]) * g + mu[t+1] / (1-mu[1]*...*mu[t+1]) * m)
                / (eps + sqrt(v / (1-beta2**t)))

    State: m, v.

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam.
    """

    nonnegative = ("v",)

    @staticmethod
    def coefficients(t, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=4e-3):
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
        ahead = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        product = 1.0
        for i in range(1, t + 1):
            product *= beta1 * (1 - 0.5 * 0.96 ** (i * momentum_decay))
            if product < 1e-17:  # 1 - product is 1 from here on, however large t
                break
        on_g, on_m = lr * (1 - mu) / (1 - product), lr * ahead / (1 - product * ahead)
        return on_g, on_m, 1 - beta1, 1 - beta2, 1 / sqrt(1 - beta2**t), eps

    @staticmethod
    def update(p, g, m, v, /, on_g, on_m, a1, a2, rescale, eps):
        m += a1 * (g - m)
        v += a2 * (g * g - v)
        return p - (on_g * g + on_m * m) / (eps + sqrt(v) * rescale), m, v
