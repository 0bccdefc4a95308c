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
from ..kernels.blocks import STEP, enter
from ..layout import Layout
from ..reductions import Reductions
from ..sharing import Spans
from .batch import Batch
from .counters import Counters, Skipped
from .kept import Kept


class Step:
    """Steps of an optimizer of the class `cls`, whose arrays are in these batches and groups."""

    def __init__(self, cls: type, groups: list[Group], batches: list[Batch]):
        self.cls, self.groups, self.batches, self.block = cls, groups, batches, np.zeros(1, STEP)
        self.dtypes = {batch.dtype for batch in batches}
        self._rows = np.array([group.row.ctypes.data for group in groups], np.int64)
        self._blocks = np.array([batch.address for batch in batches], np.int64)
        self.limits, self.factors = np.zeros((len(groups), 3)), np.ones(len(groups))
        self._squares = np.zeros((len(groups), 4))
        enter(self.block, batches=self._blocks, batch_count=len(batches), rows=self._rows, group_count=len(groups))
        enter(self.block, limits=self.limits, factors=self.factors, squares=self._squares, norm=nan)
        self.reductions: Reductions | None = cls.declaration.reductions
        self.kept = Kept(self.reductions, 1) if self.reductions else None

    def connect(self, written: Spans) -> None:
        """Make the batches ready for steps that write this memory; TypeError if `coefficients` does not compile."""
        declaration = self.cls.declaration
        with naming_the_reason(f"{self.cls.__name__}.coefficients"):
            own = cpu.coefficients(declaration.coefficients, declaration.count)
        for batch in self.batches:
            batch.connect(self.block, own, written)
        if self.reductions is not None:
            self._connect_reductions()

    def _connect_reductions(self):
        """Let compiled code know of sums and scalars; TypeError if `combine` does not compile."""
        reductions = self.reductions
        with naming_the_reason(f"{self.cls.__name__}.combine"):
            combine = cpu.combining(reductions, len(self.cls.declaration.names))
        self._over_all = np.array(reductions.over_all, np.int64)
        enter(self.block, sums_before=len(reductions.before), sums_after=len(reductions.after))
        enter(self.block, scalars=len(reductions.scalars), over_all=self._over_all)
        enter(self.block, **self.kept.fields, **cpu.around_a_step())
        for batch in self.batches:
            batch.combine(reductions, combine)

    def read_along(self, arrays: list[dict[str, Layout]]) -> None:
        """Let steps read arrays by weight as well: for each array of the optimizer a dict, by what they are for."""
        for batch in self.batches:
            batch.read_along(arrays)
        self.doubling = [batch for batch in self.batches if batch.doubled]

    def replay(self, t: int) -> None:
        """Make the scalars of arrays what `t` steps but the missed ones would, with the hyperparameters as they are."""
        for batch in self.batches if self.reductions else ():
            for row, group, missed in zip(batch.kept.rows, batch.group_indices, batch.missed, strict=True):
                row[:] = self.reductions.replayed(self.groups[group].given(whole=True), t - int(missed))

    def refresh(self) -> None:
        """Bring the rows of sums and scalars up to date, where steps change them elsewhere."""

    def forgetting(self, chosen: list[int]) -> list[Callable[[], Any]]:
        """The jobs of making all sums and scalars what they are at first, where the arrays are in these groups."""
        if self.reductions is None:
            return []
        firsts = [self.reductions.first(group.given(whole=True)) for group in self.groups]
        rows = [(batch.kept, [firsts[chosen[i]] for i in batch.members]) for batch in self.batches]
        return [kept.becoming(found) for kept, found in [*rows, (self.kept, firsts[0])]]

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
        if type(value) is float and 1e-37 < value < 1e38:  # which every type of weights holds: no more to look at
            return value
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
        if self.reductions is not None:
            raise ValueError(f"{self.cls.__name__}.combine: expected coefficients within the range of the weights")
        raise ValueError("expected a scale and a decay within the range of the weights")

    def forget_kernels(self) -> None:
        """Choose kernels anew."""
        for batch in self.batches:
            batch.forget_kernels()
