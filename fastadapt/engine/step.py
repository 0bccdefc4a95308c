"""What a step is on every device: the block that compiled code reads, the limits, and what is counted."""

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np

from ..devices import cpu
from ..functions import naming_the_reason
from ..groups import Group
from ..hyperparameters import check_range, checked
from ..kernels.blocks import STEP
from ..sharing import Spans
from .batch import Batch
from .counters import Counters, Skipped


class Step:
    """Steps of an optimizer of the class `cls`, whose arrays are in these batches and groups."""

    def __init__(self, cls: type, groups: list[Group], batches: list[Batch]):
        self.cls, self.groups, self.batches, self.block = cls, groups, batches, np.zeros(1, STEP)
        self.dtypes = {batch.dtype for batch in batches}
        self._rows = np.array([group.row.ctypes.data for group in groups], np.int64)
        self._blocks = np.array([batch.address for batch in batches], np.int64)
        self.limits, self.factors = np.zeros((len(groups), 3)), np.ones(len(groups))
        self._sums = np.zeros((len(groups), 4))
        arrays = {"batches": self._blocks, "rows": self._rows, "limits": self.limits, "factors": self.factors}
        for name, array in (arrays | {"sums": self._sums}).items():
            self.block[name] = array.ctypes.data
        self.block["batch_count"], self.block["group_count"], self.block["norm"] = len(batches), len(groups), nan

    def connect(self, written: Spans) -> None:
        """Make the batches ready for steps that write this memory; TypeError if `coefficients` does not compile."""
        function, values = self.cls._coefficients, len(self.cls._coefficient_names)
        with naming_the_reason(f"{self.cls.__name__}.coefficients"):
            own = cpu.coefficients(function, values)
        for batch in self.batches:
            batch.connect(self.block, own, written)

    @property
    def address(self) -> int:
        """The address of its block."""
        return self.block.ctypes.data

    @property
    def counters(self) -> Counters:
        """What was counted."""
        block = self.block[0]
        return Counters(int(block.t), Skipped(int(block.total), int(block.in_a_row)), float(block.norm))

    def restarting(self, counters: Counters) -> list[Callable[[], Any]]:
        """The jobs of going on from these counts."""
        t, skipped, norm = counters
        values = {"t": t, "total": skipped.total, "in_a_row": skipped.in_a_row, "norm": norm}
        return [partial(self.block.__setitem__, name, value) for name, value in values.items()]

    def limit(self, name: str, value: Any) -> float:
        """A limit that a step was given, checked; NaN for none."""
        if value is None:
            return nan
        value = checked(self.cls, name, value)
        if name == "max_value":
            for dtype in self.dtypes:
                check_range("step", name, value, dtype)
        return float(value)

    def refuse_coefficients(self) -> None:
        """Raise ValueError for coefficients that the type of the weights cannot hold."""
        t = int(self.block["t"][0]) + 1
        for batch in self.batches:
            for group, missed in batch.cohorts.tolist():
                values = self.groups[group].own(t - missed)
                if any(float(np.finfo(batch.dtype).max) < abs(value) < inf for value in values):
                    raise ValueError(f"expected {len(values)} coefficients within {batch.dtype}, not {values}")
        raise ValueError("expected a scale and a decay within the range of the weights")

    def forget_kernels(self) -> None:
        """Choose kernels anew."""
        for batch in self.batches:
            batch.forget_kernels()
