"""The work of a request without a page: its job reports to a function, and keeps what it shows to itself."""

from collections.abc import Callable
from typing import Any

from ..jobs import Job


class Quiet(Job):
    """A job that reports to `tell(share, doing)`."""

    def __init__(self, tell: Callable[[float, str], None]):
        super().__init__("", "", "")
        self._tell = tell

    def report(self, share: float, doing: str = "") -> None:
        """Pass on what is being done."""
        self._tell(share, doing)

    def show(self, partial: dict[str, Any]) -> None:
        """Nobody looks."""
