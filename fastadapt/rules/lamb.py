"""LAMB."""

from math import inf, sqrt
from typing import ClassVar

from ..optimizer import Optimizer


class LAMB(Optimizer):
    """LAMB: Adam's step, for each array as long as its weights are, times lr.

        m, v as Adam
        u = m / (1-beta1**t) / (eps + sqrt(v / (1-beta2**t))) + weight_decay * p
        p = p - lr * |p| / |u| * u              where |p| and |u|, norms of the array, are not 0; else lr * u

    Squares are of the weights' type: of float32 those of numbers below 1e-22 vanish, and those above 1.8e19 are
    infinite; a norm of either counts as one that is 0.
    State: m, v.

    References
    ----------
    You et al. (2020), Large batch optimization for deep learning: training BERT in 76 minutes.
    """

    nonnegative = ("v",)
    sums_before: ClassVar = {"pp": "array", "uu": "array"}

    @staticmethod
    def coefficients(t, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0):
        return 1 / (1 - beta1**t), beta1, 1 - beta1, beta2, 1 - beta2, 1 / sqrt(1 - beta2**t), eps, weight_decay

    @staticmethod
    def reduce(p, g, m, v, /, correct, b1, a1, b2, a2, rescale, eps, decay):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        u = m * correct / (eps + sqrt(v) * rescale) + decay * p
        return p * p, u * u

    @staticmethod
    def combine(t, pp, uu, lr=1e-3):
        return (lr * sqrt(pp / uu) if 0 < pp < inf and 0 < uu < inf else lr,), ()

    @staticmethod
    def update(p, g, m, v, /, correct, b1, a1, b2, a2, rescale, eps, decay, step):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        return p - step * (m * correct / (eps + sqrt(v) * rescale) + decay * p), m, v
