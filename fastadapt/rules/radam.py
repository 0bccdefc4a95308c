"""RAdam."""

from math import expm1, log1p, sqrt

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
        lr, b1, b2 = lr / (1 - beta1**t), beta1, beta2
        last = 2 / (1 - beta2) - 1
        if last <= 5:  # and n[t] is never more
            return lr, 0.0, b1, 1 - b1, b2, 1 - b2, 1.0  # any denominator but 0
        # n[t] = t * (1 - L(t*x)) + L(x), where L(x) = coth(x) - 1/x and beta2 = exp(-2*x). The formula above subtracts
        # two numbers of the size of 1/x, of which near beta2 = 1 no digit is left.
        x = -log1p(beta2 - 1) / 2
        y, lost = t * x, expm1(-2 * t * x)  # lost = beta2**t - 1
        if y < 0.1:
            rest = 1 - y * (1 / 3 - y * y * (1 / 45 - y * y * (2 / 945 - y * y / 4725)))
        else:
            rest = 1 / y + 2 * (1 + lost) / lost
        n = t * rest + (x * (1 / 3 - x * x / 45) if x < 1e-3 else (1 + beta2) / (1 - beta2) - 1 / x)
        if n <= 5:
            return lr, 0.0, b1, 1 - b1, b2, 1 - b2, 1.0
        rect = sqrt((n - 4) * (n - 2) * last / ((last - 4) * (last - 2) * n))
        return 0.0, lr * rect * sqrt(-lost), b1, 1 - b1, b2, 1 - b2, eps

    @staticmethod
    def update(p, g, m, v, /, plain, adapted, b1, a1, b2, a2, eps):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        return p - (plain * m + adapted * (m / (eps + sqrt(v)))), m, v
