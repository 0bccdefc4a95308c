"""A batch: the arrays that one kernel updates in one call, their state, and how far each has come."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..arrays import parameter
from ..devices.device import Device
from ..functions import naming_the_reason
from ..kernels.average import AVERAGE
from ..kernels.bits import array_key
from ..kernels.blocks import BATCH, COEFFICIENTS, COHORTS, COMBINE, FUNCTIONS, OWN, enter, run
from ..kernels.coefficients import build_coefficients
from ..kernels.cohorts import NEAR, build_cohorts
from ..kernels.masters import MASTER
from ..kernels.streams import Storage
from ..kernels.table import FIRST, KEY, STATE, P, make_table
from ..kernels.weight import AROUND
from ..layout import GRADIENT_TYPES, NARROW_TYPES, Layout
from ..reductions import Reductions
from ..rule import Rule
from ..sharing import Spans
from .kept import Kept
from .state import State


class Batch:
    """Arrays of one dtype, on one device, that follow one rule, with state that is held in the same way.

    `members` are the numbers of its arrays in the optimizer. Each array has a group, and has missed so many of the
    optimizer's steps. Compiled code reads the block.
    """

    def __init__(
        self,
        device: Device,
        layouts: list[Layout],
        paths: list[str],
        rule: Rule,
        storage: Storage,
        dtype: np.dtype,
        members: list[int],
    ):
        self.device, self.rule, self.dtype, self.members = device, rule, dtype, members
        self.params, self.paths = [layouts[i] for i in members], [paths[i] for i in members]
        self.dense = [p.dense() for p in self.params]
        self.steps = [p.order() for p in self.params]
        self.state = State(device, storage, self.params, self.steps)
        self.table = make_table([p.size for p in self.params], len(storage.streams))
        self.table[:-1, P] = [p.address for p in self.params]
        self.table[:-1, STATE : STATE + len(storage.written)] = self.state.addresses
        n, width, self.block = len(members), AROUND + rule.coefs, np.zeros(1, BATCH)
        self.group_indices, self.missed = np.zeros((2, n), np.int64)
        self._cohorts, self._wide = np.zeros((n, 2), np.int64), np.zeros(width)
        self.functions, self.doubled = np.zeros(FUNCTIONS, int), []
        held = 4 if storage.coded else dtype.itemsize  # quantized state has the range of float32
        kind = self.params[0].dtype
        enter(self.block, narrow=NARROW_TYPES.index(kind) + 1 if kind in NARROW_TYPES else 0)
        enter(self.block, n=n, columns=self.table.shape[1], width=width, held=held, weight_size=dtype.itemsize)
        enter(self.block, table=self.table, functions=self.functions, group_indices=self.group_indices)
        enter(self.block, missed=self.missed, cohorts=self._cohorts, wide=self._wide, near=NEAR)

    def read_along(self, arrays: list[dict[str, Layout]]) -> None:
        """Let steps read arrays by weight as well: for each array of the optimizer a dict, by what they are for."""
        self._read = [arrays[i] for i in self.members]  # kept alive
        for k, stream in enumerate(self.state.storage.streams):
            if not stream.written:
                self.table[:-1, STATE + k] = [self._read_at(read[stream.role], i) for i, read in enumerate(self._read)]

    def _read_at(self, found, i):
        """Where steps read an array beside parameter `i`; of a complex one, each of its numbers twice."""
        if not self.params[i].complex:
            return found.address
        run = self.device.zeros(self.params[i].size, self.dtype)
        self.doubled.append((found.twice, run, self.steps[i]))
        return self.device.address(run)

    def double(self, stream: Any = None) -> None:
        """Before each step, take over what arrays beside complex parameters say now, for both parts."""
        for each in self.doubled:
            self.device.packing(*each, stream)()

    def connect(self, step: np.ndarray, own: int, written: Spans) -> None:
        """Make the batch one of an optimizer's, whose steps write this memory."""
        self._written = written
        enter(self.block, step=step)
        self.functions[[OWN, COEFFICIENTS, COHORTS]] = own, build_coefficients(), build_cohorts()

    def combine(self, reductions: Reductions, combine: int) -> None:
        """Keep sums and scalars for each array, which then has a row of coefficients of its own."""
        self.kept = Kept(reductions, len(self.members))
        self.functions[COMBINE] = combine
        enter(self.block, near=0, **self.kept.fields)

    @property
    def address(self) -> int:
        """The address of its block."""
        return self.block.ctypes.data

    @property
    def cohorts(self) -> np.ndarray:
        """The group and the missed steps of each row of coefficients."""
        return self._cohorts[: self.block["cohort_count"][0]]

    def check_unchanged(self, i: int) -> None:
        """Raise ValueError where parameter `i` is no longer what it was; TypeError where it is none."""
        now = parameter(self.params[i].array, self.paths[i])
        if not now.same(self.params[i]):
            raise ValueError(f"params{self.paths[i]}: expected the array as it was, {self.params[i]}, not {now}")

    def readable_in_place(self, i: int, grad: Layout) -> bool:
        """Whether a step may read the gradient of array `i` where it lies: it writes nothing there before.

        A gradient that is the parameter itself is read in place, each weight's before the weight is written.
        """
        return grad.same(self.params[i]) or not grad.size or not self._written.meet(*grad.bounds())

    def beginning(self, groups: list[int], starts: list, seeds: list[int], new: bool) -> list[Callable[[], Any]]:
        """The jobs of forgetting all steps; each array has a group, its first state or None, and a seed.

        A new state is zero: its memory is first written by the threads of the first step.
        """
        jobs = [] if new else self.state.clearing()
        for i, values in enumerate(starts):
            jobs += [self.state.writing(k, i, value) for k, value in enumerate(values or ())]
        if self.state.storage.coded or self.state.storage.weights:
            keys = np.array([array_key(seed, i) for seed, i in zip(seeds, self.members, strict=True)])
            jobs.append(partial(self.table.__setitem__, (slice(-1), KEY), keys))
        return jobs + self.regrouping(groups, [0] * len(groups))

    def missing(self, missed: list[int]) -> list[Callable[[], Any]]:
        """The jobs of making these the numbers of steps that the arrays have missed."""
        return self.regrouping(self.group_indices.tolist(), missed)

    def regrouping(self, groups: list[int], missed: list[int]) -> list[Callable[[], Any]]:
        """The jobs of making the arrays belong to these groups, and have missed so many steps."""
        return [
            partial(self.group_indices.__setitem__, ..., np.array(groups, np.int64)),
            partial(self.missed.__setitem__, ..., np.array(missed, np.int64)),
            partial(run, build_cohorts(), self.address),
        ]

    def kernel(self, make: Callable, kind: int) -> Any:
        """What `make` makes for updating this batch's arrays from gradients of GRADIENT_TYPES[kind]."""
        update, storage, tiles = self.rule.update, self.state.storage, int(self.table[-1, FIRST])
        with naming_the_reason(update.__qualname__):
            return make(update, storage, self.rule.coefs, self.dtype, GRADIENT_TYPES[kind], tiles)

    def read(self, name: str) -> list:
        """The state `name` of each array, as an array of the parameter's shape on its device; None if there is none."""
        k = self.master if name == MASTER and MASTER not in self.rule.states else None
        if name in self.rule.states:
            k = self.rule.states.index(name)
        if k is None:
            return [None] * len(self.params)
        return [self.state.read(k, i) for i in range(len(self.params))]

    def stream(self, role: str) -> int | None:
        """Which of the streams is for this; None if none is."""
        roles = self.state.storage.roles
        return roles.index(role) if role in roles else None

    @property
    def average(self) -> int | None:
        """Which of the streams is the average of the weights; None where they are not averaged."""
        return self.stream(AVERAGE)

    @property
    def master(self) -> int | None:
        """Which of the streams are the masters of weights of 16 bits; None where there are none."""
        return self.stream(MASTER)
