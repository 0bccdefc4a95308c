"""What is being done and how much of it is done, on stderr while a page is saved."""

from collections.abc import Iterator
from contextlib import contextmanager

from .jobs import Tell


@contextmanager
def progress_of(name: str) -> Iterator[Tell]:
    """A bar for some work, gone when it ends; what it gives hears `(share, doing)`."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, force_jupyter=False)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=1.0)
        yield lambda share, doing: progress.update(bar, completed=share, description=doing or name)
