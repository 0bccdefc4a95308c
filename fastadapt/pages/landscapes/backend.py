"""What page 1 talks to: surfaces, descents, basins and tuning, by name and with numbers only."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..backend import Backend
from ..checks import RequestError, whole
from ..colours import styles
from ..language import words
from ..packing import finite, packed
from .answers import field_answer, rule_answer
from .builtin import builtin_problem
from .catalogue import SURFACES, Surface
from .contenders import contenders
from .descent import descend
from .many import RATES, basins, tune
from .own import own_of
from .ownsurface import OwnSurface
from .problem import Problem
from .ready import Ready, step_once
from .scene import Scene, scene_of

SHOWN = ("SGD", "SGD+momentum", "AdaGrad", "RMSProp", "Adam")
"""The rules that are on at first: those of the lecture."""

MAX_GRID = 400
JUDGED = 50
"""Starts in each direction for the columns of the table that tell of all starts."""


class Landscape(Backend):
    """Page 1, over the library's surfaces and perhaps a reader's own function."""

    page = "landscape"
    answers = ("field", "paths", "basins", "judge", "tune")

    def __init__(
        self,
        own: OwnSurface | None = None,
        *,
        shown: Iterable[str] | None = None,
        surface: str | None = None,
        rules: Iterable[type] = (),
        language: str = "en",
    ):
        super().__init__()
        self.own, self.language = own, language
        self.contenders = contenders(rules)
        self.surfaces: dict[str, Surface] = ({own.surface.name: own.surface} if own else {}) | SURFACES
        self.shown = list(shown) if shown is not None else [*SHOWN, *(rule.__name__ for rule in rules)]
        self.surface = surface or ("own" if own else "himmelblau")
        self.ready = Ready()
        self._compiled = False

    def say(self, key: str, **values: Any) -> str:
        """The page's words for a key."""
        return words(self.language)[f"landscape.{key}"].format(**values)

    def describe(self) -> dict[str, Any]:
        looks = styles(self.contenders)
        return {
            "language": self.language,
            "words": words(self.language),
            "surfaces": {name: self._described(surface) for name, surface in self.surfaces.items()},
            "surface": self.surface,
            "rules": {
                name: {"colour": looks[name][0], "dash": looks[name][1], "hyper": contender.described()}
                for name, contender in self.contenders.items()
            },
            "shown": self.shown,
            "rates": RATES.tolist(),
            "own": self.own.told() if self.own else None,
            "frozen": None,
        }

    def _described(self, surface):
        parameter = surface.parameter
        return {
            "x": surface.x,
            "y": surface.y,
            "start": surface.start,
            "log": surface.log,
            "line": surface.name == "line",
            "parameter": vars(parameter) if parameter else None,
            "rates": {name: each.first_rate(surface) for name, each in self.contenders.items()},
        }

    def scene(self, request: dict) -> Scene:
        """A request, checked."""
        return scene_of(request, self.surfaces, self.contenders)

    def problem(self, scene: Scene) -> Problem:
        """The problem of a scene."""
        if self.own and scene.surface is self.own.surface:
            return self.own.problem(scene.settings)
        return builtin_problem(scene.surface.name, scene.settings)

    def field(self, request: dict) -> dict[str, Any]:
        """The surface on a grid, its minima, and the data of the line fit."""
        scene, n = self.scene(request), whole(request, "n", 11, MAX_GRID, 121)
        return self._prepared(request, "field", scene, [], lambda: field_answer(self.problem(scene), n))

    def paths(self, request: dict) -> dict[str, Any]:
        """The descents of all chosen rules, with all that there is to see at every step."""
        scene = self.scene(request)
        lacking = [chosen for chosen in scene.rules.values() if not self.ready.has("step", chosen)]
        return self._prepared(request, "paths", scene, lacking, lambda: self._paths(scene))

    def _prepared(self, request, kind, scene, lacking, work):
        """The answer at once where all is compiled, or else a job that compiles first."""
        own = self.own if self.own and scene.surface is self.own.surface else None
        compiled = own.prepared if own else self._compiled
        if compiled and not lacking:
            return work()

        def background(job):
            job.report(0.0, self.say("compiling_surface"))
            self.problem(scene)
            if own is None:
                self._compiled = True
            for i, chosen in enumerate(lacking):
                job.report((i + 1) / (len(lacking) + 1), self.say("compiling", rule=chosen[0].name))
                self._try(lambda chosen=chosen: step_once(chosen))
                self.ready.did("step", chosen)
            return work()

        return self.job(request, kind, background)

    def _paths(self, scene):
        problem, found = self.problem(scene), {}
        for name, (contender, hyper) in scene.rules.items():
            try:
                found[name] = self._path(problem, scene, contender, hyper)
            except (TypeError, ValueError) as error:
                found[name] = {"error": str(error)}
        return {"rules": found, "lowest": finite(problem.lowest), "steps": scene.settings.steps}

    def _path(self, problem, scene, contender, hyper):
        descent = descend(problem, contender.rule, hyper, scene.start, scene.decay)
        return rule_answer(problem, contender, hyper, descent, scene.decay)

    def _try(self, work):
        """Hyperparameters that a rule refuses are told of with its path."""
        try:
            work()
        except (TypeError, ValueError):
            return

    def basins(self, request: dict) -> dict[str, Any]:
        """A job: where n × n starts end, rule by rule."""
        scene, n = self.scene(request), whole(request, "n", 2, MAX_GRID, 200)
        return self._over_rules(
            request, "basins", scene, lambda problem, chosen: self._basins(problem, scene, chosen, n)
        )

    def _basins(self, problem, scene, chosen, n):
        found = basins(problem, *chosen, scene.decay, n)
        return {
            "n": n,
            "ends": packed(found.ends, "<i2"),
            "since": packed(found.since, "<i4"),
            "share": found.share,
            "median": finite(found.median),
        }

    def judge(self, request: dict) -> dict[str, Any]:
        """A job: of a grid of starts the share that arrives, and the median of their steps, rule by rule."""
        scene = self.scene(request)

        def work(problem, chosen):
            found = basins(problem, *chosen, scene.decay, JUDGED)
            return {"share": found.share, "median": finite(found.median)}

        return self._over_rules(request, "judge", scene, work)

    def tune(self, request: dict) -> dict[str, Any]:
        """A job: the best of 40 learning rates for each rule, at this surface and start."""
        scene = self.scene(request)

        def work(problem, chosen):
            found = tune(problem, *chosen, scene.decay, scene.start)
            return {"values": [finite(value) for value in found.values], "best": found.best}

        return self._over_rules(request, "tune", scene, work, "rates")

    def _over_rules(self, request, kind, scene, work: Callable, kernel: str = "many"):
        """A job that does something for each rule by `fa.minimize_many`, and shows what it has so far."""
        if self.own and scene.surface is self.own.surface and self.own.why:
            raise RequestError(self.say("not_compiled", why=self.own.why))

        def background(job):
            found: dict[str, Any] = {}
            problem = self.problem(scene)
            kind_of = kernel, scene.surface.number < 0
            for i, (name, chosen) in enumerate(scene.rules.items()):
                new = not self.ready.has(kind_of, chosen)
                job.report(i / len(scene.rules), self.say("compiling" if new else kind, rule=name))
                try:
                    found[name] = work(problem, chosen)
                except (TypeError, ValueError) as error:
                    found[name] = {"error": str(error)}
                self.ready.did(kind_of, chosen)
                job.show({"rules": dict(found)})
            return {"rules": found}

        return self.job(request, kind, background)


def own_surface(function: Callable, x: Any, y: Any, start: Any, minima: Any = None) -> OwnSurface:
    """A reader's function as a surface."""
    (a, b), (c, d) = (tuple(map(float, pair)) for pair in (x, y))
    if not (a < b and c < d):
        raise ValueError(f"landscape: expected ranges from low to high, not {x!r} and {y!r}")
    start = tuple(map(float, start)) if start is not None else (a + (b - a) * 0.15, c + (d - c) * 0.8)
    known = None if minima is None else np.array(minima, np.float64).reshape(-1, 2)
    # A quarter of the diagonal in 100 steps, and steps of a hundredth of the range.
    pace = max(b - a, d - c) / 100.0
    surface = Surface("own", -1, (a, b), (c, d), (), start, pace, pace)
    return OwnSurface(own_of(function, start), surface, known)
