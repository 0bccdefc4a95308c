"""Page 2: the loss landscape of a network around the paths of the rules, in a browser or saved to a file."""

from fastadapt.commands.page import show
from fastadapt.pages.explorer.data import EPOCHS
from fastadapt.pages.explorer.saving import save_page
from fastadapt.pages.explorer.session import Explorer
from fastadapt.pages.explorer.setup import Setup
from fastadapt.pages.explorer.show import parts
from fastadapt.pages.explorer.training import default_lr


def run(args) -> int:
    """Serve the page until Ctrl-C, or save it."""
    rules = tuple((name, default_lr(args.data, name)) for name in dict.fromkeys(args.rules))
    epochs = args.epochs or EPOCHS[args.data]
    setup = Setup(args.data, tuple(args.hidden), args.seed, epochs, args.batch, rules)
    return show(Explorer(setup, language=args.lang), parts(args.lang), save_page, args)
