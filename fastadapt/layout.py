"""Layouts: what the memory of an array looks like, and whether a kernel can walk it as one run."""

import math
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import config

PARAMETER_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
FLOAT16, BFLOAT16 = np.dtype(np.float16), np.dtype([("bfloat16", np.uint16)])
"""Types of 16 bits; the latter is a float32's upper half, and NumPy knows only its bits."""
NARROW_TYPES = FLOAT16, BFLOAT16
GRADIENT_TYPES = (*PARAMETER_TYPES, *NARROW_TYPES)
COMPLEX_TYPES = (np.dtype(np.complex64), np.dtype(np.complex128))
"""The types of complex numbers whose parts are of `PARAMETER_TYPES`, in their order."""


@dataclass(slots=True, eq=False)
class Layout:
    """Where an array lies: address in bytes, shape, strides in bytes, dtype; on the CPU or on a GPU.

    For all but itself a complex array is one of its parts, with a last axis for the real and the imaginary one.
    """

    array: Any
    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    writeable: bool
    cuda: bool
    complex: bool = False
    """Whether its array is complex, and this is the layout of the parts."""

    @property
    def in_parts(self) -> "Layout":
        """The layout of the parts of a complex array."""
        dtype = PARAMETER_TYPES[COMPLEX_TYPES.index(self.dtype)]
        shape, strides = (*self.shape, 2), (*self.strides, dtype.itemsize)
        return replace(self, shape=shape, strides=strides, dtype=dtype, complex=True)

    @property
    def twice(self) -> "Layout":
        """The layout of an array with each number for both parts of a complex one, by a last axis of stride 0."""
        return replace(self, shape=(*self.shape, 2), strides=(*self.strides, 0))

    @property
    def given_shape(self) -> tuple[int, ...]:
        """The shape of the array itself."""
        return self.shape[:-1] if self.complex else self.shape

    @property
    def given_dtype(self) -> np.dtype:
        """The dtype of the array itself."""
        return complex_of(self.dtype) if self.complex else self.dtype

    @property
    def computed(self) -> np.dtype:
        """The type in which a step computes with its numbers."""
        return np.dtype(np.float32) if self.dtype in NARROW_TYPES else self.dtype

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of an array on the CPU as a NumPy array with this layout."""
        array = self.array if is_plain(type(self.array)) else self._seen()
        if array.shape == self.shape:
            return array
        return np.lib.stride_tricks.as_strided(np.asarray(array).real, self.shape, self.strides)

    def _seen(self):
        """The memory of a tensor as a NumPy array, which keeps it alive."""
        given = (
            self
            if not self.complex
            else replace(self, shape=self.given_shape, strides=self.strides[:-1], dtype=self.given_dtype, complex=False)
        )
        array = np.asarray(SimpleNamespace(__array_interface__=given.interface, owner=self.array))
        return array.view(given.dtype) if given.dtype == BFLOAT16 else array

    @property
    def size(self) -> int:
        """How many numbers there are in it."""
        return math.prod(self.shape)

    @property
    def device(self) -> str:
        """What to call the place where it lies."""
        return "CUDA" if self.cuda else "CPU"

    def same(self, other: "Layout") -> bool:
        """Whether the other array is the same memory, read in the same way."""
        there = self.address == other.address or not self.size  # PyTorch gives that of an empty one as it likes
        return there and (self.shape, self.strides, self.dtype) == (other.shape, other.strides, other.dtype)

    def __str__(self) -> str:
        return f"shape {self.shape} of {name_of(self.dtype)} with strides {self.strides} at {self.address:#x}"

    @property
    def interface(self) -> dict[str, Any]:
        """What `__array_interface__` or `__cuda_array_interface__` says of such an array."""
        data = (self.address, not self.writeable)
        return {"data": data, "shape": self.shape, "strides": self.strides, "typestr": self.dtype.str, "version": 3}

    def steps(self) -> tuple[int, ...] | None:
        """Strides in numbers, 0 along an axis of length one, where they mean nothing; None if it is not aligned."""
        size = self.dtype.itemsize
        strides = [0 if n == 1 else stride for n, stride in zip(self.shape, self.strides, strict=True)]
        if self.address % size or any(stride % size for stride in strides):
            return None
        return tuple(stride // size for stride in strides)

    def dense(self) -> bool:
        """Whether it is one run of memory without gaps, in whatever order of axes."""
        run = self.address, self.address + self.size * self.dtype.itemsize
        return self.steps() is not None and (not self.size or (self.bounds() == run and not self.overlaps_itself()))

    def order(self) -> tuple[int, ...]:
        """Strides in numbers of the run in which a step goes through it: those of a C-ordered array if it has gaps."""
        return self.steps() if self.dense() else c_steps(self.shape)

    def overlaps_itself(self) -> bool:
        """Whether two of its elements may share memory, as in a broadcast array."""
        extent = self.dtype.itemsize if self.size else 0
        for stride, n in sorted((abs(s), n) for s, n in zip(self.strides, self.shape, strict=True)):
            if n > 1:
                if stride < extent:
                    return True
                extent = stride * (n - 1) + extent
        return False

    def bounds(self) -> tuple[int, int]:
        """First address and the one behind the last."""
        reach = [stride * (n - 1) for stride, n in zip(self.strides, self.shape, strict=True)]
        low = self.address + sum(step for step in reach if step < 0)
        return low, self.address + sum(step for step in reach if step > 0) + self.dtype.itemsize


def complex_of(dtype: np.dtype) -> np.dtype:
    """The type of complex numbers whose parts are of a dtype."""
    return COMPLEX_TYPES[PARAMETER_TYPES.index(dtype)]


def parts_of(array: np.ndarray) -> np.ndarray:
    """The real and imaginary parts of a complex array, in its memory, with a last axis for them; else the array."""
    return layout(array).in_parts.numbers if array.dtype in COMPLEX_TYPES else array


def c_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in numbers, of a C-ordered array."""
    return tuple(0 if n == 1 else math.prod(shape[axis + 1 :]) for axis, n in enumerate(shape))


