"""Real steps of the rules from one start, with the weights kept by step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from ..contenders import Contender, contenders
from .model import Model
from .network import Network

KEPT = 60
"""About how many points a path keeps: the ends of the epochs, the first steps, and even ones between."""

LR = {
    "digits": {"SGD": 0.1, "SGD+momentum": 0.02, "AdaGrad": 0.01, "RMSProp": 5e-4, "Adamax": 2e-3, "Lion": 1e-4},
    "spirals": {
        "SGD": 0.3,
        "SGD+momentum": 0.05,
        "AdaGrad": 0.05,
        "RMSProp": 5e-3,
        "Adamax": 0.02,
        "Lion": 1e-3,
        "RAdam": 0.02,
    }
    | dict.fromkeys(("Adam", "AMSGrad", "AdamW", "NAdam"), 0.01),
}
"""Learning rates that suit these networks, where the defaults do not; on the digits those of the race."""


@dataclass(frozen=True, eq=False)
class Path:
    """Where a rule took the weights: `weights` (k, n) at the numbers of steps `steps` (k,), the first the start.

    `epoch` is how many steps make one; `diverged` the step whose gradient or weights were not finite, where it ended.
    """

    name: str
    steps: np.ndarray
    weights: np.ndarray
    epoch: int = 1
    diverged: int | None = None
    hyper: dict[str, Any] = field(default_factory=dict)


def kept_steps(total: int, epoch: int) -> np.ndarray:
    """Which steps of a training are kept."""
    early = [step for step in (1, 2, 3, 5, 8, 12, 18, 27) if step < total]
    even = np.rint(np.linspace(0, total, min(total, KEPT) + 1)).astype(int)
    ends = np.arange(0, total + 1, max(epoch, epoch * -(-total // epoch // KEPT)))
    return np.unique(np.concatenate([[0, total], early, even, ends]).astype(int))


def train(
    model: Model,
    rule: str,
    hyper: dict[str, Any],
    epochs: int,
    batch: int,
    seed: int,
    start: np.ndarray | None = None,
    tell: Callable[[float], None] = lambda share: None,
) -> Path:
    """Take real steps of a rule in all weights; the same seed shuffles the same batches for every rule.

    A network of the user's takes a step with its whole gradient per epoch.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter that the rule has not, or out of its range.
    """
    weights = np.array(model.start if start is None else start, model.structure.dtype)
    tree = model.structure.split(weights)
    found = rules()[rule]
    optimizer = found.rule(tree, **found.given | hyper)
    gradients = _by_batches(model, batch, seed) if isinstance(model, Network) else _whole(model, weights)
    epoch = -(-len(model.data.y) // batch) if isinstance(model, Network) else 1
    kept = kept_steps(epochs * epoch, epoch)
    rows, diverged = [weights.copy()], None
    with model.computing(), np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, kept[-1] + 1):
            grads = gradients(tree)
            optimizer.step(grads)
            if not np.isfinite(weights).all():
                diverged = step
                break
            if step == kept[len(rows)]:
                rows.append(weights.copy())
            if step % 20 == 0:
                tell(step / kept[-1])
    return Path(rule, kept[: len(rows)], np.stack(rows), epoch, diverged, dict(hyper))


@cache
def rules() -> dict[str, Contender]:
    """The rules that can train, by name: the library's own, and variants of them."""
    return contenders()


def default_lr(data: str, name: str) -> float:
    """The learning rate that a rule begins with on a data set."""
    return LR.get(data, {}).get(name, rules()[name].rule.defaults["lr"])


def _by_batches(model, batch, seed):
    """Gradients of one batch after the other, shuffled anew for each epoch."""
    rng = np.random.default_rng([seed, 2])
    left: list[np.ndarray] = []

    def gradients(tree):
        if not left:
            order = rng.permutation(len(model.data.y))
            left.extend(order[i : i + batch] for i in range(0, len(order), batch))
        return model.batch_gradients(tree, left.pop(0))

    return gradients


def _whole(model, weights):
    return lambda tree: model.structure.split(model.gradient(weights))
