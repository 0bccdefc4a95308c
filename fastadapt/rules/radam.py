"""RAdam."""

from math import sqrt

from ..optimizer import Optimizer


class RAdam(Optimizer):
    """RAdam: Adam that waits with its denominator until the variance of that is known well enough.

        m, v as Adam
        n = 2/(1-beta2) - 1;  n[t] = n - 2 * t * beta2**t / (1-beta2**t)
        p = p - lr * m / (1-beta1**t)                                                        while n[t] <= 5
        p = p - lr * m / (1-beta1**t) * rect[t] * sqrt(1-beta2**t) / (eps + sqrt(v))         after
        rect[t]**2 = (n[t]-4) * (n[t]-2) * n / ((n-4) * (n-2) * n[t])

    State: m, v.

    References
    ----------
    Liu et al. (2020), On the variance of the adaptive learning rate and beyond.
    """

    nonnegative = ("v",)

    @staticmethod
    def coefficients(t, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        lr = lr / (1 - beta1**t)
        last = 2 / (1 - beta2) - 1
        n = last - 2 * t * beta2**t / (1 - beta2**t)
        if n <= 5:
            return lr, 0.0, 1 - beta1, 1 - beta2, 1.0  # any denominator but 0
        rect = sqrt((n - 4) * (n - 2) * last / ((last - 4) * (last - 2) * n))
        return 0.0, lr * rect * sqrt(1 - beta2**t), 1 - beta1, 1 - beta2, eps

    @staticmethod
    def update(p, g, m, v, /, plain, adapted, a1, a2, eps):
        m += a1 * (g - m)
        v += a2 * (g * g - v)
        return p - (plain * m + adapted * m / (eps + sqrt(v))), m, v
