"""What each command can be given on the command line."""

import argparse
from pathlib import Path

from ..pages.explorer.limits import BATCH
from ..pages.landscapes.catalogue import SURFACES
from ..pages.language import languages
from ..pages.saving import KINDS
from . import VARIANTS, optimizers
from .claims import NAMES as CLAIMS


def argument_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m fastadapt", description="Adaptive optimizers, in place.")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    race_arguments(command(commands, "race", "train a network on handwritten digits with every optimizer"))
    bench = command(commands, "bench", "time a step of every optimizer beside NumPy")
    bench_arguments(bench)
    bench.add_argument("--peers", nargs="*", action=Peers, help=argparse.SUPPRESS)
    landscape_arguments(command(commands, "landscape", "show how the rules descend on functions of two variables"))
    explore_arguments(command(commands, "explore", "show the loss landscape of a network around the rules' paths"))
    claims_arguments(command(commands, "claims", "run what the lecture claims about adaptive optimizers"))
    info_arguments(command(commands, "info", "say what this machine offers"))
    return parser


def command(commands, name, what):
    return commands.add_parser(name, help=what, description=f"{what.capitalize()}.")


def race_arguments(parser):
    def number(option, default, what, **more):
        parser.add_argument(option, default=default, metavar="N", help=f"{what} (%(default)s)", **more)

    number("--epochs", 20, "passes over the 1,437 training images", type=positive)
    number("--hidden", [128, 128], "widths of the hidden layers", type=positive, nargs="*")
    number("--batch", 32, "images a step", type=positive)
    what = "of the split, the first weights and the batches; of several, the medians are shown"
    number("--seed", [0], what, type=seed, nargs="+")
    state_bits_argument(parser)
    optimizers_argument(parser)
    parser.add_argument("--plot", type=output, default="race.png", metavar="FILE", help="loss curves (%(default)s)")


def bench_arguments(parser):
    add = parser.add_argument
    sizes, what = [2**10, 2**16, 2**20, 2**24], "float32 weights, such as 1000 or 2**20 (%(default)s)"
    add("--sizes", type=positive, nargs="+", default=sizes, metavar="N", help=what)
    optimizers_argument(parser, *VARIANTS)
    add("--device", choices=["cpu", "cuda"], default="cpu", help="where the arrays are (%(default)s)")
    state_bits_argument(parser)
    add("--rounds", type=positive, default=7, metavar="N", help="timings of each; the median counts (%(default)s)")
    add("--json", type=output, metavar="FILE", help="every timing, and the machine")
    add("--plot", type=output, metavar="FILE", help="a picture of the timings")


class Peers(argparse.Action):
    """Says in one line where other libraries are timed now."""

    def __call__(self, parser, *given):
        parser.exit(2, f"{parser.prog} --peers is now `python bench/peers.py --peers`, in the repository\n")


def explore_arguments(parser):
    add = parser.add_argument
    rules = ["SGD", "AdaGrad", "RMSProp", "Adam"]
    names = [*optimizers(), *VARIANTS]
    what = f"of {', '.join(names)} ({' '.join(rules)})"
    add("--rules", nargs="+", choices=names, default=rules, metavar="NAME", help=what)
    add("--data", choices=["digits", "spirals"], default="digits", help="what the network learns (%(default)s)")
    what = "widths of the hidden layers, one to three of at most 128 (%(default)s)"
    add("--hidden", type=at_most(128), nargs="+", default=[32, 32], metavar="N", help=what)
    add("--epochs", type=at_most(200), metavar="N", help="passes over the training data (20, of spirals 60)")
    what = f"examples a step, {BATCH[0]} to {BATCH[1]} (%(default)s)"
    add("--batch", type=at_most(BATCH[1], least=BATCH[0]), default=32, metavar="N", help=what)
    add("--seed", type=seed, default=0, metavar="N", help="of the split, the weights and the batches (%(default)s)")
    page_arguments(parser)


def landscape_arguments(parser):
    add = parser.add_argument
    rules = ["SGD", "SGD+momentum", "RMSProp", "Adam"]
    names = [*optimizers(), *VARIANTS]
    what = f"shown at first, of {', '.join(names)} ({' '.join(rules)})"
    add("--rules", nargs="+", choices=names, default=rules, metavar="NAME", help=what)
    what = f"shown at first, of {', '.join(SURFACES)} (%(default)s)"
    add("--surface", choices=SURFACES, default="himmelblau", metavar="NAME", help=what)
    what = "a saved page holds the paths from N × N starts (%(default)s)"
    add("--starts", type=at_most(40), default=15, metavar="N", help=what)
    page_arguments(parser)


def page_arguments(parser):
    """What the two pages have in common."""
    add = parser.add_argument
    add("--save", type=picture, metavar="FILE", help="write a page .html, a picture .png or an animation .gif, and end")
    add("--port", type=port, metavar="N", help="of the page; the next one that is free is taken")
    add("--no-browser", action="store_true", help="print the address, and open no browser")
    add("--lang", choices=languages(), default="en", metavar="NAME", help=f"of {', '.join(languages())} (%(default)s)")


def claims_arguments(parser):
    names = ", ".join(CLAIMS)
    parser.add_argument("--save", type=folder, metavar="DIR", help="write tables and pictures to this folder")
    what = f"run some of the claims only, of {names}"
    parser.add_argument("--only", nargs="+", choices=CLAIMS, default=CLAIMS, metavar="NAME", help=what)


def info_arguments(parser):
    what = "weights over which to measure the bandwidth (%(default)s)"
    parser.add_argument("--size", type=positive, default=2**24, metavar="N", help=what)


def optimizers_argument(parser, *more):
    names = [*optimizers(), *more]
    what = f"of {', '.join(names)} (all)"
    parser.add_argument("--optimizers", nargs="+", choices=names, default=names, metavar="NAME", help=what)


def state_bits_argument(parser):
    what = "of a number of the state (%(default)s)"
    parser.add_argument("--state-bits", type=int, choices=[32, 16, 8], default=32, help=what)


def positive(text: str) -> int:
    """A whole number from 1, also as a power: 2**20."""
    base, _, exponent = text.partition("**")
    try:
        number = int(base) ** int(exponent or 1)
    except ValueError:
        number = 0
    if number < 1 or number != int(number):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, like 1000 or 2**20, not {text!r}")
    return number


def at_most(most: int, least: int = 1):
    """A whole number between two limits."""

    def number(text: str) -> int:
        value = positive(text)
        if value > most:
            raise argparse.ArgumentTypeError(f"expected at most {most}, not {text!r}")
        if value < least:
            raise argparse.ArgumentTypeError(f"expected at least {least}, not {text!r}")
        return value

    return number


def port(text: str) -> int:
    """A port of this machine."""
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, not {text!r}")
    return int(text)


def picture(text: str) -> Path:
    """A file that a page can be saved to."""
    if Path(text).suffix.lower() not in KINDS:
        raise argparse.ArgumentTypeError(f"expected a name that ends in {', '.join(KINDS)}, not {text!r}")
    return output(text)


def folder(text: str) -> Path:
    """A folder that exists or can be made, as its own folder is there."""
    path = Path(text)
    if path.is_file() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder, or a new one in a folder that exists, not {text!r}")
    return path


def seed(text: str) -> int:
    """A seed of random numbers."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number below 2**32, not {text!r}")
    return int(text)


def output(text: str) -> Path:
    """A file in a folder that exists, so that a typing error shows before the work and not after it."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file in a folder that exists, not {text!r}")
    return path
