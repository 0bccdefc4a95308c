"""A batch: the arrays that one kernel updates in one call, their state, and how far each has come."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from math import inf
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..functions import naming_the_reason
from ..kernels.bits import array_key
from ..kernels.codecs import Storage
from ..kernels.table import FIRST, KEY, ROW, STATE, G, P, make_table, number_tiles, packer
from ..kernels.weight import AROUND, ROOT, two_factors
from ..layout import GRADIENT_TYPES, Layout, c_steps, gradient, parameter
from ..rule import Rule
from ..sharing import Spans
from .state import State

STREAMS = 16
"""Plans of whole steps that are kept: one for each stream and dtype of gradients."""


class Plan(NamedTuple):
    """A step of a batch, prepared."""

    jobs: list[Callable[[], Any]]
    """What carries it out, in order."""
    walks: list[tuple[int, np.ndarray, list[int] | slice]]
    """For each dtype of gradients its index in GRADIENT_TYPES, the table, and the batch's arrays that are in it."""
    alive: list = []  # noqa: RUF012 - never changed
    """The owners of the memory that the tables point to."""
    after: list[Callable[[], Any]] = []  # noqa: RUF012
    """What else is to be done if the step is taken."""


class Cohorts(NamedTuple):
    """Arrays that have the same hyperparameters and have missed the same number of steps share a row of coefficients.

    All of it changes at once, by one assignment.
    """

    owners: np.ndarray
    """The group of each array."""
    each: list[tuple[int, int]]
    """The group and the missed steps of each cohort."""
    rows: list[int]
    """The cohort of each array."""
    coef: Any
    """What a job is given of the rows."""
    pack: Callable
    """The function that writes a row."""
    wholes: dict[tuple, Plan]
    """Plans of steps of all arrays, by dtype of gradients and stream."""


