"""Step control on the device: what follows from the gradients' norm is decided there, and the host waits for nothing.

Before the step, kernels sum the squares of the gradients, and one more makes of them the factors of clipping, whether
the step is taken, its number and its coefficients. They write these where the step's own kernels read them.

A captured step is a list of launches, which read the device's memory as it is at the time of a replay. Buffers that it
reads are kept unchanged (`retain`). What has to take effect in a replay is changed in place: the rows of the groups,
and those of the cohorts with the steps that each array has missed.
"""

from functools import partial
from math import inf
from typing import Any
from weakref import ref

import numpy as np

from ..devices import cuda as device
from ..devices.cuda_launch import Mirror
from ..kernels.decide import FACTORS, NORM, VALUES, CohortRow, GroupRow, Orders
from ..kernels.weight import AROUND, HEAD
from ..layout import PARAMETER_TYPES, Layout, layout
from ..threads import STEPPING
from .clipping import Limits, Skipped, limits_of, refuse_nonfinite
from .cuda_reduction import GradientReduction

Asked = tuple[float | None, float | None]
"""The `max_norm` and `max_value` that a step was given."""


def make_capturable(opt: Any) -> None:
    """Keep all that a step of the optimizer needs on the device."""
    if not device.can_capture():
        raise RuntimeError("capturable: expected the packages cuda-core and cuda-bindings, as numba-cuda brings them")
    opt._control = StepControl(opt)
    if not opt._control.compiled:
        raise TypeError(
            f"{type(opt).__name__}.coefficients: Numba cannot compile it for CUDA, which capturable=True needs; its "
            "reason is above"
        ) from opt._control.reason
    changed = partial(_push, ref(opt))  # or it would keep itself alive, and its memory on the device
    for group in opt._groups:
        group.captured(changed)


def _push(opt):
    """Send the hyperparameters of an optimizer to the device, if it still lives."""
    if (found := opt()) is not None:
        found._control.push(found)


def control_step(
    opt: Any, leaves: list, plans: list, scale: float, place: Layout | None, asked: tuple, stream: Any
) -> None:
    """Take a step that is decided on on the device. Its scale may lie at a place there; then `scale` is 1."""
    limits = limits_of(opt, scale, *asked)
    if opt._control is None:
        opt._control = StepControl(opt)
    asked = tuple(None if value is None else float(value) for value in asked)
    device.carry_out([partial(opt._control.run, opt, leaves, plans, limits, place, asked, stream)])


