"""Check a list of NumPy arrays against another by the headers of their objects: `step` must know of every gradient
that it fits its parameter, and where it lies. It takes 0.035 ms for 1,000 arrays; by attributes it took 0.2 or more.

The headers are NumPy's public C structs `PyArrayObject_fields`, of an array, and `PyArray_Descr`, of its dtype;
`trusted` tries on arrays of known layout that they are laid out as expected here, and where they are not, `step` asks
the arrays themselves. Arrays that were unpickled, and what is computed from them, have a dtype of their own, which
equals that of all others and is not the same object. The list is read as it lies in memory: what it would be copied to,
a step that a signal's handler takes meanwhile would write to as well.
"""

import sys
from functools import cache

import numpy as np

from ..kernels.cache import cache_key, jit
from ..kernels.intrinsics import load
from ..kernels.table import SIZE, G, P, make_table
from ..layout import GRADIENT_TYPES, is_plain
from ..sharing import Spans

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
COUNT, NUMBERS, SIZES = 0, 1, 1 + KINDS
TYPES = SIZES + KINDS
ARRAYS = TYPES + MOST_TYPES
"""Where in what `match` knows stand: how many spans there are, each kind's number and size, the types of arrays, and
the parameters; the spans are at the end."""


def describe(params, spans):
    """What `match` knows (see `ARRAYS`): of each parameter the number of axes, kind, dtype, the span behind which its
    last gradient lay, shape and strides; of the spans the starts and ends, and of one before all memory and one behind.
    """
    starts, ends = [-1, *spans.starts, NOWHERE], [0, *spans.ends, NOWHERE]
    kinds = [kind.num for kind in GRADIENT_TYPES], [kind.itemsize for kind in GRADIENT_TYPES]
    first = ARRAYS + sum(4 + 2 * len(p.shape) for p in params)
    found = [len(starts), *kinds[0], *kinds[1], *[id(np.ndarray)] * MOST_TYPES]
    for p in params:
        found += [len(p.shape), GRADIENT_TYPES.index(p.dtype), id(p.dtype), first, *p.shape, *p.strides]
    return np.array(found + starts + ends, np.int64)


def build_match():
    """Compile `match(params, grads, table, known)`, which reads the objects of the given ids, and those of a list.

    Where every parameter is as it was, and every gradient has the shape, order and kind that the kernel walks, it
    writes the gradients' addresses to the table and returns the index of their dtype in GRADIENT_TYPES; else -1.
    A gradient has to lie between two of the spans, unless it is its parameter.
    """
    i64, i32, u8, key = np.int64, np.int32, np.uint8, cache_key()

    def match(params, grads, table, known):
        key  # noqa: B018 - see cache_key
        kind, dtype, g_size, spans, at = -1, i64(0), i64(0), known[COUNT], ARRAYS
        for i in range(params.size):
            p, g = params[i], load(load(grads + ITEMS, i64) + 8 * i, i64)
            ndim, p_kind = known[at], known[at + 1]
            owner, k = load(g + TYPE, i64), TYPES
            while owner != known[k]:
                k += 1
                if k == ARRAYS:
                    return -1
            if load(p + NDIM, i32) != ndim or load(g + NDIM, i32) != ndim:
                return -1
            if load(p + DTYPE, i64) != known[at + 2] or not load(p + FLAGS, i32) & WRITEABLE:
                return -1
            if load(g + DTYPE, i64) != dtype:  # than that of the gradient before
                dtype, g_kind = load(g + DTYPE, i64), -1
                for k in range(KINDS):
                    if load(dtype + NUMBER, i32) == known[NUMBERS + k]:
                        g_kind = k
                if g_kind < 0 or (kind >= 0 and g_kind != kind) or load(dtype + BYTE_ORDER, u8) == SWAPPED:
                    return -1
                kind, g_size = g_kind, known[SIZES + g_kind]
            p_size, n = known[SIZES + p_kind], table[i, SIZE]
            address, p_address = load(g + DATA, i64), load(p + DATA, i64)
            if address % g_size or p_address != table[i, P]:
                return -1
            own, end, k = address == p_address and kind == p_kind, address + n * g_size, known[at + 3]
            if n and not own and (address < known[k + spans] or end > known[k + 1]):  # no more behind the same span
                k, left = known.size - 2 * spans, spans
                while left > 1:  # for the last that starts before the end
                    half = left // 2
                    k += half if known[k + half] < end else 0
                    left -= half
                if known[k + spans] > address:
                    return -1
                known[at + 3] = k
            at += 4
            for axis in range(ndim):
                length, stride = known[at + axis], known[at + ndim + axis]
                if load(load(p + SHAPE, i64) + 8 * axis, i64) != length:
                    return -1
                if load(load(g + SHAPE, i64) + 8 * axis, i64) != length:
                    return -1
                if load(load(p + STRIDES, i64) + 8 * axis, i64) != stride:
                    return -1
                if length > 1 and load(load(g + STRIDES, i64) + 8 * axis, i64) * p_size != stride * g_size:
                    return -1
            table[i, G] = address
            at += 2 * ndim
        return kind

    return jit(match, "int64(int64[::1], int64, int64[:, ::1], int64[::1])")


def matcher(params, table, spans):
    """The function that checks all gradients at once, or None.

    Where every parameter is as it was, and every gradient lies as the kernel walks and shares no memory with what a
    step writes (the `Spans`), unless it is its parameter, it writes the gradients' addresses to the table and returns
    the index of their dtype in GRADIENT_TYPES; else -1.
    """
    match = trusted()
    if match is None:
        return None
    ids, known = np.array([id(p.array) for p in params], np.int64), describe(params, spans)
    types = [np.ndarray]  # kept alive, so that their ids stay theirs

    def matched(grads):
        kind = match(ids, id(grads), table, known)
        return match(ids, id(grads), table, known) if kind < 0 and learn(grads) else kind

    def learn(grads):
        """Let gradients be of the types that these are of, where they are plain; whether one is new."""
        new = [kind for kind in set(map(type, grads)).difference(types) if is_plain(kind)]
        types.extend(new[: MOST_TYPES - len(types)])
        known[TYPES : TYPES + len(types)] = list(map(id, types))
        return bool(new)

    return matched


@cache
def trusted():
    """`match`, or None where NumPy's headers, or lists, are not those known here."""
    if list.__basicsize__ != ITEMS + 16:
        return None
    match = build_match()

    def tried(p, g, expected, spans=()):
        table = make_table([expected.size], 0)
        table[0, P] = p.ctypes.data
        grads = [g]
        kind = match(np.array([id(p)]), id(grads), table, describe([expected], Spans(spans)))
        return kind, table[0, G]

    p, g = np.zeros((3, 5), np.float32), np.zeros((3, 5))
    frozen = p[:]
    frozen.flags.writeable = False
    # One that equals float64 and is another object, as of an array that was unpickled.
    own = g.view(np.dtype(np.float64, metadata={}).newbyteorder().newbyteorder())
    first = g.ctypes.data
    others = (p[:2], p.T, p[:, :4], p.astype(np.int32), p.reshape(15), g.view(g.dtype.newbyteorder()))
    right = tried(p, g, p) == (1, first) and tried(frozen, g, p)[0] == -1
    right &= tried(p, own, p) == (1, first) and tried(p, p.astype(np.float16), p)[0] == 2
    right &= tried(p, g, p, [(first + 8, first + 16)])[0] == -1 and tried(p, g, p, [(first - 8, first)])[0] == 1
    right &= all(tried(p, other, p)[0] == -1 and tried(other, g, p)[0] == -1 for other in others)
    return match if right else None
