"""A batch: the arrays that one kernel updates in one call, their state, and how far each has come."""

import struct
from types import ModuleType
from typing import Any

import numpy as np

from .arrays import GRADIENT_TYPES, Layout, c_steps, gradient, parameter, shared
from .kernels import headers
from .kernels.cpu import LINE
from .kernels.table import FIRST, ROW, SIZE, STATE, G, P, make_table, number_tiles
from .rule import Rule


class Batch:
    """Arrays of one dtype, on one device, that follow one rule.

    A cohort is the arrays of a batch that have the same hyperparameters and have taken the same number of steps:
    they share a row of coefficients.
    """

    def __init__(self, device: ModuleType, rule: Rule, dtype: np.dtype, params: list[Layout], paths: list[str]):
        self.device, self.rule, self.dtype, self.params, self.paths = device, rule, dtype, params, paths
        self.dense = [p.dense() for p in params]
        self.steps = [p.steps() if d else c_steps(p.shape) for p, d in zip(params, self.dense, strict=True)]
        self.table = make_table([p.size for p in params], len(rule.states))
        self.table[:-1, P] = [p.address for p in params]
        line = LINE // dtype.itemsize
        self.starts = np.cumsum(np.append(0, -(-self.table[:-1, SIZE] // line) * line))
        self.buffers = [device.zeros(int(self.starts[-1]), dtype) for _ in rule.states]
        for k, buffer in enumerate(self.buffers):
            self.table[:-1, STATE + k] = device.address(buffer) + self.starts[:-1] * dtype.itemsize
        self._runners: dict = {}
        self.quick = device.__name__.endswith("cpu") and all(self.dense)
        self._ids = np.array([id(p.array) for p in params], np.int64)
        self._given, self._expected = np.empty_like(self._ids), headers.describe(params)

    def begin(self, groups: list[int]) -> None:
        """Count the steps from 0; `groups` holds the group of each array."""
        self.cohorts, self.table[:-1, ROW] = _cohorts(groups, [0] * len(groups))
        self._size_coefficients()

    def counts(self) -> list[int]:
        """How many steps each array has taken."""
        return [self.cohorts[row][1] for row in self.table[:-1, ROW]]

    def _size_coefficients(self):
        width = 3 + self.rule.coefs
        self.coef = np.zeros((len(self.cohorts), width), self.dtype)
        row = struct.Struct(f"{width}{self.dtype.char}")
        self._pack, self._width = row.pack_into, row.size

    def prepare(self, grads: list, scale: float, groups: list, stream: Any) -> tuple:
        """All of a step that may fail, and nothing that can be seen: what `commit` needs.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit its parameter, or a parameter is no longer what it was.
        """
        offset = 0
        for group, t in self.cohorts:
            values = groups[group].coefficients(t + 1, scale)
            try:
                self._pack(self.coef, offset, *values)
            except OverflowError:
                raise ValueError(f"step {t + 1}: expected coefficients within {self.dtype}, not {values}") from None
            offset += self._width
        match = headers.trusted() if self.quick else None
        if match is not None:
            if len(grads) == 1:
                self._given[0] = id(grads[0])
            else:
                self._given[:] = np.fromiter(map(id, grads), np.int64, len(grads))
            kind = match(self._ids, self._given, self.table, self._expected)
            if kind >= 0:
                return [(self._runner(kind), self.table)], None, [], grads
        return self._look(grads, stream)

    def _runner(self, kind):
        """The function that updates this batch's arrays from gradients of KINDS[kind]."""
        found = self._runners.get(kind)
        if found is None:
            g_dtype, tiles = headers.KINDS[kind], int(self.table[-1, FIRST])
            states, coefs = len(self.rule.states), self.rule.coefs
            found = self.device.runner(self.rule.update, states, coefs, self.dtype, g_dtype, tiles)
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
            jobs.append((self._runner(headers.KINDS.index(dtype)), part))
        stepped = [i for chosen in rows.values() for i in chosen]
        return jobs, None if len(stepped) == len(grads) else stepped, copies, alive

    def _place(self, found, i, stream, copy=False):
        """The address of an array's numbers in the order of array `i`'s state, and the copy if it is that of one."""
        steps = tuple(0 if n == 1 else step for n, step in zip(found.shape, self.steps[i], strict=True))
        if not copy and (found.size == 0 or found.steps() == steps):
            return found.address, None
        run = self.device.packed(found, self.steps[i], stream)
        return self.device.address(run), run

    def commit(self, jobs: list, stepped: list[int] | None, copies: list, alive: list, stream: Any) -> None:
        """Carry out what `prepare` found possible.

        jobs : functions and the tables that they update
        stepped : the arrays that take the step, None for all of them
        copies : of parameters with gaps, to be copied back
        alive : what the tables hold the addresses of
        """
        for run, table in jobs:
            run(table, self.coef, stream)
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

    def view(self, name: str, i: int) -> Any:
        """The state `name` of array `i`, as an array of the parameter's shape on its device."""
        if name not in self.rule.states:
            return None
        buffer = self.buffers[self.rule.states.index(name)]
        return self.device.view(buffer, int(self.starts[i]), self.params[i].shape, self.steps[i])

    def fill(self, i: int, values: tuple) -> None:
        """Set the state of array `i`, a number or an array for each buffer."""
        if len(values) != len(self.buffers):
            raise ValueError(
                f"start: expected {len(self.buffers)} values ({', '.join(self.rule.states)}), not {values!r}"
            )
        for buffer, value in zip(self.buffers, values, strict=True):
            self.device.fill(buffer, int(self.starts[i]), self.params[i].shape, self.steps[i], value)


def _cohorts(groups, counts):
    """The distinct (group, steps taken), and the index of each array's."""
    pairs = list(zip(groups, counts, strict=True))
    distinct = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    return [list(pair) for pair in distinct], [distinct[pair] for pair in pairs]


assert set(headers.KINDS) == set(GRADIENT_TYPES)
