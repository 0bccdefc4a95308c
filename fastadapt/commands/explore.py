"""Page 2: the loss landscape of a network around the paths of the rules, in a browser or saved to a file."""

from rich.console import Console
from rich.progress import Progress

from fastadapt.pages.explorer.data import EPOCHS
from fastadapt.pages.explorer.saving import save_page
from fastadapt.pages.explorer.session import Explorer
from fastadapt.pages.explorer.setup import Setup
from fastadapt.pages.explorer.show import parts
from fastadapt.pages.explorer.training import default_lr
from fastadapt.pages.page import served
from fastadapt.pages.server import serve


def run(args) -> int:
    """Serve the page until Ctrl-C, or save it."""
    rules = tuple((name, default_lr(args.data, name)) for name in dict.fromkeys(args.rules))
    epochs = args.epochs or EPOCHS[args.data]
    setup = Setup(args.data, tuple(args.hidden), args.seed, epochs, args.batch, rules)
    backend = Explorer(setup, lang=args.lang)
    if args.save is None:
        serve(backend, served(parts(args.lang)), port=args.port, browser=not args.no_browser)
        return 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(args.save.name, total=1.0)

        def tell(share: float, doing: str) -> None:
            progress.update(bar, completed=share, description=doing or args.save.name)

        save_page(backend, args.save, tell)
    Console(highlight=False).print(f"saved: {args.save}")
    return 0
