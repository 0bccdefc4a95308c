"""The CUDA kernels: tiles to blocks. Importing this touches no driver; the first call does."""

import math
import sys
import warnings
from functools import cache, lru_cache

import numpy as np
from numba import config, cuda
from numba.core.errors import TypingError
from numba.extending import overload

from ..arrays import c_steps, layout
from .cpu import HELD, cache_key, kept
from .memory import load, load4, store, store4
from .table import FIRST, ROW, SIZE, STATE, G, P
from .tile import TILE, gather, weight_of, widen

THREADS = 8 if config.ENABLE_CUDASIM else 256
"""Threads in a block; with four weights a thread, 256 carry four tiles at once. The simulator's are Python's."""

BLOCKS = 8
"""Blocks for each multiprocessor, more than fit at once, so that none waits long for the last."""


def loads(address, dtype, like):
    """The numbers of `dtype` that stand from `address` on, as many as `like` has, as a tuple."""
    size = np.dtype(dtype).itemsize
    return tuple([load(address + k * size, dtype) for k in range(len(like))])


def load_each(addresses, offset, dtype):
    """The number at `offset` bytes from each address."""
    return tuple([load(address + offset, dtype) for address in addresses])


def store_each(addresses, offset, dtype, values):
    """Put each value at `offset` bytes from its address."""
    for address, value in zip(addresses, values, strict=True):
        store(address + offset, dtype, value)


def load4_each(addresses, offset, dtype):
    """The four numbers at `offset` bytes from each address."""
    return tuple([load4(address + offset, dtype) for address in addresses])


def store4_each(addresses, offset, dtype, a, b, c, d):
    """Put the first of a, b, c, d at `offset` bytes from the first address, and so on."""
    for k, address in enumerate(addresses):
        store4(address + offset, dtype, (a[k], b[k], c[k], d[k]))


@overload(loads)
def _loads(address, dtype, like):
    last, size = len(like) - 1, dtype.dtype.bitwidth // 8
    if last < 0:
        return lambda address, dtype, like: ()
    return lambda address, dtype, like: loads(address, dtype, like[1:]) + (load(address + last * size, dtype),)


@overload(load_each)
def _load_each(addresses, offset, dtype):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype: ()
    return lambda addresses, offset, dtype: (
        (load(addresses[0] + offset, dtype),) + load_each(addresses[1:], offset, dtype)
    )


@overload(store_each)
def _store_each(addresses, offset, dtype, values):
    if len(addresses) != len(values):
        raise TypingError("update: expected it to return the weight and each state, no more and no less")
    if len(addresses) == 0:
        return lambda addresses, offset, dtype, values: None

    def rest(addresses, offset, dtype, values):
        store(addresses[0] + offset, dtype, values[0])
        store_each(addresses[1:], offset, dtype, values[1:])

    return rest


@overload(load4_each)
def _load4_each(addresses, offset, dtype):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype: ()
    return lambda addresses, offset, dtype: (
        (load4(addresses[0] + offset, dtype),) + load4_each(addresses[1:], offset, dtype)
    )


@overload(store4_each)
def _store4_each(addresses, offset, dtype, a, b, c, d):
    if len(addresses) == 0:
        return lambda addresses, offset, dtype, a, b, c, d: None

    def rest(addresses, offset, dtype, a, b, c, d):
        store4(addresses[0] + offset, dtype, (a[0], b[0], c[0], d[0]))
        store4_each(addresses[1:], offset, dtype, a[1:], b[1:], c[1:], d[1:])

    return rest


