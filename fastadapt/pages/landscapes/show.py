"""The page in a browser, or saved in a file: the library's surfaces, and perhaps a function of the user's."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path as File
from typing import Any

from ...optimizer import Optimizer
from ..contenders import contenders
from ..jobs import Tell
from ..page import Parts
from ..present import present
from .backend import SHOWN, Landscape
from .catalogue import SURFACES
from .ownsurface import own_surface, pair

SCRIPTS = (
    "landscape_numbers.js",
    "landscape_overlay.js",
    "landscape_marks.js",
    "landscape_contour.js",
    "landscape_surface.js",
    "landscape_basincolours.js",
    "landscape_map.js",
    "landscape_basins.js",
    "landscape_data.js",
    "landscape_curves.js",
    "landscape_judge.js",
    "landscape_step.js",
    "landscape_tuning.js",
    "landscape_choice.js",
    "landscape_settings.js",
    "landscape_rules.js",
    "landscape_player.js",
    "landscape_views.js",
    "landscape_frozen.js",
    "landscape_requests.js",
    "landscape_state.js",
    "landscape.js",
)

RANGE = -5.0, 5.0


def parts(lang: str = "en") -> Parts:
    """The files that the page is made of."""
    return Parts("fastadapt: how rules descend", SCRIPTS, ("landscape.css",), lang)


def landscape(
    function: Callable[..., Any] | None = None,
    *,
    x: tuple[float, float] = RANGE,
    y: tuple[float, float] = RANGE,
    start: tuple[float, float] | None = None,
    minima: Iterable[tuple[float, float]] | None = None,
    rules: Iterable[str | type[Optimizer]] = SHOWN,
    surface: str | None = None,
    save: str | File | None = None,
    starts: int = 15,
    port: int | None = None,
    browser: bool = True,
    lang: str = "en",
) -> Any:
    """Show how rules descend on functions of two variables: in a browser until Ctrl-C, in Jupyter as a widget.

    function : one of your own, which joins the library's surfaces: `f(x, y)` or `f(p)` of an array of two, that returns
        the value, or the value and the derivatives (`value, by_x, by_y`, or `value, array of two`), which are compared
        with differences of the value. Python or `@njit`; without derivatives they are central differences. Each rule
        begins with the best of 40 learning rates that keep its descent in view. Where Numba cannot compile it, there
        are no basins and no tuning
    x, y : the ranges in which your function is shown
    start : where descents begin at first; without, where your function has a finite value
    minima : where the minima of your function are; without, those inside the ranges that a grid of 161 × 161 points
        shows are found
    rules : those that are shown at first: names of the library's (and "SGD+momentum"), and optimizers of your own
    surface : the name of the surface that is shown first: yours is "own"
    save : write a page (.html), a picture (.png) or an animation (.gif) to this file instead
    starts : a saved page holds the paths from starts × starts points

    Raises
    ------
    TypeError, ValueError
        What was given does not fit; the message names it.
    """
    if function is None and (minima is not None or tuple(x) != RANGE or tuple(y) != RANGE):
        raise TypeError("landscape: expected x, y and minima with a function of your own only")
    if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= 40:
        raise ValueError(f"landscape: expected starts to be a whole number from 1 to 40, not {starts!r}")
    own = None if function is None else own_surface(function, x, y, start, minima)
    theirs, shown = _rules(rules)
    backend = Landscape(
        own,
        shown=shown,
        surface=_surface(surface, own),
        start=None if start is None else pair("start", start),
        rules=theirs,
        language=lang,
    )

    def write(page: Landscape, file: File, tell: Tell) -> None:
        from .saving import save_page  # here, for it imports matplotlib

        if own is not None and page.surface == "own":
            print(f"{own.own.name}: compiled for {len(page.shown)} rules, for each some seconds once", file=sys.stderr)
        save_page(page, file, tell, starts)

    return present(backend, parts(lang), write, save=save, port=port, browser=browser)


def _rules(rules):
    """The optimizers that are not the library's, and the names of all."""
    rules, ours = [rules] if isinstance(rules, str | type) else list(rules), contenders()
    for rule in rules:
        known = rule in ours if isinstance(rule, str) else isinstance(rule, type) and issubclass(rule, Optimizer)
        if not known:
            raise ValueError(f"landscape: expected rules of {', '.join(ours)}, or optimizers of yours, not {rule!r}")
    classes = [contender.rule for contender in ours.values()]
    theirs = [rule for rule in rules if not isinstance(rule, str) and rule not in classes]
    return theirs, list(dict.fromkeys(rule if isinstance(rule, str) else rule.__name__ for rule in rules))


def _surface(name, own):
    names = ["own", *SURFACES] if own else list(SURFACES)
    if name is not None and name not in names:
        raise ValueError(f"landscape: expected surface to be one of {', '.join(names)}, not {name!r}")
    return name
