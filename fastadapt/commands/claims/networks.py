"""Many copies of the digits network in stacked arrays: their gradients in a few products instead of a loop."""

import numpy as np

from .. import digits


class Networks:
    """`count` networks with one hidden layer from the same start.

    params : the weights and biases of each network by its number, views of the stacks, that an optimizer steps
    """

    def __init__(self, start: list[np.ndarray], count: int):
        self._stacks = [np.repeat(p[None], count, axis=0) for p in start]
        self.params = self._each(self._stacks)

    def gradients(self, X: np.ndarray, y: np.ndarray) -> dict[str, list[np.ndarray]]:
        """What `digits.gradients` gives of each network, of one batch for all."""
        W1, b1, W2, b2 = self._stacks
        h = np.tanh(X @ W1 + b1[:, None])
        scores = h @ W2 + b2[:, None]
        delta = np.exp(digits.log_softmax(scores.reshape(-1, scores.shape[-1]))).reshape(scores.shape)
        delta[:, np.arange(len(y)), y] -= 1
        delta /= len(y)
        below = (delta @ W2.transpose(0, 2, 1)) * (1 - h * h)
        return self._each([X.T @ below, below.sum(axis=1), h.transpose(0, 2, 1) @ delta, delta.sum(axis=1)])

    @staticmethod
    def _each(stacks):
        return {str(k): [stack[k] for stack in stacks] for k in range(len(stacks[0]))}
