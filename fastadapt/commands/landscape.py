"""Page 1: how rules descend on functions of two variables, in a browser or saved to a file."""

from functools import partial

from fastadapt.commands.page import show
from fastadapt.pages.landscapes.backend import Landscape
from fastadapt.pages.landscapes.saving import save_page
from fastadapt.pages.landscapes.show import parts


def run(args) -> int:
    """Serve the page until Ctrl-C, or save it."""
    backend = Landscape(shown=dict.fromkeys(args.rules), surface=args.surface, language=args.lang)
    return show(backend, parts(args.lang), partial(save_page, starts=args.starts), args)
