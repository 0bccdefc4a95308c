"""Files of a page: the page itself with its data, a picture of it, an animation."""

from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from .jobs import Tell
from .page import Parts, frozen

KINDS = (".html", ".png", ".gif")


def save(
    file: File,
    parts: Parts,
    freeze: Callable[[Tell], dict[str, Any]],
    draw_picture: Callable[[File, Tell], None],
    draw_animation: Callable[[File, Tell], None],
    tell: Tell,
) -> None:
    """Write a page as a file that needs no network, or a picture of it, by the ending of the name.

    Raises
    ------
    ValueError
        Another ending.
    """
    ending = file.suffix.lower()
    if ending not in KINDS:
        raise ValueError(f"save: expected a name that ends in {', '.join(KINDS)}, not {file.name!r}")
    if ending == ".html":
        file.write_text(frozen(parts, freeze(tell)), encoding="utf-8")
    elif ending == ".png":
        draw_picture(file, tell)
    else:
        draw_animation(file, tell)