class Batch:
    """Arrays of one dtype, on one device, that follow one rule, with state that is held in the same way.

    `members` are the numbers of its arrays, and `clock` counts the steps of the optimizer. Where its cohorts stand
    `apart`, each array has a row of its own, which so stays where it is: a captured step writes there.
    """

    def __init__(
        self,
        device: ModuleType,
        clock: np.ndarray,
        layouts: list[Layout],
        paths: list[str],
        rule: Rule,
        storage: Storage,
        dtype: np.dtype,
        members: list[int],
        apart: bool = False,
    ):
        self.device, self.clock, self.rule, self.dtype, self.members = device, clock, rule, dtype, members
        self.apart = apart
        self.now = Cohorts(np.zeros(0, np.int64), [], [], None, None, {})
        self.params, self.paths = [layouts[i] for i in members], [paths[i] for i in members]
        params = self.params
        self.dense = [p.dense() for p in params]
        self.steps = [p.steps() if d else c_steps(p.shape) for p, d in zip(params, self.dense, strict=True)]
        self.state = State(device, storage, params, self.steps)
        self.table = make_table([p.size for p in params], storage.states)
        self.table[:-1, P] = [p.address for p in params]
        self.table[:-1, STATE:] = self.state.addresses
        self._runners, self._numbers, self._most = {}, np.array(members), float(np.finfo(dtype).max)
        self._single = dtype == np.float32
        self.held = 4 if storage.codecs else dtype.itemsize
        """Bytes of a number with the range of the state's: small state has that of float32."""
        self.written: Spans
        """The memory that a step of the optimizer writes, that of its other batches too."""

    @cached_property
    def _match(self):
        """The function that checks all gradients at once, or None where it has to be done one by one."""
        return self.device.matcher(self.params, self.table, self.written) if all(self.dense) else None

    def beginning(self, groups: list[int], values: list, seeds: list[int]) -> list[Callable[[], Any]]:
        """The jobs of forgetting all steps; each array has a group, its first state or None, and a seed."""
        jobs = self.state.clearing()
        for i, each in enumerate(values):
            jobs += [self.state.writing(k, i, value) for k, value in enumerate(each or ())]
        if self.state.storage.codecs:
            keys = np.array([array_key(seed, i) for seed, i in zip(seeds, self.members, strict=True)])
            jobs.append(partial(self.table.__setitem__, (slice(-1), KEY), keys))
        return jobs + self._regrouping(groups, [0] * len(groups))

    def counts(self) -> list[int]:
        """How many steps each array has taken."""
        now = self.now
        return [self.clock.item(0) - now.each[row][1] for row in now.rows]

    def missing(self, missed: list[int]) -> list[Callable[[], Any]]:
        """The jobs of making these the arrays that have missed so many of the clock's steps."""
        return self._regrouping(self.now.owners.tolist(), missed)

    def _regrouping(self, groups, missed):
        """The jobs of making cohorts of arrays of these groups that have missed so many steps."""
        pairs = list(zip(groups, missed, strict=True))
        cohorts = pairs if self.apart else list(dict.fromkeys(pairs))
        of = {pair: row for row, pair in enumerate(cohorts)}
        rows = list(range(len(pairs))) if self.apart else [of[pair] for pair in pairs]
        coef, pack = self.now.coef, self.now.pack
        if len(cohorts) != len(self.now.each):
            made, coef = self.device.rows(len(cohorts), AROUND + self.rule.coefs, self.dtype)
            pack = packer(made)
        now = Cohorts(np.array(groups), cohorts, rows, coef, pack, {})
        column = partial(self.table.__setitem__, (slice(-1), ROW), np.array(rows, np.int64))
        return [partial(setattr, self, "now", now), column]

    def prepare(self, leaves: list, stream: Any) -> "Plan":
        """Find out where the gradients are, and how to carry a step out; nothing can be seen of it yet.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit its parameter, or a parameter is no longer what it was.
        """
        count = len(self.members)
        grads = leaves if len(leaves) == count else [leaves[i] for i in self.members]
        if self._match is not None:
            kind = self._match(grads)
            if kind >= 0:
                now = self.now
                return now.wholes.get((kind, stream)) or self._whole(now, kind, stream)
        return self._look(grads, stream)

    def pack(self, t: int | None, groups: list, scales: list[float], bounds: list[float]) -> None:
        """Compute the coefficients of step `t`, or if that is None as if all arrays took their first.

        Raises
        ------
        ValueError
            One is beyond the range of the weights' dtype.
        """
        now, single, most = self.now, self._single, self._most
        for row, (group, missed) in enumerate(now.each):
            owner, scale, bound, again = groups[group], scales[group], bounds[group], 1.0
            if owner.forgets:
                bound = min(bound, ROOT[self.held])
            if single and -1.0 < scale < 1.0:
                scale, bound, again = two_factors(scale, bound)
            bound = bound if bound <= most else inf
            now.pack(row, owner.coefficients(t - missed if t else 1, scale, bound, again))

    def _bound(self, bound):
        """A bound as the weights' dtype holds it."""
        return bound if bound <= self._most else inf

    def squares(
        self, plan: Plan, scales: list[float], bounds: list[float], unit: float, check: Callable[[], Any]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the numbers of arrays with a gradient, their groups, and what the CPU's `squares` says of them.

        All is measured times `unit`. `check` raises where the plan no longer holds.
        """
        own, now = unit if self.dtype == np.float64 else 1.0, self.now  # float32 does not hold it, nor needs it
        limits = np.empty((len(now.each), 2), self.dtype)
        for row, (group, _) in enumerate(now.each):
            limits[row] = abs(scales[group]) * own, self._bound(bounds[group]) * own
        for kind, table, chosen in plan.walks:
            sums = self.device.squares(table, limits, self.dtype, GRADIENT_TYPES[kind], check)
            with np.errstate(over="ignore"):  # of groups that are not measured again
                sums[:, 0] *= unit / own  # twice, because the square of the unit may be too large
                sums[:, 0] *= unit / own
            yield self._numbers[chosen], now.owners[chosen], sums

    def _whole(self, now, kind, stream):
        """The plan of a step of all arrays as they lie, from gradients of one dtype; the caller keeps them alive."""
        job = self._runner(kind)(self.table, now.coef, self.clock, stream)
        if len(now.wholes) > STREAMS:
            now.wholes.clear()
        now.wholes[kind, stream] = plan = Plan([job], [(kind, self.table, slice(None))])
        return plan

    def retain(self) -> None:
        """Leave what lies on the device for the last step as it is: a graph has captured the step."""
        for runner in self._runners.values():
            runner.retain()

    def forget_kernels(self) -> None:
        """Choose kernels anew."""
        self._runners = {}
        self.now.wholes.clear()

    def _runner(self, kind):
        """The function that makes the job of updating this batch's arrays from gradients of GRADIENT_TYPES[kind]."""
        found = self._runners.get(kind)
        if found is None:
            g_dtype, tiles = GRADIENT_TYPES[kind], int(self.table[-1, FIRST])
            update, coefs, storage = self.rule.update, self.rule.coefs, self.state.storage
            with naming_the_reason(update.__qualname__):
                found = self.device.runner(update, storage, coefs, self.dtype, g_dtype, tiles)
            self._runners[kind] = found
        return found

    def _look(self, grads, stream):
        """As `prepare`, array by array: other layouts, mixed types, missing gradients."""
        cohorts, chosen = self.now, {}
        table, copies, alive, captured = self.table.copy(), [], [], self.device.captured(stream)
        for i, (g, param, path) in enumerate(zip(grads, self.params, self.paths, strict=True)):
            now = parameter(param.array, path)
            if not now.same(param):
                raise ValueError(f"params{path}: expected the array as it was, {param}, not {now}")
            if g is None:
                if captured:
                    raise RuntimeError(
                        f"params{path}: expected a gradient where a CUDA graph captures the step, not None"
                    )
                continue
            found = gradient(g, param, f"params{path}")
            self.device.refuse_other(found, path)
            chosen.setdefault(found.dtype, []).append(i)
            # What another array's update writes is read as it was; where this array's does, each weight's comes first.
            apart = found.same(param) or not found.size or not self.written.meet(*found.bounds())
            table[i, G], run = self._place(found, i, stream, copy=not apart)
            table[i, P], copy = self._place(param, i, stream)
            if copy is not None:
                copies.append(self.device.unpacking(copy, param, self.steps[i], stream))
            alive += [found, run, copy]
        jobs, walks = [], []
        for dtype, which in chosen.items():
            kind, part = GRADIENT_TYPES.index(dtype), np.concatenate([table[which], table[-1:]])
            number_tiles(part)
            jobs.append(self._runner(kind)(part, cohorts.coef, self.clock, stream))
            walks.append((kind, part, which))
        after, left = [], set(range(len(grads))).difference(*chosen.values())
        if left:
            missed = [cohorts.each[row][1] + (i in left) for i, row in enumerate(cohorts.rows)]
            after += self._regrouping(cohorts.owners.tolist(), missed)
        return Plan([*jobs, *copies], walks, alive, after)

    def _place(self, found, i, stream, copy=False):
        """The address of an array's numbers in the order of array `i`'s state, and the copy if it is that of one."""
        if not copy and (found.size == 0 or found.steps() == self.steps[i]):
            return found.address, None
        if self.device.captured(stream):
            raise RuntimeError(
                f"params{self.paths[i]}: expected a parameter without gaps, and a gradient in the same order of memory "
                "that shares none with parameters or state, where a CUDA graph captures the step, which could not copy "
                "them"
            )
        run = self.device.packed(found, self.steps[i], stream)
        return self.device.address(run), run

    def read(self, name: str) -> list:
        """The state `name` of each array, as an array of the parameter's shape on its device; None if there is none."""
        if name not in self.rule.states:
            return [None] * len(self.params)
        k = self.rule.states.index(name)
        return [self.state.read(k, i) for i in range(len(self.params))]
