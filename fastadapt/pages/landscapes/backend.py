"""What page 1 talks to: surfaces, descents, basins and tuning, by name and with numbers only."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..backend import Backend
from ..checks import RequestError
from ..contenders import contenders
from ..jobs import Job
from ..language import words
from .answers import OVER_RULES, field_answer, paths_answer
from .builtin import builtin_problem
from .catalogue import SURFACES, Surface
from .describing import description
from .firstrates import best_rate, is_slow
from .ownsurface import OwnSurface
from .problem import Problem
from .ready import Ready, step_once
from .scene import Scene, scene_of

SHOWN = ("SGD", "SGD+momentum", "RMSProp", "Adam")
"""The rules that are on at first: those of the lecture."""


class Landscape(Backend):
    """Page 1, over the library's surfaces and perhaps a reader's own function.

    shown : names of the rules that are on at first
    surface : the name of the surface that is shown first
    start : where descents on it begin at first; None is its own
    rules : a reader's own rules
    """

    page = "landscape"
    answers = ("field", "paths", "basins", "judge", "tune", "rates")

    def __init__(
        self,
        own: OwnSurface | None = None,
        *,
        shown: Iterable[str] = SHOWN,
        surface: str | None = None,
        start: tuple[float, float] | None = None,
        rules: Iterable[type] = (),
        language: str = "en",
    ):
        super().__init__()
        self.own, self.language, self.shown = own, language, list(shown)
        self.contenders = contenders(rules)
        self.surfaces: dict[str, Surface] = ({"own": own.surface} if own else {}) | SURFACES
        self.surface = surface or ("own" if own else "himmelblau")
        if start is not None:
            self.surfaces[self.surface] = replace(self.surfaces[self.surface], start=start)
        self.rates_found: dict[str, float] = {}
        self.ready = Ready()
        self._compiled = False

    def describe(self) -> dict[str, Any]:
        return description(
            self.surfaces, self.surface, self.contenders, self.shown, self.own, self.language, self.rates_found
        )

    def scene(self, request: dict) -> Scene:
        """A request, checked."""
        return scene_of(request, self.surfaces, self.contenders)

    def problem(self, scene: Scene) -> Problem:
        """The problem of a scene."""
        if scene.surface.name == "own":
            return self.own.problem(scene.settings)
        return builtin_problem(scene.surface.name, scene.settings)

    def field(self, request: dict) -> dict[str, Any]:
        """The surface on a grid, its minima, and the data of the line fit."""
        scene = self.scene(request)
        return self._soon(request, scene, [], lambda: field_answer(self.problem(scene), scene.n))

    def paths(self, request: dict) -> dict[str, Any]:
        """The descents of all chosen rules, with all that there is to see at every step."""
        scene = self.scene(request)
        lacking = [chosen for chosen in scene.rules.values() if not self.ready.has("step", chosen)]
        return self._soon(request, scene, lacking, lambda: paths_answer(self.problem(scene), scene))

    def _soon(self, request, scene, lacking, work: Callable):
        """The answer at once where all is compiled, or else a job that compiles first."""
        own = scene.surface.name == "own"
        if not lacking and (self.own.prepared if own else self._compiled):
            return work()

        def background(job):
            job.report(0.0, self._say("compiling_surface"))
            self.problem(scene)
            self._compiled = self._compiled or not own
            for i, chosen in enumerate(lacking):
                job.report((i + 1) / (len(lacking) + 1), self._say("compiling", rule=chosen.contender.name))
                self._compile(chosen)
            return work()

        return self.job(request, request["do"], background)

    def _compile(self, chosen):
        try:
            step_once(chosen)
        except (TypeError, ValueError):
            return  # hyperparameters that the rule refuses: told of with its path
        self.ready.did("step", chosen)

    def basins(self, request: dict) -> dict[str, Any]:
        """A job: where n × n starts end, rule by rule."""
        return self._over_rules(request)

    def judge(self, request: dict) -> dict[str, Any]:
        """A job: of a grid of starts the share that arrives, and the median of their steps, rule by rule."""
        return self._over_rules(request)

    def tune(self, request: dict) -> dict[str, Any]:
        """A job: the best of 40 learning rates for each rule, at this surface and start."""
        return self._over_rules(request)

    def _over_rules(self, request):
        scene, kind = self.scene(request), request["do"]
        return self.job(request, kind, lambda job: self.over_rules(job, kind, scene))

    def rates(self, request: dict) -> dict[str, Any]:
        """A job: the learning rates with which rules begin on a reader's function."""
        scene = self.scene(request)
        if scene.surface.name != "own":
            raise RequestError(f"surface: expected own, not {scene.surface.name}")
        return self.job(request, "rates", lambda job: self.find_rates(job, scene))

    def find_rates(self, job: Job, scene: Scene) -> dict[str, Any]:
        """The work of `rates`: `{"rules": {name: rate}}`, None where the function is too slow or no rate is of use."""
        job.report(0.0, self._say("compiling_surface"))
        problem = self.problem(scene)
        slow = is_slow(problem)
        for i, (name, chosen) in enumerate(scene.rules.items()):
            if slow or name in self.rates_found:
                continue
            job.report((i + 0.5) / len(scene.rules), self._say("first_rate", rule=name))
            self._compile(chosen)
            rate = best_rate(problem, chosen, scene.start)
            if rate is not None:
                self.rates_found[name] = rate
        return {"rules": {name: self.rates_found.get(name) for name in scene.rules}}

    def over_rules(self, job: Job, kind: str, scene: Scene) -> dict[str, Any]:
        """The work of `basins`, `judge` and `tune`, which shows what it has so far."""
        found: dict[str, Any] = {}
        problem = self.problem(scene)
        if scene.surface.name == "own" and self.own.why:
            raise RequestError(self._say("not_compiled", why=self.own.why))
        # Rates that differ by problem are another kernel.
        kernel = "rates" if kind == "tune" else "many", scene.surface.name == "own"
        for i, (name, chosen) in enumerate(scene.rules.items()):

            def tell(share, i=i, name=name, doing=kind):
                job.report((i + share) / len(scene.rules), self._say(doing, rule=name))

            tell(0.0, doing=kind if self.ready.has(kernel, chosen) else "compiling")
            try:
                found[name] = OVER_RULES[kind](problem, chosen, scene, tell)
            except (TypeError, ValueError) as error:
                found[name] = {"error": str(error)}
            self.ready.did(kernel, chosen)
            job.show({"rules": dict(found)})
        return {"rules": found}

    def _say(self, key, **values):
        return words(self.language)[f"landscape.{key}"].format(**values)