def kernel_of(update, states, coefs, dtype, g_dtype):
    """The kernel `(table, coef, rows, tiles)`, addresses and two counts, that carries `update` over a table."""
    weight, size, g_size = weight_of(update), dtype.itemsize, g_dtype.itemsize
    wide = dtype == g_dtype == np.float32
    dtype, g_dtype = dtype.type, g_dtype.type
    like_state, like_coef = (0,) * states, (0,) * (3 + coefs)
    columns, width = 8 * (STATE + states), size * (3 + coefs)
    key = cache_key()

    def kernel(table, coef, rows, tiles):
        key  # noqa: B018 - see cache_key
        tile, end = cuda.blockIdx.x * tiles // cuda.gridDim.x, (cuda.blockIdx.x + 1) * tiles // cuda.gridDim.x
        low, high = 0, rows  # the last row whose first tile is not behind `tile`
        while high - low > 1:
            middle = (low + high) // 2
            if load(table + middle * columns + 8 * FIRST, np.int64) <= tile:
                low = middle
            else:
                high = middle
        at = table + low * columns
        while tile < end:
            first = load(at + 8 * FIRST, np.int64)
            start = (tile - first) * TILE
            n = min((end - first) * TILE, load(at + 8 * SIZE, np.int64)) - start
            g = load(at + 8 * G, np.int64) + start * g_size
            each = (load(at + 8 * P, np.int64),) + loads(at + 8 * STATE, np.int64, like_state)
            c = loads(coef + load(at + 8 * ROW, np.int64) * width, dtype, like_coef)
            begin = 0
            if wide:
                aligned = (each[0] | g) % 16 == 0  # the state always is
                begin = n // 4 * 4 if aligned else 0
                i = 4 * cuda.threadIdx.x
                while i < begin:
                    old = load4_each(each, (start + i) * size, dtype)
                    new = load4(g + i * size, dtype)
                    store4_each(
                        each,
                        (start + i) * size,
                        dtype,
                        weight(old[0][0], new[0], gather(old[1:], 0), c[0], c[1], c[2], c[3:]),
                        weight(old[0][1], new[1], gather(old[1:], 1), c[0], c[1], c[2], c[3:]),
                        weight(old[0][2], new[2], gather(old[1:], 2), c[0], c[1], c[2], c[3:]),
                        weight(old[0][3], new[3], gather(old[1:], 3), c[0], c[1], c[2], c[3:]),
                    )
                    i += 4 * cuda.blockDim.x
            i = begin + cuda.threadIdx.x
            while i < n:
                old = load_each(each, (start + i) * size, dtype)
                gradient = widen(load(g + i * g_size, g_dtype), dtype)
                store_each(each, (start + i) * size, dtype, weight(old[0], gradient, old[1:], c[0], c[1], c[2], c[3:]))
                i += cuda.blockDim.x
            at += columns
            tile = load(at + 8 * FIRST, np.int64)

    return kernel


SIGNATURE = "void(int64, int64, int64, int64)"


@cache
def build(update, states, coefs, dtype, g_dtype):
    """The kernel, compiled, and kept in Numba's disk cache."""
    kernel = kernel_of(update, states, coefs, dtype, g_dtype)
    return kept(lambda cached: cuda.jit(SIGNATURE, cache=cached)(kernel))


def runner(update, states, coefs, dtype, g_dtype, tiles):
    """The function `(table, coef, stream)` that updates every row of a table in one launch."""
    kernel = build(update, states, coefs, dtype, HELD.get(g_dtype, g_dtype))
    blocks = max(1, min(tiles, BLOCKS * multiprocessors()))
    tables, rows = Mirror(), Mirror()

    def run(table, coef, stream):
        at, on = tables.of(table, stream), rows.of(coef, stream)
        launcher(kernel, blocks, stream)(at, on, table.shape[0] - 1, int(table[-1, FIRST]))

    return run


@lru_cache(64)
def launcher(kernel, blocks, stream):
    """The kernel, ready to launch. Numba warns of a grid that leaves the device idle; small work needs no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kernel[blocks, THREADS, stream]


class Mirror:
    """A copy on the device of an array on the host, sent again when that changed."""

    def __init__(self):
        self._sent = self._copy = self._address = None

    def of(self, array, stream):
        """The address of the copy."""
        if self._copy is None or self._copy.shape != array.shape:
            self._copy = cuda.to_device(array, stream=stream)
            self._address = layout(self._copy).address
        elif np.array_equal(self._sent, array):
            return self._address
        else:
            self._copy.copy_to_device(array, stream=stream)
        self._sent = array.copy()
        return self._address


def multiprocessors():
    """How many multiprocessors the device has; the simulator has one."""
    return 1 if config.ENABLE_CUDASIM else cuda.get_current_device().MULTIPROCESSOR_COUNT


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
        cuda.synchronize()  # the first step may run on a stream that does not wait for this one


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
    strides = tuple(step * dtype.itemsize for step in steps)
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


def unpack(run, found, steps, stream=0):
    """Copy the numbers of a run back into the array."""
    strides = [step * found.dtype.itemsize for step in steps]
    _copy(found.address, address(run), found.strides, strides, found.shape, found.dtype, stream)


def fill(buffer, start, shape, steps, value):
    """Put `value`, a number or an array of `shape`, into a part of a buffer."""
    run = np.empty(math.prod(shape), buffer.dtype)
    strides = tuple(step * run.itemsize for step in steps)
    np.lib.stride_tricks.as_strided(run, shape, strides)[...] = value
    if run.size:
        buffer[start : start + run.size].copy_to_device(run)


def on_host(found):
    """The array in NumPy."""
    return packed(found, c_steps(found.shape)).copy_to_host()[: found.size].reshape(found.shape)
