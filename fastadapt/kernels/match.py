"""A verdict for each gradient, read from the headers of NumPy's arrays or PyTorch's tensors.

It takes 35 ns, by attributes 200 or more. What the headers of arrays say is in `view_of_array`, and of tensors in
`tensors.py`. Where they cannot be trusted (see `devices/check_numpy.py`), Python looks at each gradient.
"""

import sys
from functools import cache

import numpy as np

from ..layout import BFLOAT16, COMPLEX_TYPES, GRADIENT_TYPES
from .blocks import ABSENT, BATCH, ODD, PACK_G, PACK_P, STEP, phase
from .cache import jitable, kernel_part
from .intrinsics import at, integers_at, load
from .table import SIZE, G

HEAD = object.__basicsize__
"""Bytes of a Python object before its fields: the count of references and the type."""
TYPE = HEAD - 8
DATA, NDIM, SHAPE, STRIDES, DTYPE, FLAGS = (HEAD + 8 * k for k in (0, 1, 2, 3, 5, 6))
WRITEABLE = 0x0400
BYTE_ORDER, NUMBER = HEAD + 10, HEAD + 12
SWAPPED = ord(">" if sys.byteorder == "little" else "<")
ITEMS = HEAD + 8
"""Where a list has the address of its items' ids, in CPython's struct `PyListObject`."""

NOWHERE = 2**63 - 1
KINDS, MOST_TYPES, MOST_WORDS = len(GRADIENT_TYPES), 16, 16
COUNT, NONE, NUMBERS, SIZES = 0, 1, 2, 2 + 2 * KINDS
TYPES = SIZES + KINDS
WORDS = TYPES + MOST_TYPES
ARRAYS = WORDS + MOST_WORDS
"""Where things stand in what is known: how many spans there are, the id of None, the headers' number of each kind and
of complex numbers of its parts, its size, the types of arrays, what else has to be known of headers, and the
parameters; the spans are at the end, their starts before their ends."""

AXES, COMPLEX, KIND, HINT, ADDRESS, GAPS, DATA_G, FIELDS = range(8)
"""Of each parameter its number of axes, 1 if it is complex and the last of these is that of the parts, its kind and the
span behind which its last gradient lay, where it lies, and whether it has gaps; where its gradient lies. Then, by axis,
shape, strides, the strides of its run in numbers, and those of its gradient."""

u8, i32, i64 = np.uint8, np.int32, np.int64

NUMPY = (*(-1 if kind == BFLOAT16 else kind.num for kind in GRADIENT_TYPES), *(kind.num for kind in COMPLEX_TYPES))
"""The numbers of the kinds in NumPy's headers; that of a bfloat16 is none of NumPy's own."""


def describe(params, steps, spans, numbers=NUMPY, types=(np.ndarray,), words=()):
    """What is known of parameters whose runs have these strides (see `ARRAYS`), beside the memory that a step writes.

    The spans are completed by one before all memory and one behind.
    """
    starts, ends = [-1, *spans.starts, NOWHERE], [0, *spans.ends, NOWHERE]
    first = ARRAYS + sum(FIELDS + 4 * len(p.shape) for p in params)
    found = [len(starts), id(None), *numbers, *[-1] * (2 * KINDS - len(numbers))]
    found += [kind.itemsize for kind in GRADIENT_TYPES]
    found += [*map(id, types), *[id(types[0])] * (MOST_TYPES - len(types)), *words, *[0] * (MOST_WORDS - len(words))]
    for p, run in zip(params, steps, strict=True):
        found += [len(p.shape), p.complex, GRADIENT_TYPES.index(p.dtype), first, p.address, not p.dense(), 0]
        found += [*p.shape, *p.strides, *run, *run]
    return np.array(found + starts + ends, np.int64)


@cache
def build_match():
    """The address of the phase `match` for NumPy's arrays."""
    return phase(matcher(view_of_array))


