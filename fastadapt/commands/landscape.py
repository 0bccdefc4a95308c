"""Page 1: how rules descend on functions of two variables, in a browser or saved to a file."""

import plotly  # noqa: F401  so that what is missing is said before the work
from rich.console import Console
from rich.progress import Progress

from fastadapt.pages.landscapes.backend import Landscape
from fastadapt.pages.landscapes.saving import save_page
from fastadapt.pages.landscapes.show import parts
from fastadapt.pages.present import present


def run(args) -> int:
    """Serve the page until Ctrl-C, or save it."""
    backend = Landscape(shown=dict.fromkeys(args.rules), surface=args.surface, language=args.lang)
    if args.save is None:
        present(backend, parts(args.lang), save_page, port=args.port, browser=not args.no_browser)
        return 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(args.save.name, total=1.0)

        def tell(share: float, doing: str) -> None:
            progress.update(bar, completed=share, description=doing or args.save.name)

        save_page(backend, args.save, args.starts, tell)
    Console(highlight=False).print(f"saved: {args.save}")
    return 0
