"""The command line: `python -m fastadapt race | bench | landscape | explore | claims | info`."""

import sys
from importlib import import_module

from fastadapt.commands import CommandError, needs
from fastadapt.commands.arguments import argument_parser

EXTRA = {"landscape": "pages", "explore": "pages", "claims": "pages"}
"""Which extra a command needs, where it is not `race`."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if what it found is wrong, 2 if it could not be run as asked."""
    parser = argument_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        # Only now are a command's own imports made, rich and scikit-learn among them.
        with needs(EXTRA.get(args.command, "race")):
            command = import_module(f"fastadapt.commands.{args.command}")
        return command.run(args)
    except CommandError as reason:
        print(f"python -m fastadapt {args.command}: {reason}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
