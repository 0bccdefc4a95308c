"""CUDA: kernels launched, and memory of the device held. Importing this touches no driver; the first call does."""

import math
import sys
import warnings
from functools import cache, lru_cache, partial

import numpy as np
from numba import config, cuda

from ..arrays import c_steps, layout, strides_of
from ..threads import uninterrupted
from .cache import kept
from .cuda_norm import squares_kernel
from .cuda_plain import plain_kernel
from .cuda_small import small_kernel, teams_of
from .memory import load, store
from .norm import folder
from .table import FIRST, HELD, STATE

THREADS = 8 if config.ENABLE_CUDASIM else 256
"""Threads in a block; with four weights a thread, 256 carry four tiles at once. The simulator's are Python's."""

BLOCKS = 8
"""Blocks for each multiprocessor, more than fit at once, so that none waits long for the last."""


SIGNATURE = "void(int64, int64, int64, int64, int64)"


@cache
def build(update, storage, coefs, dtype, g_dtype):
    """The kernel, compiled, and kept in Numba's disk cache."""
    kernel = kernel_of(update, storage, coefs, dtype, g_dtype)
    return kept(lambda cached: cuda.jit(SIGNATURE, cache=cached)(kernel))


def kernel_of(update, storage, coefs, dtype, g_dtype):
    """The kernel `(table, coef, rows, tiles, step)`: the addresses of a table and its coefficients, and counts."""
    if storage.codecs:
        return small_kernel(update, storage, coefs, dtype, g_dtype, THREADS)
    return plain_kernel(update, storage.states, coefs, dtype, g_dtype)


