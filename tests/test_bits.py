"""Words and random words: the functions as Python, what Numba compiles in their place, and whether chance is fair."""

import warnings
from math import log, sqrt

import numpy as np
import pytest
from conftest import SIMULATED
from numba import njit
from numba.extending import register_jitable

from fastadapt.kernels.bits import bits_as_float, bits_of, mixed, random_word, signed, word

EDGES = [0, 1, 2**15, 2**16, 2**23 - 1, 2**23, 2**31 - 1, 2**31, 2**31 + 2**23, 2**32 - 1]
"""Where words change their sign or their width."""

SPECIAL = [0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0xFF800000, 0xFFC00001]
"""The largest float32, the infinite ones, and NaN of either kind."""

WORDS = np.array(EDGES + SPECIAL + np.random.default_rng(0).integers(2**32, size=2000).tolist(), np.uint32)
INTEGERS = {
    "int64": np.array([sign * (x + more) for x in EDGES for more in (0, 2**32, 2**62) for sign in (1, -1)], np.int64),
    "uint32": WORDS,
    "int32": WORDS.view(np.int32),
    "uint16": np.arange(0, 2**16, 1000, np.uint16),
    "uint8": np.arange(256, dtype=np.uint8),
}


def mapped(device, function, x: np.ndarray, dtype: type) -> np.ndarray:
    """The function of each element, compiled for the device."""
    out = np.zeros(x.size, dtype)
    if device.name == "cpu":

        @njit
        def loop(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

        loop(x, out)
        return out
    if SIMULATED:
        pytest.skip("the simulator runs the functions as Python")
    from numba import cuda

    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = function(x[i])

    found = device.array(out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Numba's, of a grid that leaves the device idle
        kernel[-(-x.size // 32), 32](device.array(x), found)
    return device.numpy(found)


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize(("function", "dtype"), [(word, np.uint32), (signed, np.int32)], ids=["word", "signed"])
def test_an_integer_becomes_its_low_32_bits(device, function, dtype, kind):
    numbers = INTEGERS[kind]
    expected = (numbers.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).view(dtype).tolist()
    assert [function(x) for x in numbers.tolist()] == expected
    assert [function(x) for x in numbers] == expected
    assert mapped(device, function, numbers, dtype).tolist() == expected


def test_signed_takes_the_whole_part_of_a_root(device):
    roots = np.array([0, 0.99999994, 1, 1.5, 126.99999, 127.00001, 16777215], np.float32)
    assert [signed(x) for x in roots] == mapped(device, signed, roots, np.int32).tolist() == roots.astype(int).tolist()


def test_a_float32_becomes_its_bits_and_they_become_it(device):
    floats = WORDS.view(np.float32)
    assert [bits_of(x) for x in floats] == mapped(device, bits_of, floats, np.uint32).tolist() == WORDS.tolist()
    back = np.array([bits_as_float(x) for x in WORDS.tolist()], np.float32)
    assert back.tobytes() == mapped(device, bits_as_float, WORDS, np.float32).tobytes() == floats.tobytes()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # of Python, where kernels run as Python
def test_a_float64_becomes_the_bits_of_the_nearest_float32(device):
    numbers = np.array([0.1, -0.1, 1 / 3, 1 + 2.0**-24, 1 + 3 * 2.0**-24, 1e-50, -1e-50, 1e-45, 1e300, -1e300])
    expected = numbers.astype(np.float32).view(np.uint32).tolist()
    assert [bits_of(x) for x in numbers] == mapped(device, bits_of, numbers, np.uint32).tolist() == expected


def words_of(x):
    """The low 32 bits of integers, in an array."""
    return np.atleast_1d(x).astype(np.uint32)


def hashed(h):
    """`mixed` once more, of arrays of words: lowbias32, by C. Wellons."""
    h = words_of(h)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def drawn(key, i):
    """`random_word` once more."""
    return hashed(words_of(key) + words_of(i) * np.uint32(0x9E3779B9))


def test_words_are_mixed_alike_in_python_and_compiled(device):
    assert [mixed(x) for x in WORDS.tolist()] == hashed(WORDS).tolist()
    found = mapped(device, register_jitable(lambda x: mixed(word(x))), WORDS, np.uint32)
    assert found.tolist() == hashed(WORDS).tolist()


@pytest.mark.parametrize("key", [0, 1, 2**31, 2**32 - 1])
def test_random_words_are_alike_in_python_and_compiled(device, key):
    index = np.arange(256)  # the numbers of the weights of a tile, which Numba counts in 64 bits
    found = mapped(device, register_jitable(lambda i: random_word(word(key), i)), index, np.uint32)
    assert [random_word(key, i) for i in index.tolist()] == found.tolist() == drawn(key, index).tolist()


N = 2**20
SEQUENCES = {
    "weights of a tile": lambda k: drawn(hashed(k // 256), k % 256),
    "tiles": lambda k: drawn(hashed(hashed(77) + k), 5),
    "steps": lambda k: drawn(hashed(hashed(hashed(77) + k) + 3), 5),
    "arrays": lambda k: drawn(hashed(hashed(hashed(hashed(77) + k)) + 3), 5),
    "seeds": lambda k: drawn(hashed(hashed(hashed(hashed(hashed(k) + 2)) + 9)), 5),
    "states": lambda k: drawn(hashed(hashed(k // 2) + k % 2), 5),
    "indices alone": lambda k: drawn(77, k),
}
FIELDS = {
    "first byte": lambda r: r >> 24,
    "second byte": lambda r: (r >> 16) & 255,
    "third byte": lambda r: (r >> 8) & 255,
    "last byte": lambda r: r & 255,
    "half of a bfloat16": lambda r: r >> 16,
    "first bits of two": lambda r: (r[:-1] >> 28) * 16 + (r[1:] >> 28),
    "first bits of two and 256 apart": lambda r: (r[:-256] >> 28) * 16 + (r[256:] >> 28),
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_random_words_take_every_value_as_often(sequence, field):
    """By the sum of squares of a chi-square law of d degrees, in the bounds of Laurent and Massart (2000).

    It is d + 2 sqrt(d x) + 2 x or more, or d - 2 sqrt(d x) or less, with a chance of at most exp(-x) each; 1e-9 in all.
    """
    found = FIELDS[field](SEQUENCES[sequence](np.arange(N)))
    cells = 2**16 if field == "half of a bfloat16" else 256
    expected = found.size / cells
    square = ((np.bincount(found, minlength=cells) - expected) ** 2).sum() / expected
    x = log(2 * len(FIELDS) * len(SEQUENCES) / 1e-9)
    degrees = cells - 1
    assert degrees - 2 * sqrt(degrees * x) <= square <= degrees + 2 * sqrt(degrees * x) + 2 * x


def test_every_bit_of_a_word_turns_every_bit_of_the_mixed_word_half_the_time():
    """To a hundredth; of 2**18 words, chance alone is off by more with a chance of 2 exp(-2 * 2**18 * 1e-4) each."""
    words = np.random.default_rng(1).integers(2**32, size=2**18, dtype=np.uint32)
    for bit in range(32):
        turned = hashed(words) ^ hashed(words ^ np.uint32(1 << bit))
        often = np.array([(turned >> np.uint32(k) & np.uint32(1)).mean() for k in range(32)])
        assert abs(often - 0.5).max() < 0.01
