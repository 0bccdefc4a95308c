"""Layouts: what the memory of an array looks like, and whether a kernel can walk it as one run."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import config

PARAMETER_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
GRADIENT_TYPES = (*PARAMETER_TYPES, np.dtype(np.float16))


@dataclass(slots=True, eq=False)
class Layout:
    """Where an array lies: address in bytes, shape, strides in bytes, dtype; on the CPU or on a GPU."""

    array: Any
    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    writeable: bool
    cuda: bool

    @property
    def size(self) -> int:
        """How many numbers there are in it."""
        return math.prod(self.shape)

    @property
    def device(self) -> str:
        """What to call the place where it lies."""
        return "CUDA" if self.cuda else "CPU"

    def steps(self) -> tuple[int, ...]:
        """Strides in numbers; 0 along an axis of length one, where a stride means nothing."""
        return tuple(
            0 if n == 1 else stride // self.dtype.itemsize for n, stride in zip(self.shape, self.strides, strict=True)
        )

    def dense(self) -> bool:
        """Whether it is one run of memory without gaps, in whatever order of axes."""
        size = self.dtype.itemsize
        if self.size == 0:
            return True
        for stride, n in sorted(zip(self.strides, self.shape, strict=True)):
            if n > 1:
                if stride != size:
                    return False
                size *= n
        return self.address % self.dtype.itemsize == 0

    def overlaps_itself(self) -> bool:
        """Whether two of its elements may share memory, as in a broadcast array."""
        extent = self.dtype.itemsize
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


def c_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in numbers, of a C-ordered array."""
    return tuple(0 if n == 1 else math.prod(shape[axis + 1 :]) for axis, n in enumerate(shape))


def layout(array: Any) -> Layout | None:
    """The layout of a NumPy array or of one with `__cuda_array_interface__`; None for anything else."""
    if isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray):
        writeable = array.flags.writeable
        return Layout(array, array.ctypes.data, array.shape, array.strides, array.dtype, writeable, False)
    if isinstance(array, np.generic):
        return layout(np.asarray(array))
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
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return array._ary.__array_interface__ if isinstance(array, FakeCUDAArray) else None


def parameter(array: Any, path: str) -> Layout:
    """The layout of a parameter.

    Raises
    ------
    TypeError, ValueError
        It cannot be updated in place.
    """
    found = None if isinstance(array, np.generic) else layout(array)
    if found is None or found.dtype not in PARAMETER_TYPES or not found.dtype.isnative:
        kind = type(array).__name__ if found is None else f"one of {found.dtype}"
        raise TypeError(f"params{path}: expected a NumPy or CUDA array of float32 or float64, not {kind}")
    if not found.writeable:
        raise ValueError(f"params{path}: expected a writeable array, not a read-only one")
    if found.overlaps_itself():
        raise ValueError(
            f"params{path}: expected an array whose elements lie apart, not a broadcast or overlapping one "
            f"(shape {found.shape}, strides {found.strides})"
        )
    return found


def gradient(array: Any, param: Layout, path: str) -> Layout:
    """The layout of the gradient of a parameter.

    Raises
    ------
    TypeError, ValueError
        It does not fit the parameter.
    """
    found = layout(array)
    if found is None:
        kind = type(array).__name__
        raise TypeError(f"params{path}: expected a gradient that is a {param.device} array, not {kind}")
    if found.cuda != param.cuda:
        raise TypeError(
            f"params{path}: expected a gradient on the parameter's device, {param.device}, not {found.device}"
        )
    if found.dtype not in GRADIENT_TYPES or not found.dtype.isnative:
        raise TypeError(f"params{path}: expected a gradient of float32, float64 or float16, not {found.dtype}")
    if found.shape != param.shape:
        raise ValueError(f"params{path}: expected gradient of shape {param.shape}, not {found.shape}")
    return found


def refuse_shared(params: list[Layout], paths: list[str]) -> None:
    """Raise ValueError if two parameters share memory: both would be updated, or one twice."""
    spans = sorted((*p.bounds(), k) for k, p in enumerate(params) if p.size)
    open_until, holders = -1, []
    for low, high, k in spans:
        holders = [j for j in holders if params[j].bounds()[1] > low] if low < open_until else []
        for j in holders:
            if _shared(params[j], params[k]):
                raise ValueError(
                    f"params{paths[min(j, k)]} and params{paths[max(j, k)]} share memory: expected arrays that "
                    "lie apart; give a shared parameter once, with the sum of its gradients"
                )
        holders.append(k)
        open_until = max(open_until, high)


def _shared(a: Layout, b: Layout) -> bool:
    if a.cuda or (a.dense() and b.dense()):
        return True
    try:
        return np.shares_memory(a.array, b.array, max_work=10**6)
    except np.exceptions.TooHardError:
        return True
