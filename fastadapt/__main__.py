"""The command line: `python -m fastadapt race | bench | info`."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from fastadapt.commands import CommandError, needs, optimizers


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if what it found is wrong, 2 if it could not be run as asked."""
    parser = argument_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        # Only now are a command's own imports made, rich and scikit-learn among them.
        with needs("race"):
            command = import_module(f"fastadapt.commands.{args.command}")
        return command.run(args)
    except CommandError as reason:
        print(f"python -m fastadapt {args.command}: {reason}", file=sys.stderr)
        return 2


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fastadapt", description="Adaptive optimizers, in place.")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    race_arguments(command(commands, "race", "train a network on handwritten digits with every optimizer"))
    bench_arguments(command(commands, "bench", "time a step of every optimizer beside its rivals"))
    info_arguments(command(commands, "info", "say what this machine offers"))
    return parser


def command(commands, name, what):
    formatter = argparse.ArgumentDefaultsHelpFormatter
    return commands.add_parser(name, help=what, description=f"{what.capitalize()}.", formatter_class=formatter)


def race_arguments(parser):
    add = parser.add_argument
    add("--epochs", type=positive, default=20, metavar="N", help="passes over the 1,437 training images")
    add(
        "--hidden",
        type=positive,
        nargs="*",
        default=[256, 256],
        metavar="N",
        help="hidden layers' widths",
    )
    add("--batch", type=positive, default=32, metavar="N", help="images a step")
    add("--seed", type=int, default=0, metavar="N", help="of the split, the first weights and the batches")
    optimizers_argument(parser)
    add("--plot", type=output, default="race.png", metavar="FILE", help="where to draw the loss curves")


def bench_arguments(parser):
    add = parser.add_argument
    sizes = [2**10, 2**16, 2**20, 2**24]
    add(
        "--sizes",
        type=positive,
        nargs="+",
        default=sizes,
        metavar="N",
        help="float32 weights, also as 2**20",
    )
    optimizers_argument(parser)
    peers = "time also torch, optax, deepspeed, or those of them that are named"
    add("--peers", nargs="*", choices=["torch", "optax", "deepspeed"], metavar="PEER", help=peers)
    add("--device", choices=["cpu", "cuda"], default="cpu", help="where the arrays are")
    add("--rounds", type=positive, default=7, metavar="N", help="timings of each, of which the median counts")
    add("--json", type=output, metavar="FILE", help="write every timing there")
    add("--plot", type=output, metavar="FILE", help="draw the timings there")


def info_arguments(parser):
    parser.add_argument("--size", type=positive, default=2**24, metavar="N", help="weights for the bandwidth")


def optimizers_argument(parser):
    names = optimizers()
    what = f"which ones, of {', '.join(names)}"
    parser.add_argument("--optimizers", nargs="+", choices=names, default=names, metavar="NAME", help=what)


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


def output(text: str) -> Path:
    """A file in a folder that exists, so that a typing error shows before the work and not after it."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file in a folder that exists, not {text!r}")
    return path


if __name__ == "__main__":
    sys.exit(main())
