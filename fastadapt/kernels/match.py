"""A verdict for each gradient, read from the headers of NumPy's objects: it takes 35 ns, by attributes 200 or more.

The headers are NumPy's public C structs `PyArrayObject_fields`, of an array, and `PyArray_Descr`, of its dtype; they
are trusted where they say of arrays of known layout what these are. Arrays that were unpickled, and what is computed
from them, have a dtype of their own, which equals that of all others and is not the same object.
"""

import sys
from functools import cache

import numpy as np

from ..layout import COMPLEX_TYPES, GRADIENT_TYPES, is_plain
from .blocks import ABSENT, BATCH, ODD, PACK_G, PACK_P, STEP, phase
from .cache import kernel_part
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
KINDS, MOST_TYPES = len(GRADIENT_TYPES), 16
COUNT, NONE, NUMBERS, SIZES = 0, 1, 2, 2 + 2 * KINDS
TYPES = SIZES + KINDS
ARRAYS = TYPES + MOST_TYPES
"""Where things stand in what is known: how many spans there are, the id of None, NumPy's number of each kind and of
complex numbers of its parts, its size, the types of arrays, and the parameters; the spans are at the end, their starts
before their ends."""

AXES, COMPLEX, KIND, OWN_DTYPE, HINT, ADDRESS, GAPS, DATA_G, FIELDS = range(9)
"""Of each parameter its number of axes, 1 if it is complex and the last of these is that of the parts, its kind, dtype
and the span behind which its last gradient lay, where it lies, and whether it has gaps; where its gradient lies. Then,
by axis, shape, strides, the strides of its run in numbers, and those of its gradient."""

u8, i32, i64 = np.uint8, np.int32, np.int64


def describe(params, steps, spans):
    """What is known of parameters whose runs have these strides (see `ARRAYS`), beside the memory that a step writes.

    The spans are completed by one before all memory and one behind.
    """
    starts, ends = [-1, *spans.starts, NOWHERE], [0, *spans.ends, NOWHERE]
    first = ARRAYS + sum(FIELDS + 4 * len(p.shape) for p in params)
    found = [len(starts), id(None)]
    found += [kind.num for kind in (*GRADIENT_TYPES, *COMPLEX_TYPES)] + [-1] * (KINDS - len(COMPLEX_TYPES))
    found += [kind.itemsize for kind in GRADIENT_TYPES]
    found += [id(np.ndarray)] * MOST_TYPES
    for p, run in zip(params, steps, strict=True):
        kind, dtype = GRADIENT_TYPES.index(p.dtype), id(p.array.dtype) if is_plain(type(p.array)) else 0
        found += [len(p.shape), p.complex, kind, dtype, first, p.address, not p.dense(), 0]
        found += [*p.shape, *p.strides, *run, *run]
    return np.array(found + starts + ends, np.int64)


@cache
def build_match():
    """The address of the phase `match`."""
    return phase(match)


def match(address):
    """Give each gradient of a batch a verdict; how many are odd.

    A gradient that the kernel can read where it lies has its address in the table then; one in another order of memory,
    or that shares memory with what a step writes and is not its parameter, is to be packed.
    """
    batch = at(address, BATCH)
    n, columns, odd = batch.n, batch.columns, 0
    table, known = integers_at(batch.table, (n + 1) * columns), integers_at(batch.known, batch.known_size)
    arrays, verdicts = integers_at(batch.arrays, 2 * n), integers_at(batch.verdicts, n)
    packs, items = integers_at(batch.packs, n), load(at(batch.step, STEP).leaves + ITEMS, i64)
    last, last_complex, kind, place = i64(0), i64(0), -1, ARRAYS
    for i in range(n):
        p, g, ndim = arrays[i], load(items + 8 * arrays[n + i], i64), known[place + AXES]
        parts = known[place + COMPLEX]
        verdicts[i], packs[i] = ODD, PACK_P if known[place + GAPS] else 0
        axes = place + FIELDS
        if unchanged(p, known, place, ndim, ndim - parts):
            if g == known[NONE]:
                verdicts[i] = ABSENT
            elif known_type(load(g + TYPE, i64), known) and load(g + NDIM, i32) == ndim - parts:
                if load(g + DTYPE, i64) != last or parts != last_complex:  # than that of the gradient before
                    last, last_complex = load(g + DTYPE, i64), parts
                    kind = kind_of(last, known, NUMBERS + parts * KINDS)
                data = load(g + DATA, i64)
                if kind >= 0 and data % known[SIZES + kind] == 0 and fits(g, known, axes, ndim, ndim - parts):
                    if parts:
                        known[axes + 4 * ndim - 1] = known[SIZES + kind]
                    size = known[SIZES + kind]
                    verdicts[i], total = kind, table[i * columns + SIZE]
                    ordered = in_order(known, axes, ndim, size)
                    own = data == known[place + ADDRESS] and kind == known[place + KIND] and not known[place + GAPS]
                    if total and not (ordered and (own or apart(known, place, data, data + total * size))):
                        packs[i] |= PACK_G
                        known[place + DATA_G] = data
                    else:
                        table[i * columns + G] = data
        odd += verdicts[i] == ODD
        place = axes + 4 * ndim
    return odd


@kernel_part
def unchanged(p, known, place, ndim, given):
    """Whether the object of a parameter still says what it said of so many axes that were given."""
    if load(p + NDIM, i32) != given or load(p + DTYPE, i64) != known[place + OWN_DTYPE]:
        return False
    if load(p + DATA, i64) != known[place + ADDRESS] or not load(p + FLAGS, i32) & WRITEABLE:
        return False
    shape, strides = load(p + SHAPE, i64), load(p + STRIDES, i64)
    for axis in range(given):
        if load(shape + 8 * axis, i64) != known[place + FIELDS + axis]:
            return False
        if load(strides + 8 * axis, i64) != known[place + FIELDS + ndim + axis]:
            return False
    return True


@kernel_part
def known_type(kind, known):
    """Whether arrays of a type are NumPy's."""
    found = False
    for k in range(TYPES, ARRAYS):
        found |= kind == known[k]
    return found


@kernel_part
def kind_of(dtype, known, numbers):
    """The index of a dtype in GRADIENT_TYPES, or in COMPLEX_TYPES, whose numbers stand there; -1 if it is none of them,
    or in the other byte order."""
    if load(dtype + BYTE_ORDER, u8) != SWAPPED:
        for k in range(KINDS):
            if load(dtype + NUMBER, i32) == known[numbers + k]:
                return k
    return -1


@kernel_part
def fits(g, known, axes, ndim, given):
    """Whether a gradient has the shape of its parameter, of so many axes that were given; its strides are noted."""
    shape, strides = load(g + SHAPE, i64), load(g + STRIDES, i64)
    for axis in range(given):
        if load(shape + 8 * axis, i64) != known[axes + axis]:
            return False
        known[axes + 3 * ndim + axis] = load(strides + 8 * axis, i64)
    return True


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