def matcher(view):
    """The phase `match`, in which `view(array, known, complex)` reads the header of an array.

    It gives the number of axes, -1 where it cannot be trusted; the kind of its numbers, the address of the first, those
    of shape and strides, in what unit of bytes the strides are, and whether it can be written to.
    """

    def match(address):
        """Give each gradient of a batch a verdict; how many are odd.

        A gradient that the kernel can read where it lies has its address in the table then; one in another order of
        memory, or that shares memory with what a step writes and is not its parameter, is to be packed.
        """
        batch = at(address, BATCH)
        n, columns, odd, place = batch.n, batch.columns, 0, ARRAYS
        table, known = integers_at(batch.table, (n + 1) * columns), integers_at(batch.known, batch.known_size)
        arrays, verdicts = integers_at(batch.arrays, 2 * n), integers_at(batch.verdicts, n)
        packs, items = integers_at(batch.packs, n), load(at(batch.step, STEP).leaves + ITEMS, i64)
        for i in range(n):
            g, ndim, parts = load(items + 8 * arrays[n + i], i64), known[place + AXES], known[place + COMPLEX]
            axes, own = place + FIELDS, known[place + KIND]
            verdicts[i], packs[i] = ODD, PACK_P if known[place + GAPS] else 0
            if unchanged(view(arrays[i], known, parts), known, place):
                if g == known[NONE]:
                    verdicts[i] = ABSENT
                else:
                    given, kind, data, shape, strides, unit, _ = view(g, known, parts)
                    size, total = known[SIZES + max(kind, 0)], table[i * columns + SIZE]
                    if given == ndim - parts and kind >= 0 and data % size == 0 and same(shape, known, axes, given):
                        note_strides(strides, unit, known, axes, given)
                        if parts:
                            known[axes + 4 * ndim - 1] = size
                        verdicts[i], ordered = kind, in_order(known, axes, ndim, size)
                        itself = data == known[place + ADDRESS] and kind == own and not known[place + GAPS]
                        if total and not (ordered and (itself or apart(known, place, data, data + total * size))):
                            packs[i] |= PACK_G
                            known[place + DATA_G] = data
                        else:
                            table[i * columns + G] = data
            odd += verdicts[i] == ODD
            place = axes + 4 * ndim
        return odd

    return match


@jitable
def view_of_array(a, known, parts):
    """What the header of a NumPy array says (see `matcher`).

    The headers are NumPy's public C structs `PyArrayObject_fields`, of an array, and `PyArray_Descr`, of its dtype.
    Arrays that were unpickled, and what is computed from them, have a dtype of their own, which equals that of all
    others and is not the same object.
    """
    if not known_type(load(a + TYPE, i64), known):
        return i64(-1), i64(-1), i64(0), i64(0), i64(0), i64(1), False
    dtype, kind = load(a + DTYPE, i64), i64(-1)
    if load(dtype + BYTE_ORDER, u8) != SWAPPED:
        kind = kind_of(i64(load(dtype + NUMBER, i32)), known, parts)
    shape, strides, writeable = load(a + SHAPE, i64), load(a + STRIDES, i64), load(a + FLAGS, i32) & WRITEABLE
    return i64(load(a + NDIM, i32)), kind, load(a + DATA, i64), shape, strides, i64(1), writeable != 0


@kernel_part
def known_type(kind, known):
    """Whether arrays of a type are such whose headers are known."""
    found = False
    for k in range(TYPES, TYPES + MOST_TYPES):
        found |= kind == known[k]
    return found


@kernel_part
def kind_of(number, known, parts):
    """The index in GRADIENT_TYPES, or in COMPLEX_TYPES, of what has this number in headers; -1 if it is none."""
    for k in range(KINDS):
        if number == known[NUMBERS + parts * KINDS + k]:
            return i64(k)
    return i64(-1)


@kernel_part
def unchanged(header, known, place):
    """Whether the header of a parameter still says what it said."""
    given, kind, data, shape, strides, unit, writeable = header
    ndim, axes = known[place + AXES], place + FIELDS
    if given != ndim - known[place + COMPLEX] or kind != known[place + KIND] or not writeable:
        return False
    if data != known[place + ADDRESS] or not same(shape, known, axes, given):
        return False
    differs = i64(0)
    for axis in range(given):
        differs |= load(strides + 8 * axis, i64) * unit ^ known[axes + ndim + axis]
    return differs == 0


@kernel_part
def same(shape, known, axes, given):
    """Whether a shape of so many axes is that of a parameter."""
    differs = i64(0)
    for axis in range(given):
        differs |= load(shape + 8 * axis, i64) ^ known[axes + axis]
    return differs == 0


@kernel_part
def note_strides(strides, unit, known, axes, given):
    """Note the strides of a gradient, of so many axes, in bytes."""
    ndim = known[axes - FIELDS + AXES]
    for axis in range(given):
        known[axes + 3 * ndim + axis] = load(strides + 8 * axis, i64) * unit


@kernel_part
def in_order(known, axes, ndim, size):
    """Whether a gradient's numbers, of so many bytes, lie in the order of the run."""
    for axis in range(ndim):
        if known[axes + axis] > 1 and known[axes + 3 * ndim + axis] != known[axes + 2 * ndim + axis] * size:
            return False
    return True


@kernel_part
def apart(known, place, start, end):
    """Whether memory lies between two of the spans that a step writes."""
    spans, k = known[COUNT], known[place + HINT]
    if start >= known[k + spans] and end <= known[k + 1]:
        return True
    k, left = known.size - 2 * spans, spans  # no more behind the same span
    while left > 1:  # for the last that starts before the end
        half = left // 2
        k += half if known[k + half] < end else 0
        left -= half
    if known[k + spans] > start:
        return False
    known[place + HINT] = k
    return True
