"""Where the paths of a page come from: trainings of our own networks, or points that the user gives."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..jobs import Tell
from .given import Given
from .network import Network
from .plane import honest_plane
from .setup import Setup
from .store import Store
from .training import Path, kept_steps, train
from .trees import path_vectors


class Trained:
    """Our own networks, trained by the rules of a setup; each training is remembered."""

    trains, directions, filters = True, None, -1

    def __init__(self):
        self._models, self._paths = Store(4), Store(24)

    def model(self, setup: Setup) -> Network:
        """The network of a setup."""
        key = setup.data, setup.hidden, setup.seed
        return self._models.get(key, lambda: Network(*key))

    def paths(self, setup: Setup, tell: Tell) -> list[Path]:
        """A path for each rule of the setup, in its order."""
        model, found = self.model(setup), []
        for k, (rule, _) in enumerate(setup.rules):
            hyper = setup.given(k)
            key = model.key, setup.epochs, setup.batch, rule, tuple(hyper.items())
            told = _part_of(tell, k, len(setup.rules), rule)
            asked = model, rule, hyper, setup.epochs, setup.batch, setup.seed
            found.append(self._paths.get(key, lambda asked=asked, told=told: train(*asked, tell=told)))
        return found


class Theirs:
    """A network and paths of the user's."""

    trains = False

    def __init__(
        self,
        model: Given,
        paths: Mapping[str, Sequence[Any]],
        directions: tuple[Any, Any] | None = None,
        filters: int = -1,
    ):
        if not isinstance(paths, Mapping):
            raise TypeError(f"paths: expected a dict of name and points, not {type(paths).__name__}")
        if not paths:
            raise ValueError("paths: expected at least one path")
        self._model, self.filters = model, filters
        self._paths = [
            Path(str(name), *path_vectors(model.structure, model.start, points, f"paths[{name!r}]", _kept))
            for name, points in paths.items()
        ]
        honest_plane(model.start, [path.weights for path in self._paths])  # raises where they do not move
        self.directions = directions and tuple(
            model.structure.vector(tree, f"directions[{k}]") for k, tree in enumerate(directions)
        )

    def model(self, setup: Setup) -> Given:
        """The user's network."""
        return self._model

    def paths(self, setup: Setup, tell: Tell) -> list[Path]:
        """The user's paths."""
        return self._paths

    def names(self) -> list[str]:
        """The names of the paths."""
        return [path.name for path in self._paths]


def _kept(last):
    """Which points of a path are kept, if the last is number `last`."""
    return kept_steps(last, 1)


def _part_of(tell, k, count, name):
    """What reports the share of one of several trainings as that of all."""
    return lambda share: tell((k + share) / count, name)
