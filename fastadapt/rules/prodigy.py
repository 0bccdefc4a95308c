"""Prodigy."""

from math import inf, sqrt
from typing import ClassVar

from ..optimizer import Optimizer


class Prodigy(Optimizer):
    """Prodigy: Adam that finds its own step size d; lr = 1 is meant to be left, or scheduled from 1 on.

        k = d / d0 * d * lr
        num = beta3 * num + k * sum(g * (p0 - p))                       p0: the weights at first
        m = beta1 * m + (1-beta1) * d * g
        v = beta2 * v + (1-beta2) * (d * g)**2
        s = beta3 * s + k * g
        p = p * (1 - weight_decay * d * lr) - d * lr * m / (sqrt(v) + d * eps)

    and for the next step, with sums over all weights, from d_hat = d_coef * num / sum(|s|):

        d_max = max(d_max, d_hat);  d = min(d_max, growth * (max(d, d_hat) if d == d0 else d))

    beta3 = 0 is sqrt(beta2); d * g is clipped to 2**63, whose square is finite. While sum(|s|) is 0, as long as all
    gradients are, num and d stay what they are. What d is made of, groups have in common; an lr may also be 0.

    State: m, v, s, p0; p0 is held as the weights are at any state_bits. Scalars, one for all weights: d, d_max, num.

    References
    ----------
    Mishchenko, Defazio (2023), Prodigy: an expeditiously adaptive parameter-free learner.
    """

    nonnegative = ("v",)
    full_precision = ("p0",)
    in_common = ("lr", "beta2", "beta3", "d0", "d_coef", "growth")
    sums_after: ClassVar = {"gained": "all", "size": "all"}
    scalars: ClassVar = {"d": ("all", "d0"), "d_max": ("all", "d0"), "num": "all"}

    @staticmethod
    def start(p, /):
        return 0.0, 0.0, 0.0, p

    @staticmethod
    def coefficients(t, beta1=0.9, beta2=0.999, beta3=0.0):
        return beta1, 1 - beta1, beta2, 1 - beta2, beta3 if beta3 > 0 else sqrt(beta2), 2.0**63

    @staticmethod
    def combine(
        t, gained, size, d, d_max, num, lr=1.0, beta1=0.9, beta2=0.999, beta3=0.0, eps=1e-8, d0=1e-6, d_coef=1.0,
        growth=inf, weight_decay=0.0,
    ):  # fmt: skip
        if 0 < size < inf and abs(gained) < inf:  # of gradients that are very large it learns nothing
            num = (beta3 if beta3 > 0 else sqrt(beta2)) * num + gained
            found = d_coef * num / size
            d_max = max(d_max, found)
            d = min(d_max, growth * (max(d, found) if d == d0 else d))
        return (d, d * lr, d / d0 * d * lr, d * eps, 1 - weight_decay * d * lr), (d, d_max, num)

    @staticmethod
    def update(p, g, m, v, s, p0, /, b1, a1, b2, a2, b3, most, d, step, k, eps, keep):
        gained = k * g * (p0 - p)
        dg = d * g
        dg = most if dg > most else dg
        dg = -most if dg < -most else dg
        m = b1 * m + a1 * dg
        v = b2 * v + a2 * (dg * dg)
        s = b3 * s + k * g
        return keep * p - step * (m / (sqrt(v) + eps)), m, v, s, p0, gained, abs(s)
