"""What a saved file shows: the first surface with the rules that are on at first."""

from dataclasses import asdict
from typing import Any

from ..contenders import contenders
from ..jobs import Quiet, Tell
from .backend import Landscape
from .chosen import first_rate
from .problem import Settings
from .scene import Scene


def first_request(backend: Landscape) -> dict[str, Any]:
    """The request that the page makes first, with all that it leaves to defaults."""
    surface = backend.surfaces[backend.surface]
    settings = {name: value for name, value in asdict(Settings()).items() if value is not None}
    if surface.parameter is not None:
        settings["parameter"] = surface.parameter.default
    rules = {name: {"lr": _rate(backend, name, surface)} for name in backend.shown}
    return {"surface": backend.surface, **settings, "start": list(surface.start), "rules": rules}


def _rate(backend, name, surface):
    found = backend.rates_found if backend.surface == "own" else {}
    return found.get(name) or first_rate(backend.contenders[name], surface)


def find_first_rates(backend: Landscape, tell: Tell) -> None:
    """Find the rates with which the rules begin, where the first surface is a reader's function."""
    if backend.surface == "own":
        backend.find_rates(Quiet(tell), first_scene(backend))


def first_scene(backend: Landscape, kind: str = "paths", **more: Any) -> Scene:
    """The scene of that request."""
    return backend.scene({"do": kind, **first_request(backend), **more})


def command_of(backend: Landscape) -> str:
    """What makes the page anew."""
    if backend.own is not None or set(backend.contenders) != set(contenders()):
        given = ["f"] if backend.own else []
        given += ["rules=[...]"] if set(backend.contenders) != set(contenders()) else []
        return f"fa.pages.landscape({', '.join(given)})"
    return f"python -m fastadapt landscape --surface {backend.surface} --rules {' '.join(backend.shown)}"
