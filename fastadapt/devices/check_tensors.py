"""Where PyTorch's headers have what a step has to know of gradients: found by tensors of which it is known."""

import sys
from ctypes import c_uint64
from functools import cache
from typing import NamedTuple

import numpy as np

from ..kernels.blocks import ODD, PACK_G
from ..kernels.match import HEAD
from ..kernels.tensors import MOST_AXES, MOST_PLAIN, build_match_tensors
from ..layout import COMPLEX_TYPES, GRADIENT_TYPES, name_of
from .check_numpy import trusted as lists_trusted
from .check_numpy import verdict

WORDS = 26
"""Words of the struct of a tensor, c10::TensorImpl, which PyTorch itself asserts, and at least those of a storage."""
STORAGE_WORDS = 8


class Headers(NamedTuple):
    """What `match.describe` is told of tensors."""

    numbers: tuple[int, ...]
    types: tuple[type, ...]
    words: tuple[int, ...]


@cache
def trusted() -> tuple[int, Headers] | None:
    """The address of the phase `match` for tensors, and what it has to know of their headers.

    None where these are not what they are taken for: each place is one at which several tensors all have what PyTorch
    says of them, and others are then read right.
    """
    torch = sys.modules["torch"]
    try:
        found = _found(torch)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return None
    return (build_match_tensors(), found) if lists_trusted() and _reads(torch, found) else None


def _reads(torch, found):
    """Whether tensors of every kind are read right by this."""

    def said(p, g, spans=()):
        return verdict(p, g, spans, build=build_match_tensors, headers=found)

    p, g, half = torch.zeros(3, 5), torch.zeros(3, 5, dtype=torch.float64), torch.zeros(3, 5, dtype=torch.float16)
    whole, z = torch.zeros(60)[7:37].reshape(2, 3, 5)[1], torch.zeros(3, 5, dtype=torch.complex64)
    first = g.data_ptr()
    right = said(p, g) == (1, 0, first) and said(g, p)[::2] == (0, p.data_ptr()) and said(p, half)[0] == 2
    right &= said(p, whole) == (0, 0, whole.data_ptr()) and said(whole, whole)[::2] == (0, whole.data_ptr())
    right &= said(p, p.bfloat16())[0] == 3 and said(p, None)[0] == -1 and said(p, g.T.contiguous().T)[:2] == (1, PACK_G)
    right &= said(p, g, [(first + 8, first + 16)])[1] == PACK_G and said(z, z)[::2] == (0, z.data_ptr())
    others = g[:2], g[:, :4], g.reshape(15), g.int(), g.char(), g.to_sparse(), g.to("meta"), z, g.numpy()
    many = torch.zeros(1, 1, 1, 1, 3, 5)
    return right and all(said(p, x)[0] == ODD for x in others) and said(many, many)[0] == ODD == said(z, z.conj())[0]


def _found(torch):
    own, numpys = torch.zeros(2000), torch.from_numpy(np.zeros(2000, np.float32))  # of which only one owns its memory
    strided = [((3, 5, 7), (211, 31, 2), 17), ((2, 6), (313, 11), 101), ((9, 4), (13, 3), 53)]
    tensors = [base.as_strided(*each) for base, each in zip((own, own, numpys), strided, strict=True)]
    structs = [_words(t._cdata, WORDS) for t in tensors]
    storages = [t.untyped_storage() for t in tensors]
    number, keys = _number_at(torch), _keys_at(torch)
    words = (
        _place([_words(id(t), HEAD // 8 + 3) for t in tensors], [t._cdata for t in tensors]),
        _place(map(_dims, structs), [(len(shape), shape, strides) for shape, strides, _ in strided]),
        _place(structs, [s._cdata for s in storages]),
        _place(structs, [offset for *_, offset in strided]),
        number,
        keys,
        _place([_words(s._cdata, STORAGE_WORDS) for s in storages], [s.data_ptr() for s in storages]),
    )
    plain = list({_words(t._cdata, WORDS).view(np.int64)[keys // 8].item() for t in _plain(torch)})
    plain += plain[:1] * (MOST_PLAIN - len(plain))
    numbers = [_halves(torch.zeros(1, dtype=of))[number // 2].item() for of in _dtypes(torch)]
    return Headers(tuple(numbers), (torch.Tensor, torch.nn.Parameter), (*words, *plain[:MOST_PLAIN]))


def _place(structs, expected):
    """The only place, in bytes, at which each of the structs has what is expected; ValueError for none or several."""
    rows = zip(*structs, strict=True)
    (place,) = (k for k, row in enumerate(rows) if list(row) == expected)
    return 8 * place


def _dims(struct):
    """What the words of a struct would mean, from each on, if a count of axes, shape and strides began there."""
    words = struct.tolist()
    for k in range(WORDS - 2 * MOST_AXES):
        n, shape, strides = words[k], words[k + 1 :][:MOST_AXES], words[k + 1 + MOST_AXES :][:MOST_AXES]
        yield (n, tuple(shape[:n]), tuple(strides[:n])) if n <= MOST_AXES else None


def _words(address, count):
    return np.frombuffer((c_uint64 * count).from_address(address), np.uint64).copy()


def _halves(tensor):
    return _words(tensor._cdata, WORDS).view(np.uint16)


def _dtypes(torch):
    return [getattr(torch, name_of(kind)) for kind in (*GRADIENT_TYPES, *COMPLEX_TYPES)]


def _plain(torch):
    """Tensors that are their memory, of every kind of such."""
    leaf = torch.nn.Parameter(torch.zeros(3))
    with torch.inference_mode():
        inside = torch.zeros(3)
    return [torch.zeros(3), leaf, leaf.detach(), leaf * 2, torch.zeros(3, dtype=torch.complex64), inside]


def _number_at(torch):
    """Where the number of the dtype is, in bytes: what differs by dtype, and by nothing else."""
    same = [_halves(torch.zeros(shape)) for shape in [(3,), (2, 5), (3,)]]
    kinds = [_halves(torch.zeros(3, dtype=of)) for of in _dtypes(torch)]
    (place,) = (k for k in range(4 * WORDS) if len({w[k] for w in same}) == 1 and len({w[k] for w in kinds}) == 6)
    return 2 * place


def _keys_at(torch):
    """Where the keys are: what all plain tensors of a kind have in common, and what others do not have."""
    plain, z = [torch.zeros(3), torch.zeros(2, 5, dtype=torch.float64)], torch.zeros(3, dtype=torch.complex64)
    others = [z.conj(), z.conj().imag, torch.zeros(3).to_sparse(), torch.zeros(3, device="meta")]
    same, odd = ([_words(t._cdata, WORDS) for t in each] for each in ([*plain, z], others))
    (place,) = (k for k in range(WORDS) if len({w[k] for w in same}) == 1 and all(w[k] != same[0][k] for w in odd))
    return 8 * place
