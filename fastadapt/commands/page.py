"""What the commands of both pages do with a page: serve it until Ctrl-C, or save it and show the progress."""

import argparse
from collections.abc import Callable

import plotly  # noqa: F401  so that what is missing is said before the work
from rich.console import Console
from rich.progress import Progress

from fastadapt.pages.backend import Backend
from fastadapt.pages.page import Parts, served
from fastadapt.pages.server import serve


def show(backend: Backend, parts: Parts, save_page: Callable[..., None], args: argparse.Namespace) -> int:
    """Serve the page, or save it by `save_page(backend, file, tell=...)`, as the options of both commands say."""
    if args.save is None:
        serve(backend, served(parts), port=args.port, browser=not args.no_browser)
        return 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(args.save.name, total=1.0)

        def tell(share: float, doing: str) -> None:
            progress.update(bar, completed=share, description=doing or args.save.name)

        save_page(backend, args.save, tell=tell)
    Console(highlight=False).print(f"saved: {args.save}")
    return 0
