"""The explorer's backend: what the page asks, and what it is answered."""

from typing import Any

from ..backend import Backend
from ..checks import RequestError, whole
from ..jobs import Job, Quiet
from ..language import words
from . import cuts
from .describing import description
from .grid import STAGES, Grids
from .lists import numbers, short, tables
from .paths import shadow, true_values
from .points import seen, weights_at
from .scene import Scene, key_of, plane_for, scene_of, told_grid, told_plane, told_training
from .setup import PlaneSpec, Setup, plane_of, point_of, setup_of
from .sources import Theirs, Trained
from .store import Store
from .training import train


class Explorer(Backend):
    """Page 2. `first` is the setup that the page begins with."""

    page = "explore"
    answers = ("view", "point", "cuts")

    def __init__(self, first: Setup, source: Trained | Theirs | None = None, language: str = "en"):
        super().__init__()
        self.first, self.source, self.language = first, source or Trained(), language
        self._branches, self._values, self._shadows, self._grids = Store(24), Store(64), Store(64), Store(4)

    def describe(self) -> dict[str, Any]:
        """The controls with what they begin with, the rules with their colours, and the words."""
        return description(self.first, self.source, self.language)

    def view(self, request: dict[str, Any]) -> dict[str, Any]:
        """The paths, the plane below them, and grids of it from coarse to fine, each as soon as it is there.

        Of the paths and the plane only what is not among the keys `have`.
        """
        setup, spec = setup_of(request, self.source.trains), plane_of(request)
        side = whole(request, "side", STAGES[0], STAGES[-1], STAGES[-1])
        if side not in STAGES:
            raise RequestError(f"side: expected one of {', '.join(map(str, STAGES))}, not {side}")
        have = request.get("have", [])
        if not isinstance(have, list):
            raise RequestError("have: expected a list of keys")
        return self.job(request, "view", lambda job: self.view_now(job, setup, spec, side, have))

    def view_now(self, job: Job, setup: Setup, spec: PlaneSpec, side: int, have: list) -> dict[str, Any]:
        """The work of `view`."""
        shown: dict[str, Any] = {}

        def show(**parts):
            shown.update({name: part for name, part in parts.items() if part["key"] not in have})
            job.show(dict(shown))

        model = self.source.model(setup)
        paths, base = self._paths(job, setup)
        train_key = key_of("training", model.key, setup)
        values = [self._true(job, model, setup, k, path) for k, path in enumerate(paths)]
        show(training=told_training(train_key, model, paths, values))
        scene = self._scene(setup, spec, paths, base)
        plane_key = key_of("plane", train_key, spec)
        tell = _share(job, 0.5, 0.6, self._doing("plane"))
        below = self._shadows.get(plane_key, lambda: [shadow(model, scene.plane, path, tell) for path in paths])
        show(plane=told_plane(plane_key, model, scene, below))

        def show_grid(grid):
            show(grid=told_grid(f"{plane_key}-{len(grid.a)}", model, grid))

        grids = self._grids.get(model.key, lambda: Grids(model))
        tell = _share(job, 0.6, 1.0, self._doing("grid"))
        show_grid(grids.compute(scene.plane, scene.box, side, tell, show_grid))
        return shown

    def point(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the weights are at a point of the plane, or at a kept point of a path."""
        setup, spec = setup_of(request, self.source.trains), plane_of(request)
        paths, base = self._paths(Quiet(), setup)
        model = self.source.model(setup)
        if "path" in request:
            path = paths[whole(request, "path", 0, len(paths) - 1)]
            return seen(model, path.weights[whole(request, "index", 0, len(path.steps) - 1)])
        plane = plane_for(spec, model, paths[:base], self.source)
        return seen(model, weights_at(model, plane, *point_of(request, "at")))

    def cuts(self, request: dict[str, Any]) -> dict[str, Any]:
        """For each path a cut from the start to its end, the top curvature there, and a cut along that."""
        setup = setup_of(request, self.source.trains)
        return self.job(request, "cuts", lambda job: self.cuts_now(job, setup))

    def cuts_now(self, job: Job, setup: Setup) -> dict[str, Any]:
        """The work of `cuts`."""
        paths, _ = self._paths(job, setup)
        model, found = self.source.model(setup), []
        for k, path in enumerate(paths):
            tell = _share(job, k / len(paths), (k + 1) / len(paths), self._doing("cuts", path.name))
            key = "cuts", model.key, setup, k
            found.append(self._values.get(key, lambda path=path, tell=tell: self._cut(model, path, tell)))
            job.show({"cuts": list(found)})
        return {"cuts": found}

    def _cut(self, model, path, tell):
        to_end = cuts.cut_to_end(model, path.weights[0], path.weights[-1], lambda share: tell(share / 3))
        found = {"to_end": _told_cut(model, to_end), "curvature": None, "along": None}
        if model.can_train:
            curvature, along = cuts.steepest_cut(model, path.weights[-1], lambda share: tell((1 + 2 * share) / 3))
            numbers_of = {name: short(getattr(curvature, name)) for name in ("value", "residual", "lowest")}
            told = numbers_of | {"rounds": curvature.rounds, "converged": curvature.converged}
            found |= {"curvature": told, "along": _told_cut(model, along)}
        return found

    def _paths(self, job, setup):
        """All paths, and how many of them began at the start."""
        base = self.source.paths(setup, lambda share, name: job.report(0.4 * share, self._doing("train", name)))
        branches = [self._branch(job, setup, base, k) for k in range(len(setup.branches))]
        return [*base, *branches], len(base)

    def _branch(self, job, setup, base, k):
        branch, model = setup.branches[k], self.source.model(setup)
        key = "branch", setup.without_branches(), branch
        tell = _share(job, 0.4, 0.5, self._doing("train", branch.rule))

        def make():
            plane = plane_for(branch.plane, model, base, self.source)
            start = weights_at(model, plane, *branch.at)
            return train(model, branch.rule, branch.given(), branch.epochs, setup.batch, setup.seed, start, tell)

        return self._branches.get(key, make)

    def _scene(self, setup, spec, paths, base) -> Scene:
        plane = plane_for(spec, self.source.model(setup), paths[:base], self.source)
        return scene_of(spec, plane, paths, base)

    def _true(self, job, model, setup, k, path):
        """The true values of a path, remembered for all setups that it is in."""
        own = (setup.rules[k], setup.hyper[k : k + 1]) if k < len(setup.rules) else (k, setup.branches)
        key = "true", model.key, _shared_by_rules(setup), own
        return self._values.get(key, lambda: true_values(model, path, _share(job, 0.4, 0.5, self._doing("losses"))))

    def _doing(self, what, name=""):
        """What is being done, in the page's words."""
        return words(self.language)[f"explore.doing.{what}"].replace("{name}", name)


def _shared_by_rules(setup: Setup) -> tuple:
    """What a training of one rule depends on besides that rule."""
    return setup.data, setup.hidden, setup.seed, setup.epochs, setup.batch


def _told_cut(model, cut):
    return {"along": numbers(cut.along), "unit": short(cut.unit), "values": tables(cut.values, model.metrics)}


def _share(job, begin, end, doing):
    """What reports the share of a part of a job."""
    return lambda share: job.report(begin + (end - begin) * share, doing)
