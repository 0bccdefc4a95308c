"""Steering on a GPU: what a step makes of its gradients' norm is decided there, and so the host waits for nothing.

Before the step, kernels sum the squares of the gradients, and one more makes of them the factors of clipping, whether
the step is taken, its number and its coefficients. They write these where the step's own kernels read them.
"""

from typing import Any

import numpy as np

from .arrays import GRADIENT_TYPES, PARAMETER_TYPES, layout
from .clip import Limits, Skipped, limits_of, refuse_spoilt
from .kernels import cuda as device
from .kernels.cuda_decide import FACTORS, NORM, ORDERS, VALUES
from .kernels.cuda_launch import Mirror
from .kernels.cuda_norm import PARTS, SPAN
from .kernels.table import FIRST, ROW, SIZE, STATE
from .kernels.tile import AROUND, HEAD

ONE = np.ones(1)


class Steering:
    """The book of the steps of an optimizer, on the device: how many were taken and skipped, and the last norm.

    Where Numba cannot compile the rule's `coefficients` for the device, they are computed on the host, which waits for
    the norm.
    """

    def __init__(self, opt: Any, required: bool):
        cls, names = type(opt), len(type(opt)._coefficient_names)
        try:
            self._decide, self._compiled = device.decider(cls.coefficients, names), True
        except Exception as error:  # Numba lets errors of every kind through
            if required:
                raise TypeError(
                    f"{cls.__name__}.coefficients: Numba cannot compile it for CUDA, which capturable=True needs; its "
                    "reason is above"
                ) from error
            self._decide, self._compiled = device.decider(_no_coefficients, 0), False
        self._values = names if self._compiled else 0
        self._width = 8 * (VALUES + self._values)
        self._book = device.zeros(4, np.dtype(np.int64))
        self._numbers = device.zeros(FACTORS + len(opt._groups), np.dtype(np.float64))
        self._scale, self._widened = Mirror(), device.zeros(1, np.dtype(np.float64))
        self._places = device.address(self._book), device.address(self._numbers)
        self._groups, self._cohorts, self._orders = Mirror(), Mirror(), Mirror()
        self._tables, self._asked, self._checked = {}, (None, None), None
        self._sums, self._sums_at = None, 0
        self.restart(opt)
        device.synchronize()

    def restart(self, opt: Any) -> None:
        """Begin the book where the optimizer on the host stands."""
        device.put(self._book, 0, np.array([opt._clock.item(0), *opt._skipped, 1], np.int64))
        device.put(self._numbers, NORM, np.array([opt._grad_norm]))

    def read(self) -> tuple[int, Skipped, float, bool]:
        """Steps taken and skipped, the last norm, and whether the last step was taken, when the device is done."""
        device.synchronize()
        t, total, in_a_row, go = device.fetched(self._book, 0, 4).tolist()
        return t, Skipped(total, in_a_row), float(device.fetched(self._numbers, NORM, 1)[0]), go != 0

    def push(self, opt: Any) -> None:
        """Send the hyperparameters, as they now are, to the device, where a captured step reads them."""
        stream = device.stream_of(opt._layouts[0].array, None)
        self._groups.of(self._rows(opt, limits_of(opt, 1.0, *self._asked)), stream)

    def run(self, opt: Any, leaves: list, plans: list, limits: Limits, scale: Any, asked: tuple, stream: Any) -> None:
        """Carry out the plans of a step. `scale` is a number, or the layout of one on the device."""
        self._asked = asked
        rows = self._rows(opt, limits)
        self._check(opt, limits, rows)
        at = self._scale_at(scale, stream)
        groups, spans = self._groups.of(rows, stream), -1
        if limits.measured or opt.nonfinite != "propagate":
            spans = self._measure(opt, plans, groups, at, stream)
            if opt.nonfinite == "raise":
                self._refuse(opt, leaves, plans)
        cohorts = self._cohort_rows(opt) if self._compiled else np.zeros((0, 5), np.int64)
        skips = opt.nonfinite == "skip"
        orders = [self._cohorts.of(cohorts, stream), len(cohorts), groups, len(rows), self._width]
        orders += [self._sums_at, spans, *self._places, at, skips]
        assert len(orders) == len(ORDERS)
        device.launch(self._decide, 1, stream)(self._orders.of(np.array(orders, np.int64), stream))
        if not self._compiled and not self._packed(opt, limits, len(rows), spans):
            return
        for plan in plans:
            for job in plan.jobs:
                job()
        after = [job for plan in plans for job in plan.after]
        if after and (not skips or self.read()[3]):
            for job in after:
                job()

    def _rows(self, opt, limits):
        """A row for each group."""
        rows = np.empty((len(opt._groups), self._width // 8))
        for k, group in enumerate(opt._groups):
            rows[k, :3] = limits.units[k], limits.norms[k], limits.bounds[k]
            rows[k, 3:] = group._numbers[: VALUES - 3 + self._values]
        return rows

    def _check(self, opt, limits, rows):
        """Refuse what is beyond the range of the weights; the host does not know which step it is."""
        given = limits.scales[0], rows.tobytes()
        if given != self._checked:
            for batch in opt._batches:
                batch.pack(opt._groups, limits.scales, limits.bounds, first=True)
            self._checked = given

    def _scale_at(self, scale, stream):
        """Where the scale stands as a float64."""
        if isinstance(scale, float):
            return self._scale.of(scale * ONE, stream)
        if scale.dtype == np.float64:
            return scale.address
        at = device.address(self._widened)
        device.launch(device.widener(), 1, stream)(scale.address, at)
        return at

    def _walks(self, opt, plans):
        """Each batch and what it walks through, with a key."""
        for b, (batch, plan) in enumerate(zip(opt._batches, plans, strict=True)):
            for kind, table, chosen in plan.walks:
                yield (b, kind), batch, table, chosen

    def _measure(self, opt, plans, groups, scale, stream):
        """Sum the squares of all gradients, by spans, and say how many these are."""
        tables = {}
        for key, batch, table, chosen in self._walks(opt, plans):
            part = table[:, :STATE].copy()  # of a rule without state it would be the table itself
            part[:-1, ROW] = batch.owners[chosen] * self._width
            np.cumsum(-(-part[:-1, SIZE] // SPAN), out=part[1:, FIRST])
            tables[key] = part
        total = sum(int(part[-1, FIRST]) for part in tables.values())
        if total and (self._sums is None or self._sums.size < total * PARTS):
            self._sums = device.zeros(total * PARTS, np.dtype(np.float64))
            device.synchronize()  # with what made it zero, on another stream
            self._sums_at = device.address(self._sums)
        start = 0
        for key, batch, *_ in self._walks(opt, plans):
            part, kernel = tables[key], device.squares(batch.dtype, GRADIENT_TYPES[key[1]])
            spans = int(part[-1, FIRST])
            if spans:
                at = self._tables.setdefault(key, Mirror()).of(part, stream)
                to = self._sums_at + start * PARTS * 8
                device.launch(kernel, spans, stream)(at, groups, scale, len(part) - 1, spans, to)
            start += spans
        self._measured = list(tables.values())
        return total

    def _refuse(self, opt, leaves, plans):
        """Raise ValueError if a gradient is not finite."""
        device.synchronize()
        spoilt, start = [], 0
        for part, (_, batch, _, chosen) in zip(self._measured, self._walks(opt, plans), strict=True):
            spans = int(part[-1, FIRST])
            sums = (
                device.fetched(self._sums, start * PARTS, spans * PARTS).reshape(-1, PARTS)
                if spans
                else np.zeros((0, 2))
            )
            rows = np.searchsorted(part[:-1, FIRST], np.flatnonzero(sums[:, 1]), "right") - 1
            spoilt += np.array(batch.members)[chosen][rows].tolist()
            start += spans
        if spoilt:
            refuse_spoilt(opt, leaves, min(spoilt))

    def _cohort_rows(self, opt):
        """A row for each cohort of each batch, whose coefficients are from now on written on the device."""
        found = []
        for batch in opt._batches:
            batch.coef.steered = True
            at, size = batch.coef.address, batch.dtype.itemsize
            for row, (group, missed) in enumerate(batch.cohorts):
                place = at + HEAD + row * size * (AROUND + batch.rule.coefs)
                found.append((place, 0 if row else at, missed, group * self._width, size))
        return np.array(found, np.int64)

    def _packed(self, opt, limits, groups, spans):
        """Whether the step is taken; then its coefficients are computed, on the host."""
        t, _, _, go = self.read()
        if go:
            factors = device.fetched(self._numbers, FACTORS, groups).tolist() if spans >= 0 else [1.0] * groups
            limits = limits.clipped(factors)
            opt._set_clock(0, t - 1)
            for batch in opt._batches:
                batch.pack(opt._groups, limits.scales, limits.bounds)
        return go


def scale_of(given: Any) -> Any:
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
        raise ValueError(f"step: expected scale to be a number, on CUDA one float32 or float64, not {found}")
    return found


def _no_coefficients(t):
    return ()
