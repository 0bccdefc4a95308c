"""Check a list of CUDA arrays against another by attributes that their framework gives quickly.

`__cuda_array_interface__` makes a dict each time, and for PyTorch more than that: a thousand gradients would take
longer than their step.
"""

import sys

from numba import config

from ..kernels.table import G
from ..layout import GRADIENT_TYPES


def looker(array):
    """The type of an array, and a function that gives an array's address, and what all arrays of its layout share.

    None for arrays of frameworks that are not known here.
    """
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
    """The function that checks all gradients at once, or None where there is none.

    Where all have the layout and the type of their parameters, it puts their addresses into the table and returns the
    index of their dtype in GRADIENT_TYPES; else it returns -1.
    """
    found = looker(params[0].array)
    if found is None or any(p.dtype != params[0].dtype or not isinstance(p.array, found[0]) for p in params):
        return None
    (framework, look), arrays, dtype = found, [p.array for p in params], params[0].dtype
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
                if not isinstance(g, framework) or look(array) != place:
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
