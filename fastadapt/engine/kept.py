"""What is kept of a rule's sums and scalars from step to step, for each array and for all."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..reductions import Reductions


class Kept:
    """`count` rows of sums and scalars, each in the order of the names, and room for new scalars."""

    def __init__(self, reductions: Reductions, count: int):
        self.rows = np.zeros((count, len(reductions.names)))
        self._fresh = np.zeros((count, len(reductions.scalars)))

    @property
    def fields(self) -> dict[str, np.ndarray]:
        """The fields of a block that point to them."""
        return {"kept": self.rows, "fresh": self._fresh}

    def becoming(self, rows: Any) -> Callable[[], Any]:
        """The job of making these the rows."""
        return partial(self.rows.__setitem__, ..., np.array(rows, np.float64).reshape(self.rows.shape))
