"""A batch: the arrays that one kernel updates in one call, their state, and how far each has come."""

from collections.abc import Callable
from functools import cached_property, partial
from types import ModuleType
from typing import Any

import numpy as np

from .arrays import GRADIENT_TYPES, Layout, c_steps, gradient, parameter, shared
from .kernels import headers
from .kernels.bits import array_key
from .kernels.storage import Storage
from .kernels.table import FIRST, KEY, ROW, STATE, G, P, make_table, number_tiles, packer
from .rule import Rule
from .state import State


class Batch:
    """Arrays of one dtype, on one device, that follow one rule, with state that is held in the same way.

    A cohort is the arrays of a batch that have the same hyperparameters and have taken the same number of steps:
    they share a row of coefficients.
    """

    def __init__(
        self,
        device: ModuleType,
        rule: Rule,
        storage: Storage,
        dtype: np.dtype,
        members: list[int],
        params: list[Layout],
        paths: list[str],
    ):
        self.device, self.rule, self.dtype = device, rule, dtype
        self.members, self.params, self.paths = members, params, paths
        self.dense = [p.dense() for p in params]
        self.steps = [p.steps() if d else c_steps(p.shape) for p, d in zip(params, self.dense, strict=True)]
        self.state = State(device, storage, params, self.steps)
        self.table = make_table([p.size for p in params], storage.states)
        self.table[:-1, P] = [p.address for p in params]
        self.table[:-1, STATE:] = self.state.addresses
        self._runners, self._wholes = {}, {}
        self._ids = np.array([id(p.array) for p in params], np.int64)
        self._given, self._expected = np.empty_like(self._ids), headers.describe(params)

    @cached_property
    def _match(self):
        """The function that checks all gradients at once, or None where it has to be done one by one."""
        return self.device.match() if all(self.dense) else None

    def begin(self, groups: list[int], values: list, seeds: list[int]) -> None:
        """Count the steps from 0; each array has a group, its first state or None, and a seed of random words."""
        self.state.clear()
        for i, each in enumerate(values):
            for k, value in enumerate(each or ()):
                self.state.write(k, i, value)
        if self.state.storage.codecs:
            self.table[:-1, KEY] = [array_key(seed, i) for seed, i in zip(seeds, self.members, strict=True)]
        self.cohorts, self.table[:-1, ROW] = _cohorts(groups, [0] * len(groups))
        self._size_coefficients()

    def counts(self) -> list[int]:
        """How many steps each array has taken."""
        return [self.cohorts[row][1] for row in self.table[:-1, ROW]]

    def _size_coefficients(self):
        self.coef = np.zeros((len(self.cohorts), 3 + self.rule.coefs), self.dtype)
        self._pack = packer(self.coef)

    def prepare(self, leaves: list, scale: float, groups: list, stream: Any) -> Callable[[int], None]:
        """All of a step that may fail and nothing that can be seen; returns the function that carries it out.

        It takes the number of the step, which the random words depend on.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit its parameter, or a parameter is no longer what it was.
        """
        for row, (group, t) in enumerate(self.cohorts):
            self._pack(row, groups[group].coefficients(t + 1, scale))
        count = len(self.members)
        grads = leaves if len(leaves) == count else [leaves[i] for i in self.members]
        if self._match is not None:
            if count == 1:
                self._given[0] = id(grads[0])
            else:
                self._given[:] = np.fromiter(map(id, grads), np.int64, count)
            kind = self._match(self._ids, self._given, self.table, self._expected)
            if kind >= 0:
                return self._wholes.get(kind) or self._whole(kind)
        return self._look(grads, stream)

    def _whole(self, kind):
        """The function that carries out a step of all arrays as they lie; the caller keeps the gradients alive."""
        self._wholes[kind] = partial(self._commit, [(self._runner(kind), self.table)], None, (), (), None)
        return self._wholes[kind]

    def _commit(self, jobs, stepped, copies, alive, stream, step):
        """Carry out a step.

        jobs : functions, and the tables whose arrays they update
        stepped : the arrays that take the step, None for all of them
        copies : of parameters with gaps, to be copied back
        alive : the owners of the memory that the tables point to
        step : how many steps the optimizer has taken
        """
        for run, table in jobs:
            run(table, self.coef, step, stream)
        for i, run in copies:
            self.device.unpack(run, self.params[i], self.steps[i], stream)
        if stepped is None:
            for cohort in self.cohorts:
                cohort[1] += 1
        else:
            groups = [self.cohorts[row][0] for row in self.table[:-1, ROW]]
            counts = np.array(self.counts())
            counts[stepped] += 1
            self.cohorts, self.table[:-1, ROW] = _cohorts(groups, counts.tolist())
            self._size_coefficients()

    def _runner(self, kind):
        """The function that updates this batch's arrays from gradients of GRADIENT_TYPES[kind]."""
        found = self._runners.get(kind)
        if found is None:
            g_dtype, tiles = GRADIENT_TYPES[kind], int(self.table[-1, FIRST])
            update, coefs, storage = self.rule.update, self.rule.coefs, self.state.storage
            try:
                found = self.device.runner(update, storage, coefs, self.dtype, g_dtype, tiles)
            except Exception as error:  # Numba lets errors of every kind through
                name = self.rule.update.__qualname__
                raise TypeError(f"{name}: Numba cannot compile it; its reason is above") from error
            self._runners[kind] = found
        return found

    def _look(self, grads, stream):
        """As `prepare`, array by array: other layouts, mixed types, missing gradients."""
        rows: dict[np.dtype, list[int]] = {}
        table, copies, alive = self.table.copy(), [], []
        for i, (g, param, path) in enumerate(zip(grads, self.params, self.paths, strict=True)):
            now = parameter(param.array, path)
            if not now.same(param):
                raise ValueError(f"params{path}: expected the array as it was, {param}, not {now}")
            if g is None:
                continue
            found = gradient(g, param, f"params{path}")
            rows.setdefault(found.dtype, []).append(i)
            apart = found.same(param) or not shared(found, param)
            table[i, G], run = self._place(found, i, stream, copy=not apart)
            alive += [found, run]
            table[i, P], run = self._place(param, i, stream)
            if run is not None:
                copies.append((i, run))
        jobs = []
        for dtype, chosen in rows.items():
            part = np.concatenate([table[chosen], table[-1:]])
            number_tiles(part)
            jobs.append((self._runner(GRADIENT_TYPES.index(dtype)), part))
        stepped = [i for chosen in rows.values() for i in chosen]
        return partial(self._commit, jobs, None if len(stepped) == len(grads) else stepped, copies, alive, stream)

    def _place(self, found, i, stream, copy=False):
        """The address of an array's numbers in the order of array `i`'s state, and the copy if it is that of one."""
        if not copy and (found.size == 0 or found.steps() == self.steps[i]):
            return found.address, None
        run = self.device.packed(found, self.steps[i], stream)
        return self.device.address(run), run

    def read(self, name: str) -> list:
        """The state `name` of each array, as an array of the parameter's shape on its device; None if there is none."""
        if name not in self.rule.states:
            return [None] * len(self.params)
        k = self.rule.states.index(name)
        return [self.state.read(k, i) for i in range(len(self.params))]


def _cohorts(groups, counts):
    """The distinct (group, steps taken), and the index of each array's."""
    pairs = list(zip(groups, counts, strict=True))
    distinct = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    return [list(pair) for pair in distinct], [distinct[pair] for pair in pairs]
