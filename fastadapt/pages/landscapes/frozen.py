"""What a saved page holds: the surface, the paths from a grid of starts, the basins, the judge and the tuning."""

from typing import Any

import numpy as np

from ..jobs import Quiet, Tell
from ..packing import packed_steps
from .answers import OVER_RULES, field_answer, path_answer
from .backend import Landscape
from .descent import descend
from .firstscene import command_of, first_request, first_scene

POINTS = 121
"""Points in each direction of the surface."""

BASINS = 200
"""Starts in each direction of the basins."""

ALIKE = ("lines", "keys", "coefficients")
"""What is the same for all starts, and in the file once."""


def freeze(backend: Landscape, starts: int, tell: Tell) -> dict[str, Any]:
    """The data of a page that needs no run."""
    scene = first_scene(backend)
    problem = backend.problem(scene)
    at = [scene.start, *grid(problem.surface, starts)]
    paths = []
    for k, start in enumerate(at):
        tell(0.8 * k / len(at), f"{k} / {len(at)}")
        paths.append(_paths(problem, scene, start, first=k == 0))
    data = {
        "description": backend.describe()
        | {"frozen": {"command": command_of(backend), "scene": first_request(backend)}},
        "field": field_answer(problem, POINTS),
        "starts": [list(start) for start in at],
        "paths": paths,
    }
    if backend.own and backend.own.why and backend.surface == "own":
        return data
    for i, kind in enumerate(OVER_RULES):
        job = Quiet(lambda share, doing, i=i: tell(0.8 + 0.2 * (i + share) / len(OVER_RULES), doing))
        data[kind] = backend.over_rules(
            job, kind, first_scene(backend, kind, **({"n": BASINS} if kind == "basins" else {}))
        )
    return data


def grid(surface: Any, n: int) -> list[tuple[float, float]]:
    """The centres of n × n cells of what is shown of a surface, row by row from below."""
    (a, b), (c, d) = surface.x, surface.y
    along = (np.arange(n) + 0.5) / n
    return [(float(a + (b - a) * i), float(c + (d - c) * j)) for j in along for i in along]


def _paths(problem, scene, start, first):
    found = {}
    for name, chosen in scene.rules.items():
        answer = path_answer(problem, chosen, descend(problem, chosen, start), packed_steps)
        found[name] = {"kind": "steps"} | {part: value for part, value in answer.items() if first or part not in ALIKE}
    return {"rules": found}
