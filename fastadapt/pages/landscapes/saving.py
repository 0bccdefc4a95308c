"""Files of page 1: a frozen page, a picture, an animation."""

from collections.abc import Callable
from pathlib import Path as File

from ..page import frozen
from .backend import Landscape
from .frozen import freeze
from .pictures import draw_animation, draw_picture
from .show import parts

KINDS = (".html", ".png", ".gif")


def save_page(
    backend: Landscape,
    file: File,
    starts: int = 15,
    tell: Callable[[float, str], None] = lambda share, doing: None,
) -> None:
    """Write the page as a file that needs no network, or a picture of it, by the ending of the name.

    Raises
    ------
    ValueError
        Another ending.
    """
    ending = file.suffix.lower()
    if ending not in KINDS:
        raise ValueError(f"save: expected a name that ends in {', '.join(KINDS)}, not {file.name!r}")
    if ending == ".html":
        file.write_text(frozen(parts(backend.language), freeze(backend, starts, tell)), encoding="utf-8")
    else:
        (draw_picture if ending == ".png" else draw_animation)(backend, file, tell)
