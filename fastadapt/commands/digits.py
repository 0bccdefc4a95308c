"""A multilayer perceptron on scikit-learn's handwritten digits, its gradients written out in NumPy."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

TEST_IMAGES = 360


class Digits(NamedTuple):
    """Images of 8 by 8 pixels in [0, 1], a row each, and the digit that each shows."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load(rng: np.random.Generator) -> Digits:
    """The 1,797 digits in a random order, the first 360 kept for the test."""
    images, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(labels))
    X, y = (images[order] / 16).astype(np.float32), labels[order]
    return Digits(X[TEST_IMAGES:], y[TEST_IMAGES:], X[:TEST_IMAGES], y[:TEST_IMAGES])


def initial(widths: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Weights and biases `[W1, b1, W2, b2, ...]` of a network with these widths, float32."""
    params = []
    for rows, columns in pairwise(widths):
        W = rng.standard_normal((rows, columns)) * np.sqrt(1 / rows)
        params += [W.astype(np.float32), np.zeros(columns, np.float32)]
    return params


def activations(params: list[np.ndarray], X: np.ndarray) -> list[np.ndarray]:
    """The input, the output of every hidden layer (after its tanh), and the scores of the ten digits."""
    layers = [X]
    for W, b in zip(params[0:-2:2], params[1:-2:2], strict=True):
        layers.append(np.tanh(layers[-1] @ W + b))
    W, b = params[-2:]
    return [*layers, layers[-1] @ W + b]


def log_softmax(scores: np.ndarray) -> np.ndarray:
    # The largest score is taken off first, so that exp cannot overflow.
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def loss(params: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> float:
    """Mean cross-entropy."""
    log_p = log_softmax(activations(params, X)[-1])
    return -float(log_p[np.arange(len(y)), y].mean(dtype=np.float64))


def accuracy(params: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> float:
    """The share of images whose digit got the highest score."""
    return float((activations(params, X)[-1].argmax(axis=1) == y).mean())


def gradients(params: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The gradient of the loss by every weight and bias, in the order of `params`, by backpropagation."""
    *layers, scores = activations(params, X)
    delta = np.exp(log_softmax(scores))
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    grads = []
    for W, h in zip(params[-2::-2], reversed(layers), strict=True):
        grads += [delta.sum(axis=0), h.T @ delta]
        delta = (delta @ W.T) * (1 - h * h)
    return grads[::-1]
