"""What an optimizer counts: steps taken and skipped, and the last norm."""

from math import nan
from typing import NamedTuple


class Skipped(NamedTuple):
    """Steps that were skipped because a gradient was not finite: all of them, and those since the last step taken."""

    total: int = 0
    in_a_row: int = 0


class Counters(NamedTuple):
    """How many steps were taken, which were skipped, and the norm of all gradients in the last that needed it."""

    t: int = 0
    skipped: Skipped = Skipped()
    norm: float = nan