def runner(update, storage, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, clock, stream)` that makes the job of updating every row of a table in one launch."""
    kernel = build(update, storage, coefs, dtype, HELD.get(g_dtype, g_dtype))
    tables, rows, at_once = Mirror(), Mirror(), teams_of(THREADS) if storage.codecs else 1

    def run(table, coef, clock, stream):
        at, counts = tables.of(table, stream), (table.shape[0] - 1, int(table[-1, FIRST]))
        rows.fit(coef)
        launch = launcher(kernel, blocks_for(tiles, at_once), stream)
        return lambda: launch(at, rows.of(coef, stream), *counts, int(clock[0]))

    return run


def blocks_for(tiles, at_once=1):
    """How many blocks carry so many tiles, of which each takes some at once."""
    return max(1, min(-(-tiles // at_once), BLOCKS * multiprocessors()))


def carry_out(jobs):
    """Run all jobs; Ctrl-C waits for the last."""
    with uninterrupted():
        for job in jobs:
            job()


def squares(table, coef, dtype, g_dtype, stream):
    """For each row of a table the sum of the squares of its gradients, and what is not finite among them.

    Each gradient is multiplied by `coef[row, 0]` and clipped to `coef[row, 1]`. The bits do not depend on the grid.
    """
    tiles, rows = int(table[-1, FIRST]), len(table) - 1
    parts, sums = np.empty((tiles, 2)), np.empty((rows, 2))
    if tiles:
        found, tables, limits = cuda.device_array((tiles, 2), np.float64), Mirror(), Mirror()
        launch = launcher(_build_squares(dtype, HELD.get(g_dtype, g_dtype)), blocks_for(tiles), stream)
        at, on = tables.of(np.ascontiguousarray(table[:, :STATE]), stream), limits.of(coef, stream)
        launch(at, on, rows, tiles, address(found))
        found.copy_to_host(parts, stream=stream)
        synchronize()
    folder()(table, parts, sums)
    return sums


@cache
def _build_squares(dtype, g_dtype):
    kernel = squares_kernel(dtype, g_dtype, THREADS)
    return kept(lambda cached: cuda.jit(SIGNATURE, cache=cached)(kernel))


@lru_cache(64)
def launcher(kernel, blocks, stream):
    """The kernel, ready to launch. Numba warns of a grid that leaves the device idle; small work needs no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kernel[blocks, THREADS, stream]


class Mirror:
    """A copy on the device of an array on the host, sent again when that changed."""

    def __init__(self):
        self._sent = self._copy = None

    def fit(self, array):
        """Make room for the array."""
        if self._copy is None or self._copy.shape != array.shape:
            # Bound to no stream, unlike what to_device makes: else later copies would go to the first one's.
            self._copy, self._sent = cuda.device_array(array.shape, array.dtype), None

    def of(self, array, stream):
        """The address of the copy."""
        self.fit(array)
        if self._sent is None or not np.array_equal(self._sent, array):
            self._copy.copy_to_device(array, stream=stream)
            self._sent = array.copy()
        return address(self._copy)


def multiprocessors():
    """How many multiprocessors the device has; the simulator has one."""
    return 1 if config.ENABLE_CUDASIM else cuda.get_current_device().MULTIPROCESSOR_COUNT


def match():
    """None: device arrays are asked one by one where they lie."""
    return None


def synchronize():
    """Wait for the device: what was begun on one stream may be needed on another that does not wait for it."""
    cuda.synchronize()


NO_STREAM = 0
"""What a step without a stream of its own runs on."""


def stream_of(array, stream):
    """The stream that was given, or else the one on which the owner of `array` works."""
    if config.ENABLE_CUDASIM:
        return 0
    if stream is None:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(array, torch.Tensor):
            stream = torch.cuda.current_stream(array.device)
        else:
            stream = array.__cuda_array_interface__.get("stream") or 0
    stream = getattr(stream, "cuda_stream", getattr(stream, "ptr", stream))  # PyTorch's, CuPy's
    return _external(stream) if isinstance(stream, int) and stream else stream


@lru_cache(64)
def _external(handle):
    return cuda.external_stream(handle)


def zeros(n, dtype):
    """A buffer of `n` zeros on the device."""
    buffer = cuda.device_array(max(n, 1), dtype)
    clear(buffer)
    return buffer


def clear(buffer):
    """Make a buffer zero."""
    if config.ENABLE_CUDASIM:
        buffer._ary[...] = 0
    else:
        cuda.cudadrv.driver.device_memset(buffer, 0, buffer.nbytes)


def address(buffer):
    """Where a buffer starts."""
    return layout(buffer).address


class Strided:
    """A view of device memory, for `cuda.as_cuda_array`; it keeps the memory's owner alive."""

    def __init__(self, owner, address, shape, strides, dtype):
        self.owner = owner
        self.__cuda_array_interface__ = {
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "data": (address, False),
            "version": 3,
        }


def view(buffer, start, shape, steps):
    """A device array of this shape, with strides of `steps` numbers, in `buffer` from element `start` on."""
    dtype = buffer.dtype
    strides = strides_of(shape, steps, dtype.itemsize)
    if config.ENABLE_CUDASIM:
        return type(buffer)(np.lib.stride_tricks.as_strided(buffer._ary[start:], shape, strides))
    where = address(buffer) + start * dtype.itemsize
    return cuda.as_cuda_array(Strided(buffer, where, shape, strides, dtype))


@cache
def _copier(dtype):
    """The kernel that copies numbers of `dtype` from one strided array to another."""
    word = np.dtype(f"u{dtype.itemsize}").type

    def kernel(target, source, target_strides, source_strides, shape, n):
        i = cuda.grid(1)
        while i < n:
            rest, to, of = i, 0, 0
            for axis in range(len(shape) - 1, -1, -1):
                k = rest % shape[axis]
                rest //= shape[axis]
                to += k * target_strides[axis]
                of += k * source_strides[axis]
            store(target + to, word, load(source + of, word))
            i += cuda.gridsize(1)

    return cuda.jit(kernel)


def _copy(target, source, target_strides, source_strides, shape, dtype, stream):
    n = math.prod(shape)
    if n:
        blocks = max(1, min(-(-n // THREADS), BLOCKS * multiprocessors()))
        if not shape:  # a kernel takes no empty tuple
            shape, target_strides, source_strides = (1,), (0,), (0,)
        copy = launcher(_copier(dtype), blocks, stream)
        copy(target, source, tuple(target_strides), tuple(source_strides), shape, n)


def packed(found, steps, stream=0):
    """The numbers of an array, copied into one run in the order of `steps`."""
    run, strides = cuda.device_array(max(found.size, 1), found.dtype), [step * found.dtype.itemsize for step in steps]
    _copy(address(run), found.address, strides, found.strides, found.shape, found.dtype, stream)
    return run


def unpacking(run, found, steps, stream=0):
    """The job of copying the numbers of a run back into the array."""
    strides = [step * found.dtype.itemsize for step in steps]
    return partial(_copy, found.address, address(run), found.strides, strides, found.shape, found.dtype, stream)


def fill(buffer, start, shape, steps, value):
    """Put `value`, a number or an array of `shape`, into a part of a buffer."""
    run = np.empty(math.prod(shape), buffer.dtype)
    strides = tuple(step * run.itemsize for step in steps)
    np.lib.stride_tricks.as_strided(run, shape, strides)[...] = value
    put(buffer, start, run)


def copied(buffer, start, n):
    """A copy of a part of a buffer."""
    copy = cuda.device_array(max(n, 1), buffer.dtype)
    if n:
        copy[:n].copy_to_device(buffer[start : start + n])
    return copy


def fetched(buffer, start, n):
    """A copy of a part of a buffer, in NumPy."""
    return buffer[start : start + n].copy_to_host() if n else np.empty(0, buffer.dtype)


def put(buffer, start, run):
    """Copy a NumPy array into a part of a buffer."""
    if run.size:
        buffer[start : start + run.size].copy_to_device(run)


def frozen(array):
    """The array: Numba's cannot be protected from being written to."""
    return array


def on_host(found):
    """The array in NumPy."""
    return packed(found, c_steps(found.shape)).copy_to_host()[: found.size].reshape(found.shape)
