"""Step control on the device: what follows from the gradients' norm is decided there, and the host waits for nothing.

Before the step, kernels sum the squares of the gradients, and one more makes of them the factors of clipping, whether
the step is taken, its number and its coefficients. They write these where the step's own kernels read them.

A captured step is a list of launches, which read the device's memory as it is at the time of a replay. Buffers that it
reads are kept unchanged (`retain`). What has to take effect in a replay is changed in place: the rows of the groups,
and those of the cohorts with the steps that each array has missed.
"""

from math import inf, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from ..devices import cuda as device
from ..devices.cuda_launch import Mirror
from ..functions import naming_the_reason
from ..group_row import LOWER, NONFINITE, VALUES
from ..kernels.blocks import MAX_NORM
from ..kernels.cuda_decide import FACTORS, NORM, OWN, CohortRow, Orders
from ..kernels.decide import PROPAGATE, RAISE, SKIP
from ..kernels.weight import AROUND, HEAD
from ..layout import Layout
from ..threads import STEPPING
from .counters import Counters, Skipped
from .cuda_kept import KeptOnDevice
from .cuda_reduction import GradientReduction

if TYPE_CHECKING:
    from .cuda_step import CudaStep

Overrides = tuple[float, float]
"""The `max_norm` and `max_value` that a step was given, or NaN."""


