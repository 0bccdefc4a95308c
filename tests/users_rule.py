"""A rule that a user wrote, in a module that can be imported."""

import fastadapt as fa


class HeavyBall(fa.Optimizer):
    """Momentum."""

    @staticmethod
    def coefficients(t, lr=0.1, mu=0.8):
        return lr / t, mu

    @staticmethod
    def update(p, g, b, /, lr, mu):
        b = mu * b + g
        return p - lr * b, b
