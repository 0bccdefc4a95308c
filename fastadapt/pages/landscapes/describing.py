"""What page 1 needs first: surfaces, rules with their controls and colours, and the words."""

from collections.abc import Iterable
from typing import Any

from ..colours import styles
from ..contenders import Contender
from ..language import words
from .catalogue import Surface
from .chosen import first_rate
from .many import RATES
from .ownsurface import OwnSurface


def description(
    surfaces: dict[str, Surface],
    surface: str,
    contenders: dict[str, Contender],
    shown: Iterable[str],
    own: OwnSurface | None,
    language: str,
    rates_found: dict[str, float],
) -> dict[str, Any]:
    """The answer to `describe`."""
    looks = styles(contenders)
    return {
        "words": words(language),
        "surfaces": {
            name: _surface(each, contenders, rates_found if name == "own" else {}) for name, each in surfaces.items()
        },
        "surface": surface,
        "rules": {
            name: {"colour": looks[name][0], "dash": looks[name][1], "hyper": contender.described()}
            for name, contender in contenders.items()
        },
        "shown": list(shown),
        "rates": RATES.tolist(),
        "own": own.told() | {"tuned": bool(rates_found)} if own else None,
        "frozen": None,
    }


def _surface(surface, contenders, rates_found):
    parameter = surface.parameter
    return {
        "x": surface.x,
        "y": surface.y,
        "start": surface.start,
        "line": surface.name == "line",
        "parameter": vars(parameter) if parameter else None,
        "rates": {name: first_rate(each, surface) for name, each in contenders.items()} | rates_found,
    }