class StepControl:
    """The counters of an optimizer on the device: how many steps were taken and skipped, and the last norm.

    Where Numba cannot compile the rule's `coefficients` for the device, they are computed on the host, which waits for
    the norm.
    """

    def __init__(self, opt: Any):
        cls, names = type(opt), len(type(opt)._coefficient_names)
        try:
            self._decide, self.reason = device.decider(cls._coefficients, names), None
        except Exception as error:  # Numba lets errors of every kind through
            self._decide, self.reason = device.decider(_no_coefficients, 0), error
        self._values = names if self.compiled else 0
        self._width = 8 * (VALUES + self._values)
        self._counters = device.zeros(4, np.dtype(np.int64))
        self._numbers = device.zeros(FACTORS + len(opt._groups), np.dtype(np.float64))
        self._places = device.address(self._counters), device.address(self._numbers)
        self._widened = device.zeros(1, np.dtype(np.float64))
        self._scale, self._orders, self._reduction = Mirror(), Mirror(), GradientReduction()
        self._groups: dict[Asked, Mirror] = {}
        self._captured: set[Asked] = set()
        self._cohorts, self._cohort_rows, self._known = Mirror(), None, []
        self._checked = None
        self.restart(opt)
        device.synchronize()

    @property
    def compiled(self) -> bool:
        """Whether the coefficients are computed on the device."""
        return self.reason is None

    def restart(self, opt: Any) -> None:
        """Begin the counters where the optimizer on the host stands."""
        device.put(self._counters, 0, np.array([opt._clock.item(0), *opt._skipped, 1], np.int64), 4)
        device.put(self._numbers, NORM, np.array([opt._grad_norm]), 1)
        self._send(opt, device.stream_of(opt._layouts[0].array, None))

    def read(self) -> tuple[int, Skipped, float, bool]:
        """Steps taken and skipped, the last norm, and whether the last step was taken, when the device is done."""
        device.synchronize()
        t, total, in_a_row, go = device.fetched(self._counters, 0, 4).tolist()
        return t, Skipped(total, in_a_row), float(device.fetched(self._numbers, NORM, 1)[0]), go != 0

    def push(self, opt: Any) -> None:
        """Send the hyperparameters, as they now are, to the device, where a captured step reads them.

        Raises
        ------
        ValueError
            A coefficient of the first step would be beyond the range of the weights.
        """
        with STEPPING:
            for asked in self._groups:
                limits = limits_of(opt, 1.0, *asked)
                self._check(opt, limits, self._group_rows(opt, limits))
            self._send(opt, device.stream_of(opt._layouts[0].array, None))

    def _send(self, opt, stream):
        """Bring up to date what captured steps read."""
        for asked in self._captured:
            self._groups[asked].of(self._group_rows(opt, limits_of(opt, 1.0, *asked)), stream)
        if self._captured:
            self._cohorts.of(self._rows_of_cohorts(opt), stream)

    def run(
        self, opt: Any, leaves: list, plans: list, limits: Limits, place: Layout | None, asked: Asked, stream: Any
    ) -> None:
        """Carry out the plans of a step."""
        rows = self._group_rows(opt, limits)
        self._check(opt, limits, rows)
        at = self._scale_at(limits.scales[0], place, stream)
        groups, spans = self._mirror_for(asked).of(rows, stream), -1
        if limits.measured or opt.nonfinite != "propagate":
            spans = self._reduction.run(opt._batches, plans, groups, self._width, at, stream)
            if opt.nonfinite == "raise":
                nonfinite = self._reduction.nonfinite()
                if nonfinite:
                    refuse_nonfinite(opt, leaves, min(nonfinite))
        self._decide_on(opt, groups, spans, at, stream)
        if not self.compiled and not self._packed(opt, limits, place, spans):
            return
        for plan in plans:
            for job in plan.jobs:
                job()
        after = [job for plan in plans for job in plan.after]
        if after and (opt.nonfinite != "skip" or self.read()[3]):
            for job in after:
                job()
            self._send(opt, stream)
        if opt._capturable and device.captured(stream):
            self._retain(opt, asked, spans)

    def _decide_on(self, opt, groups, spans, scale, stream):
        """Launch what decides on the step, from addresses of the groups and the scale, and so many sums."""
        rows = self._rows_of_cohorts(opt) if self.compiled else np.zeros((0, len(CohortRow._fields)), np.int64)
        orders = Orders(
            self._cohorts.of(rows, stream),
            len(rows),
            groups,
            len(opt._groups),
            self._width,
            self._reduction.address,
            spans,
            *self._places,
            scale,
        )
        device.launch(self._decide, 1, stream)(self._orders.of(np.array(orders, np.int64), stream))

    def _retain(self, opt, asked, spans):
        """Leave what the captured step reads as it is."""
        self._captured.add(asked)
        for holder in (self._scale, self._orders, self._reduction, *opt._batches):
            holder.retain()
        if spans < 0:
            why = "a CUDA graph has captured a step that measures no norm; give it when the optimizer is made"
            for k, group in enumerate(opt._groups):
                group.refuse(why, _needs_norm if k > 0 or asked[0] is None else _needs_skips)

    def _mirror_for(self, asked):
        """The rows of the groups for steps with such limits; those of captured steps stay where they are."""
        found = self._groups.get(asked)
        if found is None:
            spare = [mirror for known, mirror in self._groups.items() if known not in self._captured]
            self._groups = {known: self._groups[known] for known in self._captured}
            found = self._groups[asked] = spare[0] if spare else Mirror()
        return found

    def _group_rows(self, opt, limits):
        """A row for each group."""
        rows, skips = np.empty((len(opt._groups), self._width // 8)), opt.nonfinite == "skip"
        for k, group in enumerate(opt._groups):
            sign, decay, keep, *values = group._numbers
            row = GroupRow(limits.units[k], limits.norms[k], limits.bounds[k], skips, sign, decay, keep, group.forgets)
            rows[k] = (*row, *values[: self._values])
        return rows

    def _rows_of_cohorts(self, opt):
        """A row for each cohort of each batch, whose coefficients are from now on written on the device."""
        known = [batch.now for batch in opt._batches]
        if len(known) != len(self._known) or any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known, found = known, []
            for batch in opt._batches:
                batch.now.coef.on_device = True
                head, size = batch.now.coef.address, batch.dtype.itemsize
                for row, (group, missed) in enumerate(batch.now.each):
                    place = head + HEAD + row * size * (AROUND + batch.rule.coefs)
                    found.append(CohortRow(place, 0 if row else head, missed, group * self._width, size, batch.held))
            self._cohort_rows = np.array(found, np.int64)
        return self._cohort_rows

    def _check(self, opt, limits, rows):
        """Refuse what is beyond the range of the weights; the host does not know which step it is."""
        given = limits.scales[0], rows.tobytes()
        if given != self._checked:
            for batch in opt._batches:
                batch.pack(None, opt._groups, limits.scales, limits.bounds)
            self._checked = given

    def _scale_at(self, scale, place, stream):
        """Where the scale stands as a float64."""
        if place is None:
            return self._scale.of(np.array([scale]), stream)
        if place.dtype == np.float64:
            return place.address
        at = device.address(self._widened)
        device.launch(device.widener(), 1, stream)(place.address, at)
        return at

    def _packed(self, opt, limits, place, spans):
        """Whether the step is taken; then its coefficients are computed, on the host."""
        t, _, _, go = self.read()
        if go:
            if place is not None:
                limits = limits._replace(scales=[device.on_host(place).item()] * len(limits.scales))
            if spans >= 0:
                limits = limits.clipped(device.fetched(self._numbers, FACTORS, len(limits.scales)).tolist())
            opt._set_clock(0, t - 1)
            for batch in opt._batches:
                batch.pack(t, opt._groups, limits.scales, limits.bounds)
        return go


def scale_of(given: Any) -> Layout | None:
    """The layout of a scale that lies on the device; None if it is something else.

    Raises
    ------
    ValueError
        It is an array, but not of one number of float32 or float64.
    """
    found = layout(given)
    if found is None or not found.cuda:
        return None
    if found.size != 1 or found.dtype not in PARAMETER_TYPES:
        raise ValueError(
            "step: expected scale to be a number, or an array of one float32 or float64 on CUDA, not "
            f"{found.dtype} of shape {found.shape}"
        )
    return found


def _needs_norm(name, value):
    """Whether a step needs the norm for a value of a hyperparameter."""
    return (name == "max_norm" and value < inf) or _needs_skips(name, value)


def _needs_skips(name, value):
    """Whether it needs the norm, where it was given a `max_norm`."""
    return name == "nonfinite" and value == "skip"


def _no_coefficients(t):
    return ()
