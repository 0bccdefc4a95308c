"""Parameters that lie between each other in one array: told apart exactly, and in time that grows with their number."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadapt as fa
from fastadapt import sharing
from fastadapt.layout import layout


def pieces(n):
    """Arrays of `n` parts or thereabouts that lie between each other, by name."""
    rows = np.zeros((10, 3 * n + 7), np.float32)
    m = rows[:, 5:]  # so that a row does not start where a multiple of its stride is
    pictures = np.zeros((6, 5, n), np.float32)
    flat = np.zeros(20 * n, np.float32)
    odd = [m[:, j] for j in range(1, n, 2)]
    return {
        "columns": [m[:, j] for j in range(n)],
        "columns, last first": [m[:, j] for j in reversed(range(n))],
        "columns from their end": [m[::-1, j] for j in range(n)],
        "columns of a transposed matrix": [m.T[j] for j in range(n)],
        "blocks of columns": [m[:, 3 * j : 3 * j + 3] for j in range(n)],
        "turned blocks of columns": [m[::-1, 3 * j : 3 * j + 3][:, ::-1].T for j in range(n)],
        "blocks of many widths": [m[:, j * (j + 1) // 2 : (j + 1) * (j + 2) // 2] for j in range(int((2 * n) ** 0.5))],
        "every second column": [m[:, j] for j in range(0, n, 2)],
        "interleaved": [flat[k::n] for k in range(n)],
        "interleaved by halves": [flat[: 10 * n][k::n] for k in range(n)] + [flat[10 * n :][k::n] for k in range(n)],
        "channels": [pictures[:, :, c] for c in range(n)],
        "columns of the even rows and of the odd": [m[k::2, j] for j in range(n // 2) for k in (0, 1)],
        "blocks in the even rows, columns in the odd": [*np.split(m[::2, :n], n // 2, 1), *m[1::2, :n].T],
        "columns of every second and every third row": [*m[::2, :n].T, *m[::3, n : 2 * n].T],
        "columns, and a block beside them": [*odd, m[:, n + 1 :]],
        "columns of float64 beside float32": [*m[:, :n].T, *m[:, n : 3 * n].view(np.float64).T],
    }  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """How many pairs NumPy was asked of."""
    pairs, shared = [], sharing.shared
    monkeypatch.setattr(sharing, "shared", lambda a, b: pairs.append((a, b)) or shared(a, b))
    return pairs


def refused(arrays):
    """Whether arrays are refused because they share memory."""
    try:
        sharing.refuse_shared([layout(array) for array in arrays], [f"[{k}]" for k in range(len(arrays))])
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("name", pieces(2))
def test_parts_that_lie_between_each_other_are_told_apart_without_asking_of_all_pairs(name, asked):
    arrays = pieces(40)[name]
    assert not refused(arrays)
    assert len(asked) <= len(arrays)


@pytest.mark.parametrize("name", pieces(2))
def test_one_part_that_shares_memory_with_another_is_found_among_them(name):
    arrays = pieces(40)[name]
    for k in (0, len(arrays) // 2, len(arrays) - 1):
        assert refused([*arrays, arrays[k][-1:]])
        assert refused([arrays[k][:1], *arrays])


def test_two_thousand_columns_take_hardly_longer_than_rows():
    m = np.zeros((10, 2000), np.float32)
    took = {}
    for name, arrays in {"rows": list(np.zeros((2000, 10), np.float32)), "columns": list(m.T)}.items():
        begin = time.perf_counter()
        fa.SGD(arrays)
        took[name] = time.perf_counter() - begin
    assert took["columns"] < 5 * took["rows"] + 0.5  # of all pairs it took 47 s


@st.composite
def views(draw):
    """A view of one array of bytes as numbers of two sizes, with any strides."""
    size = draw(st.sampled_from([4, 8]))
    shape = draw(st.lists(st.integers(1, 4), max_size=3))
    strides = [draw(st.integers(-12, 12).filter(bool)) * 4 for _ in shape]
    reach = [s * (n - 1) for s, n in zip(strides, shape, strict=True)]
    low, high = -sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + size
    start = low + 4 * draw(st.integers(0, (1024 - low - high) // 4))
    return lambda base: np.ndarray(shape, f"f{size}", base, start, strides)


@settings(deadline=None, max_examples=400)
@given(st.lists(views(), min_size=2, max_size=8))
def test_any_views_are_refused_just_when_two_share_memory(takes):
    base = bytearray(1024)
    arrays = [take(base) for take in takes]
    expected = any(np.shares_memory(a, b) for k, a in enumerate(arrays) for b in arrays[:k])
    assert refused(arrays) is expected
