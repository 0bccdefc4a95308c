"""What the commands of both pages do with a page: serve it until Ctrl-C, or save it and show the progress."""

import argparse
from collections.abc import Callable

import plotly  # noqa: F401  so that what is missing is said before the work
from rich.console import Console

from fastadapt.commands import CommandError
from fastadapt.pages.backend import Backend
from fastadapt.pages.page import Parts, served
from fastadapt.pages.progress import progress_of
from fastadapt.pages.saving import refuse_unwritable
from fastadapt.pages.server import serve


def show(backend: Backend, parts: Parts, save_page: Callable[..., None], args: argparse.Namespace) -> int:
    """Serve the page, or save it by `save_page(backend, file, tell=...)`, as the options of both commands say."""
    if args.save is None:
        serve(backend, served(parts), port=args.port, browser=not args.no_browser)
        return 0
    try:
        refuse_unwritable(args.save)
        with progress_of(args.save.name) as tell:
            save_page(backend, args.save, tell=tell)
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from None
    Console(highlight=False).print(f"saved: {args.save}")
    return 0
