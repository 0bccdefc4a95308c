"""How a page is shown: in a notebook's cell, by a server until Ctrl-C, or written to a file."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path as File
from typing import Any, TypeVar

from .backend import Backend
from .jobs import Tell
from .page import Parts, served
from .progress import progress_of
from .saving import refuse_unwritable
from .server import serve

Page = TypeVar("Page", bound=Backend)


def present(
    backend: Page,
    parts: Parts,
    write: Callable[[Page, File, Tell], Any],
    *,
    save: str | File | None = None,
    port: int | None = None,
    browser: bool = True,
) -> Any:
    """Write the page by `write(backend, file, tell)`; or in Jupyter return its widget; or serve it until Ctrl-C.

    With a port the page is served in Jupyter, too; `browser` says whether a page that is served is opened.

    Raises
    ------
    ValueError
        The file cannot be written, or its name has another ending.
    ModuleNotFoundError
        Something is not installed; the message says what to install.
    """
    if save is not None:
        file = File(save)
        refuse_unwritable(file)
        for module in ("matplotlib", "rich"):
            _require(module, "pages")
        with progress_of(file.name) as tell:
            write(backend, file, tell)
        return None
    _require("plotly", "pages")
    if port is None and in_notebook():
        _require("anywidget", "widget")
        from .widget import widget_of

        return widget_of(backend, parts)
    serve(backend, served(parts), port=port, browser=browser)
    return None


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _require(module, extra):
    if find_spec(module) is None:
        raise ModuleNotFoundError(f'{module} is not installed: pip install "fastadapt[{extra}]"', name=module)
