"""What `python -m fastadapt` runs, one file a command."""

from collections.abc import Iterator
from contextlib import contextmanager

import fastadapt as fa


class CommandError(Exception):
    """A command cannot be run as asked; the message says why, in one line."""


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Turn a missing package into one line that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "fastadapt":
            raise
        raise CommandError(f'{package} is not installed: pip install "fastadapt[{extra}]"') from None


def optimizers() -> list[str]:
    """The names of the library's optimizers, in the order of `fastadapt.__all__`."""
    public = {name: getattr(fa, name) for name in fa.__all__}
    classes = {name: c for name, c in public.items() if isinstance(c, type) and issubclass(c, fa.Optimizer)}
    return [name for name, c in classes.items() if c is not fa.Optimizer]


VARIANTS = {"SGD+momentum": ("SGD", {"momentum": 0.9})}
"""What a bench times besides the optimizers as they are: the class and its hyperparameters."""
