"""Run what the lecture claims about adaptive optimizers, and say of each claim whether it holds."""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

from .. import CommandError, needs

NAMES = ("shrinking_steps", "conditioning", "momentum", "nonconvergence", "generalization", "memory", "tuning")
"""The claims in the order of the lecture, each the name of a file here."""


def run(args) -> int:
    """Check the claims; what does not hold is said, and is no error of the command. 130 where Ctrl-C ended it."""
    with needs("pages"):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from threadpoolctl import threadpool_limits

        from . import report

        checks = {name: import_module(f"{__name__}.{name}").check for name in args.only}
    if args.save:
        _make(args.save)
    found = {}
    shown = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    try:
        # Products this small gain nothing from OpenBLAS's threads, which spin where ours could run.
        with threadpool_limits(1, "blas"), Progress(*shown, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("", total=len(checks))
            for i, (name, check) in enumerate(checks.items()):
                progress.update(bar, description=f"{i + 1} of {len(checks)}: {name:<15}", completed=i)
                found[name] = check(lambda share, i=i: progress.update(bar, completed=i + share))
        if args.save:
            report.save(found, args.save)
    except KeyboardInterrupt:
        print(f"python -m fastadapt claims: stopped after {len(found)} of {len(checks)} claims", file=sys.stderr)
        return 130
    report.show(found, args.save)
    return 0


def _make(folder: Path) -> None:
    """Make the folder where it is not there, and a file in it: what cannot be written is said before the work."""
    try:
        folder.mkdir(exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CommandError(f"--save: {str(folder)!r} cannot be written: {error.strerror}") from None
