"""Gradient reduction on the device: the sums of squares, by spans of an array, for what decides on a step."""

from typing import Any

import numpy as np

from ..devices import cuda as device
from ..devices.cuda_launch import Mirror
from ..kernels.cuda_squares import PARTS, SPAN
from ..kernels.table import FIRST, ROW, SIZE, STATE
from ..layout import GRADIENT_TYPES


class GradientReduction:
    """What kernels sum up before a step: PARTS numbers for each span."""

    def __init__(self):
        self.address = 0
        """Where the sums stand."""
        self._sums, self._held = None, []
        self._tables: dict[tuple[int, int], Mirror] = {}
        self._walks: list[tuple[np.ndarray, np.ndarray, int]] = []

    def run(self, batches: list, plans: list, groups: int, width: int, scale: int, stream: Any) -> int:
        """Sum up the gradients of a step, and say how many spans these are.

        `groups` and `scale` are addresses on the device, and `width` is the bytes of a group's row.
        """
        launches, self._walks, total = [], [], 0
        for number, (batch, plan) in enumerate(zip(batches, plans, strict=True)):
            for kind, table, chosen in plan.walks:
                table = _by_spans(table, batch.group_indices[chosen] * width)
                self._walks.append((table, np.array(batch.members)[chosen], total))
                kernel = device.squares(batch.dtype, GRADIENT_TYPES[kind])
                launches.append((kernel, self._tables.setdefault((number, kind), Mirror()), table, total))
                total += int(table[-1, FIRST])
        self._fit(total, stream)
        for kernel, mirror, table, start in launches:
            spans = int(table[-1, FIRST])
            if spans:
                at, to = mirror.of(table, stream), self.address + start * PARTS * 8
                device.launch(kernel, spans, stream)(at, groups, scale, len(table) - 1, spans, to)
        return total

    def retain(self) -> None:
        """Leave all that the last step read on the device as it is: a graph has captured the step."""
        for mirror in self._tables.values():
            mirror.retain()
        self._held.append(self._sums)

    def nonfinite(self) -> list[int]:
        """The arrays of the last step whose gradients are not finite, when the device is done."""
        device.synchronize()
        found, total = [], sum(int(table[-1, FIRST]) for table, _, _ in self._walks)
        bad = device.fetched(self._sums, 0, total * PARTS).reshape(-1, PARTS)[:, 1] != 0 if total else np.zeros(0)
        for table, members, start in self._walks:
            spans = np.flatnonzero(bad[start : start + int(table[-1, FIRST])])
            found += members[np.searchsorted(table[:-1, FIRST], spans, "right") - 1].tolist()
        return found

    def _fit(self, total, stream):
        """Make room for the sums of so many spans."""
        if total and (self._sums is None or self._sums.size < total * PARTS):
            device.refuse_captured(stream)
            self._sums = device.zeros(total * PARTS, np.dtype(np.float64))
            device.synchronize()  # with what made it zero, on another stream
            self.address = device.address(self._sums)


def _by_spans(table, places):
    """The table of a step with spans for tiles, the places of the groups, and no columns of state."""
    found = table[:, :STATE].copy()  # of a rule without state it would be the table itself
    found[:-1, ROW] = places
    np.cumsum(-(-found[:-1, SIZE] // SPAN), out=found[1:, FIRST])
    return found
