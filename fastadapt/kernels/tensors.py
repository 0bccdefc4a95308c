"""What the headers of PyTorch's tensors on the CPU say."""

from functools import cache

import numpy as np

from .blocks import phase
from .cache import jit, jitable
from .intrinsics import integers_at, load
from .match import SIZES, TYPE, WORDS, kind_of, known_type, matcher

IMPL, DIMS, STORAGE, OFFSET, NUMBER, KEYS, DATA, PLAIN = range(8)
"""Which of the words are known of headers: where an object has the address of its tensor's struct, and where this has
the count of axes, behind which shape and strides are, the address of the storage, the first number in it, the number of
the dtype, and the keys by which PyTorch dispatches; where a storage has the address of its memory. From `PLAIN` on
stand the keys of tensors that are their memory: dense, on the CPU, and no conjugate or negative."""

MOST_AXES, MOST_PLAIN = 5, 8
"""Shape and strides of tensors with more axes stand elsewhere, and Python looks at these."""

ODD = np.int64(6364136223846793005)

u16, i64 = np.uint16, np.int64


@cache
def build_match_tensors():
    """The address of the phase `match` for tensors."""
    return phase(matcher(view_of_tensor))


@jitable
def view_of_tensor(a, known, parts):
    """What the header of a tensor says (see `matcher`)."""
    nothing = i64(-1), i64(-1), i64(0), i64(0), i64(0), i64(1), False
    if not known_type(load(a + TYPE, i64), known):
        return nothing
    impl = load(a + known[WORDS + IMPL], i64)
    keys, plain = load(impl + known[WORDS + KEYS], i64), False
    for k in range(WORDS + PLAIN, WORDS + PLAIN + MOST_PLAIN):
        plain |= keys == known[k]
    dims = impl + known[WORDS + DIMS]
    if not plain or load(dims, i64) > MOST_AXES:
        return nothing
    kind = kind_of(i64(load(impl + known[WORDS + NUMBER], u16)), known, parts)
    size = known[SIZES + max(kind, 0)] * (1 + parts)
    first = load(load(impl + known[WORDS + STORAGE], i64) + known[WORDS + DATA], i64)
    if first == 0:  # it has none, or none any more
        return nothing
    data = first + load(impl + known[WORDS + OFFSET], i64) * size
    return load(dims, i64), kind, data, dims + 8, dims + 8 + 8 * MOST_AXES, size, True


@cache
def fingerprinter():
    """The function `(structs, n, resized, words)` that gives a number for where `n` tensors lie and of what shape.

    It is given the addresses of those of their structs, and of what `match.describe` is told of headers. The memory of
    the first `resized` of them may have moved with their storage.
    """

    def fingerprint(structs, n, resized, words):
        impls, known, found = integers_at(structs, n), integers_at(words, PLAIN), i64(n)
        dims, storage, offset = known[DIMS], known[STORAGE], known[OFFSET]
        for k in range(n):
            impl = impls[k]
            own = load(impl + storage, i64) + ODD * load(impl + offset, i64)
            for axis in range(1 + 2 * MOST_AXES):
                own += (ODD + 2 * (axis + 1)) * load(impl + dims + 8 * axis, i64)
            if k < resized:
                own += (ODD - 2) * load(load(impl + storage, i64) + known[DATA], i64)
            found = (found ^ own) * ODD + 1
        return found

    return jit(fingerprint, "int64(int64, int64, int64, int64)")
