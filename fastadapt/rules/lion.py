"""Lion."""

from ..optimizer import Optimizer


class Lion(Optimizer):
    """Lion: steps of one size, in the direction of a momentum that leans to the new gradient.

        c = beta1 * m + (1-beta1) * g
        p = p - lr * sign(c)                    sign(0) = 0
        m = beta2 * m + (1-beta2) * g

    State: m. Weight decay is decoupled, as in the paper.

    References
    ----------
    Chen et al. (2023), Symbolic discovery of optimization algorithms.
    """

    decoupled = True

    @staticmethod
    def coefficients(t, lr=1e-4, beta1=0.9, beta2=0.99):
        return lr, beta1, 1 - beta1, beta2, 1 - beta2

    @staticmethod
    def update(p, g, m, /, lr, b1, a1, b2, a2):
        c = b1 * m + a1 * g
        m = b2 * m + a2 * g
        step = lr if c > -c else -lr if c < -c else c  # 0 stays 0, and NaN stays NaN
        return p - step, m
