"""The state of a batch: one flat buffer for each name, in which every array has its part."""

from types import ModuleType
from typing import Any

import numpy as np

from .arrays import Layout
from .kernels.storage import Storage
from .kernels.table import FIRST, LINE, STATE, G, P, make_table


class State:
    """Buffers on a device for arrays of the given layouts, whose numbers stand there in the order of `steps`.

    Each array's part starts on a cache line. Where the state is small, it holds codes, and behind them the headers
    of their blocks.
    """

    def __init__(self, device: ModuleType, storage: Storage, params: list[Layout], steps: list[tuple[int, ...]]):
        self.device, self.storage, self.params, self.steps = device, storage, params, steps
        line = LINE // storage.item.itemsize
        ends = np.cumsum([0] + [-(-storage.items(p.size) // line) * line for p in params])
        self.starts = ends[:-1]
        self.buffers = [device.zeros(int(ends[-1]), storage.item) for _ in range(storage.states)]

    @property
    def addresses(self) -> np.ndarray:
        """Where the parts start: a row an array, a column a buffer."""
        firsts = np.array([self.device.address(buffer) for buffer in self.buffers], np.int64)
        return firsts + self.starts[:, None] * self.storage.item.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.nbytes for buffer in self.buffers)

    def clear(self) -> None:
        """Make all state zero."""
        for buffer in self.buffers:
            self.device.clear(buffer)

    def read(self, k: int, i: int) -> Any:
        """State `k` of array `i` on its device, in that array's shape: a view, or where it is small what it says."""
        shape, steps, start = self.params[i].shape, self.steps[i], int(self.starts[i])
        if not self.storage.codes:
            return self.device.view(self.buffers[k], start, shape, steps)
        items = self.storage.items(self.params[i].size)
        found = self._run(opened, k, i, self.device.copied(self.buffers[k], start, items), None)
        return self.device.frozen(self.device.view(found, 0, shape, steps))

    def write(self, k: int, i: int, value: Any) -> None:
        """Put `value`, a number or an array of its shape, into state `k` of array `i`."""
        shape, steps, start = self.params[i].shape, self.steps[i], int(self.starts[i])
        if self.storage.codes:
            self._run(closed, k, i, None, value)
        else:
            self.device.fill(self.buffers[k], start, shape, steps, value)

    def _run(self, rule, k, i, codes, value):
        """Run a rule of no coefficients over state `k` of array `i`, or a copy of it; returns the weights."""
        size, float32 = self.params[i].size, np.dtype(np.float32)
        weights = self.device.zeros(size, float32)
        if value is not None:
            self.device.fill(weights, 0, self.params[i].shape, self.steps[i], value)
        table = make_table([size], 1)
        table[0, [P, G]] = self.device.address(weights)
        table[0, STATE] = self.addresses[i, k] if codes is None else self.device.address(codes)
        storage = Storage(self.storage.item, 1, self.storage.codes[k : k + 1])
        run = self.device.runner(rule, storage, 0, float32, float32, int(table[-1, FIRST]))
        run(table, np.array([[1, 0, 1]], float32), 0, self.device.NO_STREAM)
        self.device.synchronize()
        return weights


def opened(p, g, s, /):
    """The rule that makes the weights what the state says."""
    return s, s


def closed(p, g, s, /):
    """The rule that makes the state what the gradients say."""
    return p, g
