"""A step on CUDA: launches on a stream, for none of which the host waits."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any
from weakref import ref

import numpy as np

from ..devices import cuda as device
from ..group_row import NONFINITE
from ..kernels.blocks import MAX_NORM, run
from ..kernels.decide import limits_finder
from ..layout import PARAMETER_TYPES, Layout, layout
from .counters import Counters
from .cuda_control import Overrides, StepControl
from .nonfinite import refuse_nonfinite
from .step import Step


class CudaStep(Step):
    """Steps on CUDA, which a graph can capture if they are `capturable`."""

    def __init__(self, *given: Any, capturable: bool):
        super().__init__(*given)
        self.capturable, self._context = capturable, device.attach()
        self.control: StepControl | None = None

    def capture(self) -> None:
        """Keep all that a step needs on the device."""
        if not device.can_capture():
            raise RuntimeError(
                "capturable: expected the packages cuda-core and cuda-bindings, as numba-cuda brings them"
            )
        self.control = StepControl(self)
        changed = partial(_push, ref(self))  # or it would keep itself alive, and its memory on the device
        for group in self.groups:
            group.captured(changed)

    @property
    def array(self) -> Any:
        """One of the parameters, whose framework has a stream."""
        return self.batches[0].params[0].array

    @property
    def counters(self) -> Counters:
        """What was counted. Where the device counts, this waits for it."""
        if self.control is not None:
            for job in super().restarting(self.control.read()[0]):
                job()
        return super().counters

    def restarting(self, counters: Counters) -> list[Callable[[], Any]]:
        """The jobs of going on from these counts."""
        jobs = super().restarting(counters)
        return jobs if self.control is None else [*jobs, partial(self.control.restart, self, counters)]

    def refresh(self) -> None:
        """Read the sums and scalars from the device, where they are there."""
        if self.control is not None and self.control.kept is not None:
            self.control.kept.fetch(self)

    def take(
        self, leaves: list, scale: float, max_norm: Any, max_value: Any, place: Layout | None = None, stream: Any = None
    ) -> None:
        """Take a step with these gradients, whose scale may lie at a place on the device; then `scale` is 1.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `Optimizer.step` says.
        """
        if device.attach() != self._context:
            raise RuntimeError("step: expected the GPU to be current that was so when the optimizer was made")
        stream = device.stream_of(self.array, stream)
        if not self.capturable:
            device.refuse_captured(stream)
        for batch in self.doubling:
            batch.double(stream)
        plans = [batch.prepare(leaves, stream) for batch in self.batches]
        overrides = self.limit("max_norm", max_norm), self.limit("max_value", max_value)
        limits = self.find_limits(overrides)
        watched = (limits[:, MAX_NORM:] < inf).any() or self.groups[0].row[NONFINITE] != 0
        sums = self.reductions is not None and (self.reductions.before or self.reductions.after)
        if watched or place is not None or self.control is not None or sums:
            if self.control is None:
                self.control = StepControl(self)
            device.carry_out([partial(self.control.run, self, leaves, plans, scale, place, overrides, stream)])
            return
        self.block["scale"] = scale
        for batch, plan in zip(self.batches, plans, strict=True):
            batch.note(plan)
            if batch.compute():
                self.refuse_coefficients()
        jobs = [job for plan in plans for job in plan.jobs + plan.after]
        if self.reductions is not None:  # scalars alone, which the host combines and keeps
            before, after = self.block[["before", "after"]][0]
            if run(before, self.address):
                self.refuse_coefficients()
            jobs.append(partial(run, after, self.address))
        device.carry_out([*jobs, partial(self.block.__setitem__, "t", self.block["t"][0] + 1)])

    def find_limits(self, overrides: Overrides) -> np.ndarray:
        """The limits of each group in a step that was given these."""
        limits_finder()(self.address, *overrides)
        return self.limits.copy()

    def refuse_nonfinite(self, leaves: list, i: int) -> None:
        """Raise ValueError for the gradient of array `i`."""
        batch, k = next((batch, batch.members.index(i)) for batch in self.batches if i in batch.members)
        refuse_nonfinite(device, leaves[i], batch.params[k], batch.paths[k])


def _push(step):
    """Send the hyperparameters of an optimizer to the device, if it still lives."""
    if (found := step()) is not None:
        found.control.push(found)


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
