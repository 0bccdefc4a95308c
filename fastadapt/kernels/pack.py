"""Arrays that a kernel cannot walk where they lie, copied into scratch in the order of the run, and back."""

from functools import cache

import numpy as np

from .blocks import BATCH, PACK_G, PACK_P, phase
from .cache import kernel_part
from .intrinsics import at, integers_at, load, store
from .match import ADDRESS, ARRAYS, AXES, DATA_G, FIELDS, KIND, SIZES
from .table import LINE, SIZE, G, P

TO_SCRATCH, BACK, COUNT = range(3)
"""What to do with packed arrays: copy them into scratch, the parameters back, or count the bytes that they take."""

MOST_AXES, i64 = 64, np.int64


@cache
def build_pack():
    """The address of the phase `pack`."""
    return phase(pack)


def pack(address):
    """Copy what of a batch is packed into scratch, or its parameters back, or only count the bytes that it takes."""
    batch = at(address, BATCH)
    way = batch.way
    n, columns, offset, place = batch.n, batch.columns, i64(0), i64(ARRAYS)
    known, packs = integers_at(batch.known, batch.known_size), integers_at(batch.packs, n)
    table, verdicts = integers_at(batch.table, (n + 1) * columns), integers_at(batch.verdicts, n)
    for i in range(n):
        total, ndim, axes = table[i * columns + SIZE], known[place + AXES], place + FIELDS
        for what in range(2 if packs[i] and verdicts[i] >= 0 and total else 0):
            flag = PACK_P if what else PACK_G
            if packs[i] & flag:
                size = known[SIZES + (known[place + KIND] if what else verdicts[i])]
                own, strides = known[place + (ADDRESS if what else DATA_G)], axes + (1 if what else 3) * ndim
                run = batch.scratch + offset
                if way == TO_SCRATCH:
                    table[i * columns + (P if what else G)] = run
                    copy(run, axes + 2 * ndim, size, own, strides, 1, known, axes, ndim, size)
                elif way == BACK and what:
                    copy(own, strides, 1, run, axes + 2 * ndim, size, known, axes, ndim, size)
                offset += rounded(total * size)
        place = axes + 4 * ndim
    return offset


@kernel_part
def rounded(size):
    """Bytes in whole cache lines."""
    return (size + LINE - 1) // LINE * LINE


@kernel_part
def copy(target, to, to_unit, source, of, of_unit, known, axes, ndim, size):
    """Copy an array of `ndim` axes, with lengths and strides at places in `known`, the strides in these units."""
    index = np.zeros(MOST_AXES, np.int64)
    inner = known[axes + ndim - 1] if ndim else 1
    to_step = known[to + ndim - 1] * to_unit if ndim else 0
    of_step = known[of + ndim - 1] * of_unit if ndim else 0
    while True:
        if size == 4:
            for i in range(inner):
                store(target + i * to_step, np.uint32, load(source + i * of_step, np.uint32))
        else:
            for i in range(inner):
                for half in range(0, size, 2):
                    store(target + i * to_step + half, np.uint16, load(source + i * of_step + half, np.uint16))
        axis = ndim - 2
        while axis >= 0:
            index[axis] += 1
            target += known[to + axis] * to_unit
            source += known[of + axis] * of_unit
            if index[axis] < known[axes + axis]:
                break
            target -= index[axis] * known[to + axis] * to_unit
            source -= index[axis] * known[of + axis] * of_unit
            index[axis] = 0
            axis -= 1
        if axis < 0:
            return
