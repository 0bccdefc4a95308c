"""The state of a batch: one flat buffer for each stream that is written, in which every array has its part."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..devices.device import Device
from ..kernels.codecs import head_at
from ..kernels.streams import Storage
from ..kernels.table import FIRST, LINE, NO_CLOCK, STATE, G, P, make_table
from ..kernels.weight import AROUND, TILE
from ..layout import Layout, complex_of, layout
from ..threads import STEPPING


class State:
    """Buffers on a device for arrays of the given layouts, whose numbers stand there in the order of `steps`.

    Each array's part starts on a cache line. Where a state is quantized, it holds codes, and behind them the headers of
    their blocks.
    """

    def __init__(self, device: Device, storage: Storage, params: list[Layout], steps: list[tuple[int, ...]]):
        self.device, self.storage, self.params, self.steps = device, storage, params, steps
        self.starts, self.buffers = np.zeros((len(storage.written), len(params)), np.int64), []
        for codec, starts in zip(storage.written, self.starts, strict=True):
            line = LINE // codec.item.itemsize
            ends = np.cumsum([0] + [-(-codec.items(p.size) // line) * line for p in params])
            starts[:] = ends[:-1]
            self.buffers.append(device.zeros(int(ends[-1]), codec.item))

    @property
    def addresses(self) -> np.ndarray:
        """Where the parts start: a row an array, a column a buffer."""
        firsts = np.array([self.device.address(buffer) for buffer in self.buffers], np.int64)
        return firsts + self.starts.T * np.array([codec.item.itemsize for codec in self.storage.written], np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.nbytes for buffer in self.buffers)

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """Where each buffer starts, and the address behind it."""
        starts = [self.device.address(buffer) for buffer in self.buffers]
        return [(start, start + buffer.nbytes) for start, buffer in zip(starts, self.buffers, strict=True)]

    def clearing(self) -> list[Callable[[], Any]]:
        """The jobs of making all state zero."""
        return [self.device.clearing(buffer) for buffer in self.buffers]

    def read(self, k: int, i: int) -> Any:
        """State `k` of array `i` on its device, in that array's shape: a view, or decoded where it is quantized."""
        if not self.storage.codecs[k].coded:
            return self._view(i, self.buffers[k], int(self.starts[k, i]))
        self.device.synchronize()  # a step may be under way on another stream
        # A copy is read: a kernel encodes what it decodes, and to round again could change the state.
        size, start = self.params[i].size, int(self.starts[k, i])
        codes = self.device.copied(self.buffers[k], start, self.storage.codecs[k].items(size))
        found = self._run(decode, k, i, self.device.zeros(size, FLOAT32), self.device.address(codes))
        return self.device.frozen(self._view(i, found, 0))

    def _view(self, i, buffer, start):
        """Numbers of a buffer as an array like array `i`, complex if that is so."""
        found, steps = self.params[i], self.steps[i]
        if not found.complex:
            return self.device.view(buffer, start, found.shape, steps)
        whole = tuple(step // 2 for step in steps[:-1])
        return self.device.view(buffer, start, found.given_shape, whole, complex_of(buffer.dtype))

    def writing(self, k: int, i: int, value: Any) -> Callable[[], Any]:
        """The job of putting `value`, a number or an array of its shape, into state `k` of array `i`.

        Quantized state is rounded to the nearest.
        """
        shape, steps, start, codec = self.params[i].shape, self.steps[i], int(self.starts[k, i]), self.storage.codecs[k]
        if not codec.coded:
            return self.device.filling(self.buffers[k], start, shape, steps, value)
        items = codec.items(self.params[i].size)
        values, codes = self.device.zeros(self.params[i].size, FLOAT32), self.device.zeros(items, codec.item)
        self.device.filling(values, 0, shape, steps, value)()
        self._run(encode, k, i, values, self.device.address(codes))
        return self.device.putting(self.buffers[k], start, codes, items)

    def memory(self, k: int, i: int) -> Any:
        """State `k` of array `i` as it is held: flat items, a view, with the headers of blocks behind the codes."""
        start = int(self.starts[k, i])
        return self.buffers[k][start : start + self.storage.codecs[k].items(self.params[i].size)]

    def copying(self, k: int, i: int, items: np.ndarray, where: str) -> Callable[[], Any]:
        """The job of putting a copy of what `memory` gave into state `k` of array `i`.

        Raises
        ------
        ValueError
            It is of another size; the message begins with `where`.
        """
        expected = self.storage.codecs[k].items(self.params[i].size)
        if items.shape != (expected,):
            raise ValueError(f"{where}: expected codes and headers of {expected} bytes, not shape {items.shape}")
        return self.device.putting(self.buffers[k], int(self.starts[k, i]), items, expected)

    def expected(self, k: int, i: int) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """The shape and dtype of what `saved` gives, which is one array if the only name is empty."""
        found, codec = self.params[i], self.storage.codecs[k]
        if not codec.headed:
            return {"": (found.shape, codec.item)}
        order, blocks = ((len(found.shape),), np.dtype(np.int64)), -(-found.size // TILE)
        return {
            "codes": (found.shape, codec.item),
            "headers": ((blocks,), np.dtype(np.uint32)),
            "order": order,
        }

    def saved(self, k: int, i: int) -> dict[str, np.ndarray]:
        """State `k` of array `i` as it is held, in NumPy.

        Numbers and codes have the array's shape. Where blocks of codes have headers, these are apart, in the order of
        the memory, which is that of the steps (strides in numbers) under "order".
        """
        found, steps, codec = self.params[i], self.steps[i], self.storage.codecs[k]
        run = self.device.fetched(self.buffers[k], int(self.starts[k, i]), codec.items(found.size))
        numbers = np.lib.stride_tricks.as_strided(
            run, found.shape, [step * run.itemsize for step in steps], writeable=False
        ).copy("C")
        if not codec.headed:
            return {"": numbers}
        headers = run[head_at(found.size, 0) :].view(np.uint32) if found.size else np.zeros(0, np.uint32)
        return {"codes": numbers, "headers": headers, "order": np.array(steps, np.int64)}

    def reordered(self, k: int, i: int, saved: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What `saved` gave of an array whose memory was in another order, in the order of this one.

        The blocks are others then: its values are rounded anew.
        """
        found, steps = self.params[i], tuple(saved.get("order", self.steps[i]))
        if not found.size or steps == tuple(self.steps[i]):
            return saved
        storage = self.storage.only((k,))
        there, here = (State(self.device, storage, [found], [order]) for order in (steps, self.steps[i]))
        for job in there.restoring(0, 0, saved):
            job()
        values = layout(there.read(0, 0))
        here.writing(0, 0, self.device.on_host(values.in_parts if found.complex else values))()
        return here.saved(0, 0)

    def restoring(self, k: int, i: int, saved: dict[str, np.ndarray]) -> list[Callable[[], Any]]:
        """The jobs of putting what `saved` gave, in the order of this array, into state `k` of array `i`."""
        found, buffer, start, codec = self.params[i], self.buffers[k], int(self.starts[k, i]), self.storage.codecs[k]
        numbers = saved["codes" if codec.headed else ""]
        jobs = [self.device.filling(buffer, start, found.shape, self.steps[i], numbers)]
        if codec.headed and found.size:
            run = np.ascontiguousarray(saved["headers"]).view(codec.item)
            jobs.append(self.device.putting(buffer, start + int(head_at(found.size, 0)), run, run.size))
        return jobs

    def exchanging(self, k: int, which: list[int]) -> list[Callable[[], Any]]:
        """The jobs of exchanging stream `k` of some arrays, which is held as it is, and their weights."""
        sizes = [self.params[i].size for i in which]
        scratch = self.device.zeros(max(sizes), self.storage.codecs[k].item)
        jobs = []
        for i in which:
            there = self.buffers[k], int(self.starts[k, i]), self.steps[i]
            jobs += self.device.exchanging(self.params[i], *there, scratch)
        return jobs

    def _run(self, update, k, i, weights, codes):
        """Run a rule without coefficients over weights, which are the gradients too, and the codes at an address."""
        size = self.params[i].size
        table = make_table([size], 1)
        table[0, [P, G]] = self.device.address(weights)
        table[0, STATE] = codes
        storage = Storage(self.storage.streams[k : k + 1])
        with STEPPING:
            run = self.device.runner(update, storage, 0, FLOAT32, FLOAT32, int(table[-1, FIRST]))
            coef, rows = self.device.rows(1, AROUND, FLOAT32)
            coef[0] = 1, 0, 1, np.inf, 1, -np.inf, np.inf, 1
            run(table, rows, NO_CLOCK, self.device.NO_STREAM)()
            self.device.synchronize()
        return weights


FLOAT32 = np.dtype(np.float32)


def decode(p, g, s, /):
    """The rule that makes the weights what the state says."""
    return s, s


def encode(p, g, s, /):
    """The rule that makes the state what the gradients say."""
    return p, g
