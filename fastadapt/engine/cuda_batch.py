"""A batch on CUDA: what it launches, from rows of coefficients that the host computes, or a kernel."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arrays import gradient
from ..devices import cuda as device
from ..kernels.blocks import ABSENT, COEFFICIENTS, enter, run
from ..kernels.table import G, P, number_tiles
from ..kernels.weight import AROUND
from ..layout import GRADIENT_TYPES
from ..sharing import Spans
from .batch import Batch

MOST_PLANS = 16
"""Cached plans of steps of all arrays: one for each stream and dtype of gradients."""


class Plan(NamedTuple):
    """A step of a batch, prepared."""

    jobs: list[Callable[[], Any]]
    """What carries it out, in order."""
    walks: list[tuple[int, np.ndarray, list[int] | slice]]
    """For each dtype of gradients its index in GRADIENT_TYPES, the table, and the batch's arrays that are in it."""
    alive: list = []  # noqa: RUF012 - never changed
    """The arrays whose memory the tables point to."""
    after: list[Callable[[], Any]] = []  # noqa: RUF012
    """What else is to be done if the step is taken."""


class CudaBatch(Batch):
    """A batch, its rows of coefficients on the device, and what it launches.

    Where its cohorts stand `apart`, each array has a row of its own, to which a captured step writes.
    """

    def __init__(self, *given: Any, apart: bool):
        super().__init__(device, *given)
        coef, self.rows = device.rows(len(self.members), AROUND + self.rule.coefs, self.dtype)
        self._verdicts = np.zeros(len(self.members), np.int64)
        enter(self.block, coef=coef, verdicts=self._verdicts)
        if apart:
            enter(self.block, near=0)
        self._runners, self._cached, self._match = {}, {}, None

    def connect(self, step: np.ndarray, own: int, written: Spans) -> None:
        """As every batch's; the check of all gradients at once is made."""
        super().connect(step, own, written)
        self._clock = step["t"]
        self._match = device.matcher(self.params, self.table, written) if all(self.dense) else None

    def note(self, plan: "Plan") -> None:
        """Note which arrays have a gradient in a step, for compiled code on the host."""
        self._verdicts[...] = ABSENT
        for kind, _, chosen in plan.walks:
            self._verdicts[chosen] = kind

    def compute(self) -> bool:
        """Compute the coefficients on the host; whether one is beyond the range of the weights."""
        self.rows.count = len(self.cohorts)
        return run(self.functions[COEFFICIENTS], self.address) != 0

    def prepare(self, leaves: list, stream: Any) -> "Plan":
        """Find out where the gradients are, and how to carry a step out; nothing can be seen of it yet.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit its parameter, or a parameter is no longer what it was.
        """
        count = len(self.members)
        grads = leaves if len(leaves) == count else [leaves[i] for i in self.members]
        kind = -1 if self._match is None else self._match(grads)
        if kind >= 0:
            return self._cached.get((kind, stream)) or self._plan_of_all(kind, stream)
        return self._look(grads, stream)

    def _plan_of_all(self, kind, stream):
        """The plan of a step of all arrays as they lie, from gradients of one dtype; the caller keeps them alive."""
        job = self._runner(kind)(self.table, self.rows, self._clock, stream)
        if len(self._cached) > MOST_PLANS:
            self._cached.clear()
        self._cached[kind, stream] = plan = Plan([job], [(kind, self.table, slice(None))])
        return plan

    def retain(self) -> None:
        """Leave what lies on the device for the last step as it is: a graph has captured the step."""
        for runner in self._runners.values():
            runner.retain()

    def forget_kernels(self) -> None:
        """Choose kernels anew."""
        self._runners, self._cached = {}, {}

    def _runner(self, kind):
        """The function that makes the job of updating this batch's arrays from gradients of GRADIENT_TYPES[kind]."""
        if kind not in self._runners:
            self._runners[kind] = self.kernel(device.runner, kind)
        return self._runners[kind]

    def _look(self, grads, stream):
        """As `prepare`, array by array: other layouts, mixed types, missing gradients."""
        chosen: dict[Any, list[int]] = {}
        table, copies, alive, captured = self.table.copy(), [], [], device.captured(stream)
        for i, (g, param, path) in enumerate(zip(grads, self.params, self.paths, strict=True)):
            self.check_unchanged(i)
            if g is None:
                if captured:
                    raise RuntimeError(
                        f"params{path}: expected a gradient where a CUDA graph captures the step, not None"
                    )
                continue
            found = gradient(g, param, f"params{path}")
            device.refuse_other(found, path)
            chosen.setdefault(found.dtype, []).append(i)
            table[i, G], run = self._place(found, i, stream, copy=not self.readable_in_place(i, found))
            table[i, P], copy = self._place(param, i, stream)
            if copy is not None:
                copies.append(device.unpacking(copy, param, self.steps[i], stream))
            alive += [found, run, copy]
        jobs, walks = [], []
        for dtype, which in chosen.items():
            kind, part = GRADIENT_TYPES.index(dtype), np.concatenate([table[which], table[-1:]])
            number_tiles(part)
            jobs.append(self._runner(kind)(part, self.rows, self._clock, stream))
            walks.append((kind, part, which))
        after, left = [], set(range(len(grads))).difference(*chosen.values())
        if left:
            after += self.missing([count + (i in left) for i, count in enumerate(self.missed.tolist())])
        return Plan([*jobs, *copies], walks, alive, after)

    def _place(self, found, i, stream, copy=False):
        """The address of an array's numbers in the order of array `i`'s state, and the copy if it is that of one."""
        if not copy and (found.size == 0 or found.steps() == self.steps[i]):
            return found.address, None
        if device.captured(stream):
            raise RuntimeError(
                f"params{self.paths[i]}: expected a parameter without gaps, and a gradient in the same order of memory "
                "that shares none with parameters or state, where a CUDA graph captures the step, which could not copy "
                "them"
            )
        run = device.packed(found, self.steps[i], stream)
        return device.address(run), run
