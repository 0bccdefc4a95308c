"""What a request of the page asks for: the surface with its settings, the start, and the rules with theirs."""

from dataclasses import dataclass

from ..checks import RequestError, choice, number, numbers, part, whole
from ..contenders import Contender, hyper_of
from .catalogue import Surface
from .chosen import Chosen
from .problem import Settings

MAX_STEPS = 5000
MAX_RULES = 48
MAX_SIZE = 1e9
"""Of a hyperparameter that has no limit of its own."""

MAX_DECAY = 100.0

SIZES = {"field": (11, 400, 121), "basins": (2, 400, 200)}
"""Requests that are about n × n points: the least n, the most, and the default."""

FIELDS = ("do", "client", "surface", "parameter", "points", "batch", "noise", "seed", "steps", "start", "rules")


@dataclass(frozen=True)
class Scene:
    """A request, checked."""

    surface: Surface
    settings: Settings
    start: tuple[float, float]
    rules: dict[str, Chosen]
    n: int | None


def scene_of(request: dict, surfaces: dict[str, Surface], contenders: dict[str, Contender]) -> Scene:
    """Check a request; `RequestError` names what is wrong in it."""
    size = SIZES.get(request["do"])
    fields = FIELDS + ("n",) if size else FIELDS
    for name in request:
        if name not in fields:
            raise RequestError(f"{request['do']}: expected fields of {', '.join(fields)}, not {name[:40]!r}")
    surface = surfaces[choice(request, "surface", surfaces)]
    start = numbers(request, "start", 2, -1e6, 1e6) if "start" in request else surface.start
    rules = part(request, "rules")
    if len(rules) > MAX_RULES:
        raise RequestError(f"rules: expected at most {MAX_RULES}, not {len(rules)}")
    chosen = {}
    for name in rules:
        contender = contenders[choice({"rule": name}, "rule", contenders)]
        chosen[name] = chosen_of(contender, part(rules, name))
    n = whole(request, "n", *size) if size else None
    return Scene(surface, settings_of(request, surface), tuple(start), chosen, n)


def settings_of(request: dict, surface: Surface) -> Settings:
    """The settings of a surface."""
    parameter, points = None, whole(request, "points", 2, 500, 30)
    if surface.parameter is not None:
        least, most, default = surface.parameter.least, surface.parameter.most, surface.parameter.default
        parameter = number(request, "parameter", least, most, default)
    return Settings(
        parameter=parameter,
        points=points,
        batch=whole(request, "batch", 0, 500, 0),
        noise=number(request, "noise", 0.0, 1e6, 0.0),
        seed=whole(request, "seed", 0, 2**32 - 1, 0),
        steps=whole(request, "steps", 1, MAX_STEPS, 300),
    )


def chosen_of(contender: Contender, given: dict) -> Chosen:
    """A rule with its hyperparameters, each within its own limits, and the decay of its learning rate."""
    decay = 0.0
    if "decay" in given and "decay" not in contender.defaults:
        given = dict(given)
        decay = number({"decay": given.pop("decay")}, "decay", 0.0, MAX_DECAY)
    names = dict.fromkeys((*contender.defaults, "decay"))
    return Chosen(contender, contender.given | hyper_of(contender, given, names, MAX_SIZE), decay)
