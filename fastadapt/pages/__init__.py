"""Interactive pages: descents on landscapes of two variables, and around the minima of networks."""

from collections.abc import Callable
from typing import Any

__all__ = ["explore", "landscape"]


def landscape(function: Callable | None = None, **options: Any) -> Any:
    """Page 1: how rules descend on a function of two variables. See `fastadapt.pages.landscapes.show.landscape`."""
    from .landscapes.show import landscape

    return landscape(function, **options)


def explore(*given: Any, **options: Any) -> Any:
    """Page 2: the loss around the paths of a network's training. See `fastadapt.pages.explorer.show.explore`."""
    from .explorer.show import explore

    return explore(*given, **options)
