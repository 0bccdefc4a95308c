"""Launches on CUDA: grids and streams, and what a kernel is told by arrays that lie on the device."""

import sys
from functools import cache, lru_cache

import numpy as np
from numba import config, cuda

from ..kernels.cuda import THREADS
from ..kernels.weight import HEAD
from ..layout import layout
from .cuda_driver import attach, captured, handle_of, prepared, send

BLOCKS = 16
"""Blocks for each multiprocessor, several times as many as fit at once, so that none waits long for the last."""


def blocks_for(tiles):
    """How many blocks carry so many tiles."""
    return max(1, min(tiles, BLOCKS * multiprocessors(attach())))


@cache
def multiprocessors(context):
    """How many multiprocessors the device has, which is current; the simulator has one."""
    return 1 if config.ENABLE_CUDASIM else cuda.get_current_device().MULTIPROCESSOR_COUNT


@lru_cache(256)
def launcher(kernel, blocks, stream, context):
    """The function that launches a compiled kernel, on the current device, with the integers that it is given."""
    return prepared(kernel, blocks, THREADS, stream)


def address(buffer):
    """Where a buffer starts."""
    return layout(buffer).address


class Mirror:
    """A copy on the device of an array on the host, sent again when that changed."""

    def __init__(self):
        self._sent, self._copy, self._retained, self._alive = None, None, False, []

    def retain(self):
        """From now on leave what was sent as it is, and alive: a graph reads it. What changes is sent elsewhere."""
        if self._copy is not None and not self._retained:
            self._alive.append(self._copy)
            self._retained = True

    def fit(self, array):
        """Make room for the array; the address of that."""
        copy = self._copy
        if copy is None or self._retained or copy.size < array.size or copy.shape[1:] != array.shape[1:]:
            # Bound to no stream, unlike what to_device makes: else later copies would go to the first one's.
            self._copy, self._sent, self._retained = cuda.device_array(array.shape, array.dtype), None, False
            self._address = address(self._copy)
        return self._address

    def of(self, array, stream):
        """The address of the copy.

        Raises
        ------
        RuntimeError
            The array changed while the stream is captured into a graph.
        """
        now = array.tobytes()
        if self._sent != now:
            refuse_captured(stream)
            self.fit(array)
            send(array, self._copy, self._address, stream)
            self._sent = now
        return self._address


class Rows:
    """Room for so many rows of coefficients of a batch on the device.

    Before them stands their head: how many steps were taken before, whether this one is, and where sums of tiles go.

    The host fills in `coef` and sends it, or where the rows are `on_device` a kernel writes them there.
    """

    def __init__(self, count, width, dtype):
        self._width, self.count = width * dtype.itemsize, count
        self._host = np.zeros(HEAD + count * self._width, np.uint8)
        self._head = self._host[:HEAD].view(np.int64)
        self._head[1] = 1
        self.coef = self._host[HEAD:].view(dtype).reshape(count, width)
        self._mirror, self.on_device = Mirror(), False
        self.address = self._mirror.fit(self._host)

    def point(self, sums):
        """Let the head on the device say where sums of tiles go."""
        self._head[2] = sums
        copy = self._mirror._copy
        copy[:HEAD].copy_to_device(self._host[:HEAD])

    def send(self, step, stream):
        """Send the rows, as the host has them for a step."""
        if not self.on_device:
            self._head[0] = step
            self._mirror.of(self._host[: HEAD + self.count * self._width], stream)


def stream_of(array, stream):
    """The stream that was given, or else the one on which the framework of `array` works."""
    if config.ENABLE_CUDASIM:
        return 0
    if stream is None:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(array, torch.Tensor):
            stream = torch.cuda.current_stream(array.device)
        else:
            stream = array.__cuda_array_interface__.get("stream") or 0
    if isinstance(stream, cuda.cudadrv.driver.Stream):
        return stream
    try:
        return _external(handle_of(stream))
    except (TypeError, ValueError):
        raise TypeError(
            f"step: expected a stream of Numba, CuPy, PyTorch or CUDA's protocol, or a handle, not {stream!r}"
        ) from None


@lru_cache(64)
def _external(handle):
    return cuda.external_stream(handle) if handle else 0


def refuse_captured(stream):
    """Raise RuntimeError while a stream is captured into a graph, which could not hold a copy from the host."""
    if captured(stream):
        raise RuntimeError(
            "step: expected what a captured step reads to be on the device: make the optimizer with capturable=True, "
            "and take one step before the capture, with the same gradients, scale and limits"
        )