def strides_of(shape: tuple[int, ...], steps: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Strides in bytes for strides in numbers; along an axis of length one, what a C-ordered array has there."""
    found = list(steps)
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            found[axis] = found[axis + 1] * shape[axis + 1] if axis + 1 < len(shape) else 1
    return tuple(step * itemsize for step in found)


def is_plain(kind: type) -> bool:
    """Whether arrays of this type are NumPy's, and their memory says all of them."""
    return issubclass(kind, np.ndarray) and not issubclass(kind, np.ma.MaskedArray)


def is_tensor(array: Any) -> bool:
    """Whether it is one of PyTorch's tensors on the CPU, whose memory is all that it is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor) and array.device.type == "cpu"


TENSOR_TYPES = {f"torch.{kind}": kind for kind in (*PARAMETER_TYPES, FLOAT16, *COMPLEX_TYPES)}
TENSOR_TYPES["torch.bfloat16"] = BFLOAT16
"""The types of PyTorch's tensors that can be read."""


def widened(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 16 bits as float32; others as they are."""
    if numbers.dtype == BFLOAT16:
        bits = np.ascontiguousarray(numbers).view(np.uint16).astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32).reshape(numbers.shape)
    return numbers.astype(np.float32) if numbers.dtype == FLOAT16 else numbers


def narrowed(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Numbers of float32 as numbers of 16 bits, the nearest, of two as near the even one."""
    if dtype == FLOAT16:
        with np.errstate(over="ignore"):
            return numbers.astype(FLOAT16)
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    codes = (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
    codes[np.isnan(numbers)] = 0x7FC0
    return codes.astype(np.uint16).view(BFLOAT16).reshape(numbers.shape)


def name_of(dtype: np.dtype) -> str:
    """What to call a type."""
    return "bfloat16" if dtype == BFLOAT16 else str(dtype)


def _of_tensor(tensor):
    """The layout of a tensor on the CPU; None if its memory is not what it is: it is sparse, or of another dtype."""
    dtype = TENSOR_TYPES.get(str(tensor.dtype))
    if dtype is None or str(tensor.layout) != "torch.strided" or tensor.is_conj() or tensor.is_neg():
        return None
    try:  # not of `tensor.numpy()`, which makes the storage one that cannot be resized
        address, size = tensor.data_ptr(), dtype.itemsize
    except RuntimeError:  # one of PyTorch's stand-ins for a tensor, which has no memory
        return None
    if address == 0 and tensor.numel():
        return None
    return Layout(tensor, address, tuple(tensor.shape), tuple(s * size for s in tensor.stride()), dtype, True, False)


def layout(array: Any) -> Layout | None:
    """The layout of a NumPy array, of a tensor on the CPU, or of an array with `__cuda_array_interface__`; None for
    anything else."""
    if is_plain(type(array)):
        writeable = array.flags.writeable
        return Layout(array, array.ctypes.data, array.shape, array.strides, array.dtype, writeable, False)
    if isinstance(array, np.generic):
        return layout(np.asarray(array))
    if is_tensor(array):
        return _of_tensor(array)
    # A PyTorch parameter, which requires a gradient, has an interface only when detached from its graph.
    plain = array.detach() if hasattr(array, "detach") else array
    given = getattr(plain, "__cuda_array_interface__", None)
    if given is None and config.ENABLE_CUDASIM:
        given = _simulated(array)
    if given is None:
        return None
    dtype, shape = np.dtype(given["typestr"]), tuple(given["shape"])
    strides = given.get("strides") or tuple(step * dtype.itemsize for step in c_steps(shape))
    address, frozen = given["data"]
    return Layout(array, address or 0, shape, tuple(strides), dtype, not frozen, True)


def _simulated(array: Any) -> dict | None:
    """What the arrays of Numba's CUDA simulator, which have no interface, would say of themselves."""
    simulator = sys.modules.get("numba.cuda.simulator.cudadrv.devicearray")  # without it there are none
    return array._ary.__array_interface__ if simulator and isinstance(array, simulator.FakeCUDAArray) else None
