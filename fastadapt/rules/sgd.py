"""Stochastic gradient descent."""

from ..optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if `momentum` is not zero.

        p = p - lr * g                          without momentum
        b = momentum * b + (1 - dampening) * g  with momentum; b = g at the first step
        p = p - lr * b
        p = p - lr * (g + momentum * b)         with nesterov

    State: b with momentum, else none.

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods.
    Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.
    """

    requires = {"dampening": "momentum"}  # noqa: RUF012 - as a user writes it

    @staticmethod
    def coefficients(t, lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False):
        return lr, momentum, 1.0 if t == 1 else 1.0 - dampening

    @staticmethod
    def update(p, g, /, lr, momentum, a):
        return p - lr * g

    @staticmethod
    def update_momentum(p, g, b, /, lr, momentum, a):
        b = momentum * b + a * g
        return p - lr * b, b

    @staticmethod
    def update_momentum_nesterov(p, g, b, /, lr, momentum, a):
        b = momentum * b + a * g
        return p - lr * (g + momentum * b), b
