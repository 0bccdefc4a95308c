"""Files of a page: the page itself with its data, a picture of it, an animation."""

from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from .drawn import no_warnings
from .jobs import Tell
from .page import Parts, frozen

KINDS = (".html", ".png", ".gif")


def refuse_unwritable(file: File) -> None:
    """ValueError where a page cannot be saved under this name: before the work, and not after it."""
    if file.suffix.lower() not in KINDS:
        raise ValueError(f"save: expected a name that ends in {', '.join(KINDS)}, not {file.name!r}")
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise ValueError(f"save: expected a file in a folder that exists, not {str(file)!r}")
    is_new = not file.exists()
    try:
        file.open("ab").close()
        if is_new:
            file.unlink()
    except OSError as error:
        raise ValueError(f"save: {str(file)!r} cannot be written: {error.strerror}") from None


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
        Another ending, or a file that cannot be written.
    """
    refuse_unwritable(file)
    ending = file.suffix.lower()
    if ending == ".html":
        file.write_text(frozen(parts, freeze(tell)), encoding="utf-8")
    elif ending == ".png":
        with no_warnings():
            draw_picture(file, tell)
    else:
        with no_warnings():
            draw_animation(file, tell)
