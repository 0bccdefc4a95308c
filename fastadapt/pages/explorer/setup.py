"""What a request asks to see, checked: the training, the plane, and the training that begins at points of planes."""

from dataclasses import dataclass, replace
from typing import Any

from ..checks import RequestError, choice, number, numbers, part, whole
from . import data
from .hyper import Hyper, hyper_of
from .limits import BATCH
from .training import default_lr, rules

KINDS = ("honest", "pca", "random", "own")
MAX_RULES, MAX_BRANCHES = 8, 8
MAX_EPOCHS, MAX_WIDTH, MAX_LAYERS = 200, 128, 3
LR_RANGE = (1e-7, 100.0)
ZOOMS = (1, 2, 4, 8, 16)
FAR = 1e6


@dataclass(frozen=True)
class PlaneSpec:
    """Which plane: `pair` are the paths whose ends `own` goes through; `centre` a path and an epoch of it, or None.

    `zoom` times enlarged around the point `around`.
    """

    kind: str = "honest"
    seed: int = 0
    pair: tuple[int, int] = (0, 1)
    centre: tuple[int, int] | None = None
    zoom: int = 1
    around: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Branch:
    """A training that begins at a point of a plane."""

    rule: str
    lr: float
    epochs: int
    plane: PlaneSpec
    at: tuple[float, float]
    hyper: Hyper = ()

    def given(self) -> dict[str, Any]:
        """The hyperparameters that are given to the rule."""
        return {"lr": self.lr, **dict(self.hyper)}


@dataclass(frozen=True)
class Setup:
    """A training of several rules, each a name with its learning rate, from one start; and what begins at points.

    `hyper` are further hyperparameters of each rule, in the order of the rules; empty where no rule has any.
    """

    data: str = "digits"
    hidden: tuple[int, ...] = (32, 32)
    seed: int = 0
    epochs: int = 20
    batch: int = 32
    rules: tuple[tuple[str, float], ...] = ()
    branches: tuple[Branch, ...] = ()
    hyper: tuple[Hyper, ...] = ()

    def given(self, k: int) -> dict[str, Any]:
        """The hyperparameters that are given to rule number k."""
        return {"lr": self.rules[k][1], **dict(self.hyper[k] if self.hyper else ())}

    def without_branches(self) -> "Setup":
        """The training from the start alone."""
        return replace(self, branches=())


def setup_of(request: dict[str, Any], trains: bool = True) -> Setup:
    """The setup of a request; of a network of the user's only what begins at points."""
    asked = part(request, "setup")
    branches = tuple(_branch(item) for item in _items(asked, "branches", 0, MAX_BRANCHES))
    seed = whole(asked, "seed", 0, 2**32 - 1, 0)
    if not trains:
        return Setup("yours", seed=seed, branches=branches)
    name = choice(asked, "data", data.NAMES, "digits")
    hidden = tuple(whole({"hidden": n}, "hidden", 1, MAX_WIDTH) for n in _items(asked, "hidden", 1, MAX_LAYERS, int))
    items = _items(asked, "rules", 1, MAX_RULES)
    rules = tuple(_rule(item, name) for item in items)
    if len({rule for rule, _ in rules}) < len(rules):
        raise RequestError("rules: expected each rule once")
    epochs, batch = whole(asked, "epochs", 1, MAX_EPOCHS, 20), whole(asked, "batch", *BATCH, 32)
    hyper = tuple(hyper_of(item, item["name"]) for item in items)
    return Setup(name, hidden, seed, epochs, batch, rules, branches, hyper if any(hyper) else ())


def plane_of(request: dict[str, Any]) -> PlaneSpec:
    """The plane of a request, or of a branch."""
    asked = part(request, "plane")
    pair = asked.get("pair", [0, 1])
    pair = tuple(int(k) for k in numbers({"pair": pair}, "pair", 2, 0, 1000))
    centre = asked.get("centre")
    if centre is not None:
        centre = tuple(int(k) for k in numbers({"centre": centre}, "centre", 2, 0, 1e6))
    return PlaneSpec(
        choice(asked, "kind", KINDS, "honest"),
        whole(asked, "seed", 0, 2**32 - 1, 0),
        pair,
        centre,
        int(choice({"zoom": str(asked.get("zoom", 1))}, "zoom", map(str, ZOOMS))),
        point_of(asked, "around") if "around" in asked else (0.0, 0.0),
    )


def point_of(values: dict[str, Any], name: str) -> tuple[float, float]:
    """Coordinates of a point of a plane."""
    a, b = numbers(values, name, 2, -FAR, FAR)
    return a, b


def _branch(item):
    rule = choice(item, "rule", rules())
    epochs = whole(item, "epochs", 1, MAX_EPOCHS, 5)
    asked = plane_of(item), point_of(item, "at")
    return Branch(rule, _lr(item, rule, "yours"), epochs, *asked, hyper_of(item, rule))


def _rule(item, name):
    rule = choice(item, "name", rules())
    return rule, _lr(item, rule, name)


def _lr(item, rule, name):
    return number(item, "lr", *LR_RANGE, default_lr(name, rule))


def _items(values, name, least, most, kind=dict):
    items = values.get(name, [])
    if not isinstance(items, list) or not least <= len(items) <= most:
        raise RequestError(f"{name}: expected a list of {least} to {most}")
    if not all(isinstance(item, kind) for item in items):
        raise RequestError(f"{name}: expected a list of {'objects' if kind is dict else 'whole numbers'}")
    return items
