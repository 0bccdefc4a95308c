"""Check a list of CUDA arrays against another by what their owners tell cheaply of them.

`__cuda_array_interface__` makes a dict each time, and for PyTorch more than that: a thousand gradients would take
longer than their step.
"""

import sys

from numba import config

from ..kernels.table import G
from ..layout import GRADIENT_TYPES


def looker(array):
    """The type of an array, and a function that tells of one of that type its address, and what else must be the same
    of two that lie alike; None for arrays of other owners."""
    if config.ENABLE_CUDASIM:
        return type(array), lambda a: (a._ary.ctypes.data, (a.shape, a.strides, a.dtype))
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch and isinstance(array, torch.Tensor):
        return torch.Tensor, lambda a: (a.data_ptr(), (a.shape, a.stride(), a.dtype, a.device))
    if cupy and type(array) is cupy.ndarray:
        return cupy.ndarray, lambda a: (a.data.ptr, (a.shape, a.strides, a.dtype, a.data.device_id))
    if hasattr(array, "device_ctypes_pointer"):
        return type(array), lambda a: (a.device_ctypes_pointer.value or 0, (a.shape, a.strides, a.dtype))
    return None


def matcher(params, table, spans):
    """The function that checks all gradients at once (see `headers.matcher`), or None.

    It knows gradients that lie as their parameters do, of the same type and owner.
    """
    found = looker(params[0].array)
    if found is None or any(p.dtype != params[0].dtype or not isinstance(p.array, found[0]) for p in params):
        return None
    (owner, look), arrays, dtype = found, [p.array for p in params], params[0].dtype
    kind, item = GRADIENT_TYPES.index(dtype), dtype.itemsize
    places = [look(array) for array in arrays]
    sizes, addresses = [p.size * item for p in params], table[:-1, G]
    if [at for at, _ in places] != [p.address for p in params]:
        return None
    tested = []

    def match(grads):
        nonlocal tested
        starts = []
        try:
            for array, g, place in zip(arrays, grads, places, strict=True):
                if not isinstance(g, owner) or look(array) != place:
                    return -1
                at, form = look(g)
                if form != place[1] or at % item:
                    return -1
                starts.append(at)
        except (RuntimeError, NotImplementedError):  # a sparse tensor has no address
            return -1
        if starts != tested:
            for at, (own, _), size in zip(starts, places, sizes, strict=True):
                if at != own and size and spans.meet(at, at + size):
                    return -1
            tested = starts
        addresses[:] = starts
        return kind

    return match
