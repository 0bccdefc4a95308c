"""Arrays of every layout, each a view of a flat base, on any device; and the bits to compare them by."""

import numpy as np

SIZE = 1200
"""Numbers in a base: every layout below fits, with room before and behind it."""


def odd_strides(base):
    """Axes of length one, whose strides mean nothing and are far beyond the array."""
    size = base.itemsize
    return np.lib.stride_tricks.as_strided(base[3:10], (1, 7, 1), (999 * size, size, -13 * size))


DENSE = {
    "C": lambda base: base[:24].reshape(4, 6),
    "transposed": lambda base: base[:24].reshape(6, 4).T,
    "permuted 3-d": lambda base: base[:60].reshape(3, 4, 5).transpose(1, 2, 0),
    "permuted 4-d": lambda base: base[:120].reshape(2, 3, 4, 5).transpose(3, 1, 0, 2),
    "0-d": lambda base: base[5:6].reshape(()),
    "one weight": lambda base: base[7:8],
    "axes of length one": odd_strides,
    "empty": lambda base: base[:0],
    "no columns": lambda base: base[:24].reshape(4, 6)[:, 2:2],
    "no rows": lambda base: base[:24].reshape(4, 6)[4:],
    "from an odd place": lambda base: base[3:602],
    "rows of a block": lambda base: base[:63].reshape(7, 9)[2:5],
}
"""Those that are one run of memory."""

GAPPY = {
    "reversed": lambda base: base[:30][::-1],
    "reversed twice": lambda base: base[:24].reshape(4, 6)[::-1, ::-1],
    "columns reversed": lambda base: base[:24].reshape(4, 6)[:, ::-1],
    "every second": lambda base: base[1:1031:2],
    "every second column": lambda base: base[:60].reshape(5, 12)[:, ::2],
    "inner block": lambda base: base[:63].reshape(7, 9)[1:-1, 2:7],
    "transposed inner block": lambda base: base[:63].reshape(7, 9)[1:-1, 2:7].T,
    "steps in 3-d": lambda base: base[:420].reshape(6, 7, 10)[::3, 1:, ::-4].transpose(2, 0, 1),
    "diagonal": lambda base: base[:36][::7],
    "one column": lambda base: base[:24].reshape(4, 6)[:, 3:4],
}
"""Those with gaps, or run through backwards."""

LAYOUTS = DENSE | GAPPY


class View:
    """Strided memory on the device, as any library may hand it over."""

    def __init__(self, owner, address, like):
        self.owner, self.shape, self.dtype = owner, like.shape, like.dtype
        self.__cuda_array_interface__ = {
            "shape": like.shape,
            "strides": like.strides,
            "typestr": like.dtype.str,
            "data": (address, False),
            "version": 3,
        }


def place(device, base, view):
    """The base and its view on the device."""
    whole = device.array(base)
    if whole is base:
        return base, view
    offset = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    if hasattr(whole, "_ary"):  # the simulator's
        return whole, type(whole)(np.ndarray(view.shape, view.dtype, whole._ary, offset, view.strides))
    return whole, View(whole, whole.__cuda_array_interface__["data"][0] + offset, view)


def bits(array):
    """The bytes of an array in C order, so that NaN equals NaN and -0 is not 0."""
    return np.asarray(array).tobytes()


def numbers(shape, dtype, seed):
    """Random numbers of either sign."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
