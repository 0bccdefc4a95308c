"""Adam and its nearest kin: AdamW, with decoupled decay, and AMSGrad."""

from math import sqrt

from ..optimizer import Optimizer


class Adam(Optimizer):
    """Adam: steps of the running mean of the gradients over the root of that of their squares, both bias-corrected.

        m = beta1 * m + (1-beta1) * g
        v = beta2 * v + (1-beta2) * g**2
        p = p - lr * m / (1-beta1**t) / (eps + sqrt(v / (1-beta2**t)))

    State: m, v. t is an integer and the corrections are float64: no counter sticks at 2**24.

    References
    ----------
    Kingma, Ba (2015), Adam: a method for stochastic optimization.
    """

    nonnegative = ("v",)

    @staticmethod
    def coefficients(t, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        return lr / (1 - beta1**t), beta1, 1 - beta1, beta2, 1 - beta2, 1 / sqrt(1 - beta2**t), eps

    @staticmethod
    def update(p, g, m, v, /, step, b1, a1, b2, a2, rescale, eps):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        return p - step * (m / (eps + sqrt(v) * rescale)), m, v


class AdamW(Adam):
    """Adam with decoupled weight decay.

        p = p * (1 - lr * weight_decay), then as Adam

    State: m, v.

    References
    ----------
    Loshchilov, Hutter (2019), Decoupled weight decay regularization.
    """

    weight_decay = 1e-2
    decoupled = True


class AMSGrad(Adam):
    """AMSGrad: Adam whose denominator never shrinks.

        m, v as Adam
        top = max(top, v)                       of the uncorrected v
        p = p - lr * m / (1-beta1**t) / (eps + sqrt(top / (1-beta2**t)))

    State: m, v, top.

    References
    ----------
    Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond.
    """

    nonnegative = ("v", "top")

    @staticmethod
    def update(p, g, m, v, top, /, step, b1, a1, b2, a2, rescale, eps):
        m = b1 * m + a1 * g
        v = b2 * v + a2 * (g * g)
        top = max(top, v)
        return p - step * (m / (eps + sqrt(top) * rescale)), m, v, top
