"""A rule's sums and scalars on the device, and the launches around a step that need and change them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..devices import cuda as device
from ..devices.cuda_launch import Mirror
from ..functions import naming_the_reason
from ..kernels.cuda_reductions import Combined
from ..kernels.table import FIRST
from ..kernels.weight import AROUND, HEAD
from ..layout import GRADIENT_TYPES

if TYPE_CHECKING:
    from .cuda_batch import CudaBatch
    from .cuda_step import CudaStep


class KeptOnDevice:
    """A row for each array of an optimizer, batch by batch, and its own behind them."""

    def __init__(self, step: "CudaStep"):
        found = step.reductions
        self._found, self._values, self._name = found, len(step.cls.declaration.names), step.cls.__name__
        self._sums, self._width = (len(found.before), len(found.before + found.after)), len(found.names)
        counts = [len(batch.members) for batch in step.batches]
        self._firsts = np.cumsum([0, *counts])
        self._kept = device.zeros((self._firsts[-1] + 1) * self._width, np.dtype(np.float64))
        self._parts = [
            device.zeros(int(batch.table[-1, FIRST]) * max(len(found.before), len(found.after)), np.dtype(np.float64))
            for batch in step.batches
        ]
        self._ends, self._present, self._over_all, self._combined = (Mirror() for _ in range(4))
        self._tables: dict[tuple[int, int], Mirror] = {}
        for batch, parts in zip(step.batches, self._parts, strict=True):
            batch.rows.point(device.address(parts))

    def send(self, step: "CudaStep") -> None:
        """Put what the host says onto the device."""
        rows = np.concatenate([*(batch.kept.rows for batch in step.batches), step.kept.rows]).ravel()
        device.put(self._kept, 0, rows, rows.size)

    def fetch(self, step: "CudaStep") -> None:
        """Put what the device says into the host's rows, when it is done."""
        device.synchronize()
        rows = device.fetched(self._kept, 0, (self._firsts[-1] + 1) * self._width).reshape(-1, self._width)
        for first, batch in zip(self._firsts, step.batches, strict=False):
            batch.kept.rows[...] = rows[first : first + len(batch.members)]
        step.kept.rows[...] = rows[-1:]

    def retain(self) -> None:
        """Leave what a captured step reads as it is."""
        for mirror in (self._ends, self._present, self._over_all, self._combined, *self._tables.values()):
            mirror.retain()

    def before(self, step: "CudaStep", plans: list, cohorts: int, groups: int, counters: int, stream: Any) -> None:
        """Launch what sums and combines before a step, from addresses of cohorts, groups and counters."""
        self._idle = not any(plan.walks for plan in plans)  # without a gradient all stays as it is
        if self._idle:
            return
        group_width = step.control.width
        self._combine_at = self._send_combined(step, plans, cohorts, groups, counters, stream)
        for number, (batch, plan) in enumerate(zip(step.batches, plans, strict=True)):
            for walk in plan.walks if self._sums[0] else ():
                kind, table, _ = walk
                with naming_the_reason(batch.rule.reduce.__qualname__):
                    kernel = device.reducer(batch.rule, batch.state.storage, batch.dtype, GRADIENT_TYPES[kind])
                at, tiles = self._table(number, kind, table, stream), int(table[-1, FIRST])
                if tiles:
                    device.launch(kernel, tiles, stream)(at, batch.rows.address, len(table) - 1, tiles)
                self._fold(number, batch, walk, 0, self._sums[0], stream)
        self._total(0, self._sums[0], stream)
        with naming_the_reason(f"{self._name}.combine"):
            kernel = device.combiner(self._found, self._values)
        device.launch(kernel, 1, stream)(self._combine_at, group_width)

    def behind(self, number: int, batch: "CudaBatch", walk: tuple, stream: Any) -> None:
        """Launch what sums the terms that an update left for a walk."""
        if self._sums[1] > self._sums[0]:
            self._fold(number, batch, walk, self._sums[0], self._sums[1], stream)

    def after(self, stream: Any) -> None:
        """Launch what sums over all arrays behind a step."""
        if not self._idle:
            self._total(*self._sums, stream)

    def _fold(self, number, batch, walk, first, end, stream):
        """Sum tiles to arrays, into columns from `first` on."""
        kind, table, _ = walk
        at, kept = self._table(number, kind, table, stream), device.address(self._kept)
        given = at, 8 * table.shape[1], len(table) - 1, batch.rows.address, self._width, first, end - first
        to = kept + 8 * self._width * int(self._firsts[number])
        device.launch(device.folder(), len(table) - 1, stream)(*given, to)

    def _total(self, first, end, stream):
        """Sum columns over all arrays, where one of them is over all."""
        if any(self._found.over_all[first:end]):
            device.launch(device.totaller(), 1, stream)(self._combine_at, self._width, first, end)

    def _table(self, number, kind, table, stream):
        return self._tables.setdefault((number, kind), Mirror()).of(table, stream)

    def _send_combined(self, step, plans, cohorts, groups, counters, stream):
        """Send what kernels are told of this step, a `Combined`; its address."""
        present, ends = [], []
        for batch, plan in zip(step.batches, plans, strict=True):
            given = np.zeros(len(batch.members), np.int64)
            for _, _, chosen in plan.walks:
                given[chosen] = 1
            width = batch.dtype.itemsize * (AROUND + batch.rule.coefs)
            present.append(given)
            ends.append(batch.rows.address + HEAD + width * np.arange(1, given.size + 1))
        combined = Combined(
            cohorts,
            int(self._firsts[-1]),
            self._ends.of(np.concatenate(ends), stream),
            self._present.of(np.concatenate(present), stream),
            device.address(self._kept),
            self._over_all.of(np.array(self._found.over_all, np.int64), stream),
            groups,
            counters,
        )
        return self._combined.of(np.array(combined, np.int64), stream)