class StepControl:
    """The counters of an optimizer on the device: how many steps were taken and skipped, and the last norm."""

    def __init__(self, step: "CudaStep"):
        declaration = step.cls.declaration
        with naming_the_reason(f"{step.cls.__name__}.coefficients"):
            self._decide = device.decider(declaration.coefficients, declaration.count)
        self.width = 8 * (OWN + VALUES - LOWER + len(declaration.names))
        """Bytes of a group's row on the device."""
        self.kept = KeptOnDevice(step) if step.reductions else None
        self._counters = device.zeros(4, np.dtype(np.int64))
        self._numbers = device.zeros(FACTORS + len(step.groups), np.dtype(np.float64))
        self._places = device.address(self._counters), device.address(self._numbers)
        self._widened = device.zeros(1, np.dtype(np.float64))
        self._scale, self._orders, self._reduction = Mirror(), Mirror(), GradientReduction()
        self._groups: dict[Overrides, Mirror] = {}
        self._captured: set[Overrides] = set()
        self._cohorts, self._cohort_rows, self._known = Mirror(), None, None
        self.restart(step, step.counters)
        device.synchronize()

    def restart(self, step: "CudaStep", counters: Counters) -> None:
        """Begin at these counts."""
        device.put(self._counters, 0, np.array([counters.t, *counters.skipped, 1], np.int64), 4)
        device.put(self._numbers, NORM, np.array([counters.norm]), 1)
        if self.kept is not None:
            self.kept.send(step)
        self._send(step, device.stream_of(step.array, None))

    def read(self) -> tuple[Counters, bool]:
        """The counts, and whether the last step was taken, when the device is done."""
        device.synchronize()
        t, total, in_a_row, go = device.fetched(self._counters, 0, 4).tolist()
        return Counters(t, Skipped(total, in_a_row), float(device.fetched(self._numbers, NORM, 1)[0])), go != 0

    def push(self, step: "CudaStep") -> None:
        """Send the hyperparameters, as they now are, to the device, where a captured step reads them."""
        with STEPPING:
            self._send(step, device.stream_of(step.array, None))

    def _send(self, step, stream):
        """Bring up to date what captured steps read."""
        for overrides in self._captured:
            self._groups[overrides].of(self._group_rows(step, step.find_limits(overrides)), stream)
        if self._captured:
            self._cohorts.of(self._rows_of_cohorts(step), stream)

    def run(
        self,
        step: "CudaStep",
        leaves: list,
        plans: list,
        scale: float,
        place: Layout | None,
        overrides: Overrides,
        stream: Any,
    ) -> None:
        """Carry out the plans of a step."""
        limits, action = step.find_limits(overrides), step.groups[0].row[NONFINITE]
        at = self._scale_at(scale, place, stream)
        groups, spans = self._mirror_for(overrides).of(self._group_rows(step, limits), stream), -1
        if (limits[:, MAX_NORM] < inf).any() or action != PROPAGATE:
            spans = self._reduction.run(step.batches, plans, groups, self.width, at, stream)
            if action == RAISE and (nonfinite := self._reduction.nonfinite()):
                step.refuse_nonfinite(leaves, min(nonfinite))
        self._decide_on(step, groups, spans, at, stream)
        if self.kept is not None:
            cohorts = self._cohorts.of(self._rows_of_cohorts(step), stream)
            self.kept.before(step, plans, cohorts, groups, self._places[0], stream)
        for number, (batch, plan) in enumerate(zip(step.batches, plans, strict=True)):
            for k, job in enumerate(plan.jobs):
                job()
                if self.kept is not None and k < len(plan.walks):
                    self.kept.behind(number, batch, plan.walks[k], stream)
        if self.kept is not None:
            self.kept.after(stream)
        after = [job for plan in plans for job in plan.after]
        if after and (action != SKIP or self.read()[1]):
            for job in after:
                job()
            self._send(step, stream)
        if step.capturable and device.captured(stream):
            self._retain(step, overrides, spans)

    def _decide_on(self, step, groups, spans, scale, stream):
        """Launch what decides on the step, from addresses of the groups and the scale, and so many sums."""
        rows = self._rows_of_cohorts(step)
        orders = Orders(
            self._cohorts.of(rows, stream),
            len(rows),
            groups,
            len(step.groups),
            self.width,
            self._reduction.address,
            spans,
            *self._places,
            scale,
        )
        device.launch(self._decide, 1, stream)(self._orders.of(np.array(orders, np.int64), stream))

    def _retain(self, step, overrides, spans):
        """Leave what the captured step reads as it is."""
        self._captured.add(overrides)
        for holder in (self._scale, self._orders, self._reduction, self.kept, *step.batches):
            if holder is not None:
                holder.retain()
        if spans < 0:
            why = "a CUDA graph has captured a step that measures no norm; give it when the optimizer is made"
            for k, group in enumerate(step.groups):
                group.refuse(why, _needs_norm if k > 0 or isnan(overrides[0]) else _needs_skips)

    def _mirror_for(self, overrides):
        """The rows of the groups for steps with such limits; those of captured steps stay where they are."""
        found = self._groups.get(overrides)
        if found is None:
            spare = [mirror for known, mirror in self._groups.items() if known not in self._captured]
            self._groups = {known: self._groups[known] for known in self._captured}
            found = self._groups[overrides] = spare[0] if spare else Mirror()
        return found

    def _group_rows(self, step, limits):
        """A row for each group."""
        rows, skips = np.empty((len(step.groups), self.width // 8)), step.groups[0].row[NONFINITE] == SKIP
        for k, group in enumerate(step.groups):
            rows[k, :OWN] = *limits[k], skips
            rows[k, OWN:] = group.row[LOWER:]
        return rows

    def _rows_of_cohorts(self, step):
        """A row for each cohort of each batch, whose coefficients are from now on written on the device."""
        known = b"".join(batch.cohorts.tobytes() for batch in step.batches)
        if known != self._known:
            self._known, found = known, []
            for batch in step.batches:
                batch.rows.on_device = True
                head, size, held = batch.rows.address, batch.dtype.itemsize, int(batch.block["held"][0])
                for row, (group, missed) in enumerate(batch.cohorts.tolist()):
                    place = head + HEAD + row * size * (AROUND + batch.rule.coefs)
                    found.append(CohortRow(place, 0 if row else head, missed, group * self.width, size, held))
            self._cohort_rows = np.array(found, np.int64)
        return self._cohort_rows

    def _scale_at(self, scale, place, stream):
        """Where the scale stands as a float64."""
        if place is None:
            return self._scale.of(np.array([scale]), stream)
        if place.dtype == np.float64:
            return place.address
        at = device.address(self._widened)
        device.launch(device.widener(), 1, stream)(place.address, at)
        return at


def _needs_norm(name, value):
    """Whether a step needs the norm for a value of a hyperparameter."""
    return (name == "max_norm" and value < inf) or _needs_skips(name, value)


def _needs_skips(name, value):
    """Whether it needs the norm, where it was given a `max_norm`."""
    return name == "nonfinite" and value == "skip"
