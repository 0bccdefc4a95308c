"""Sharing: whether arrays have memory in common, asked of thousands at once."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, combinations
from math import gcd
from types import SimpleNamespace

import numpy as np

from .layout import Layout

PERIODS = 8
"""Strides that are tried as a period; more of them are rare where arrays lie between each other."""


def refuse_shared(params: list[Layout], paths: list[str]) -> None:
    """Raise ValueError if two parameters share memory: both would be updated, or one twice."""
    for j, k in _suspects(params):
        if shared(params[j], params[k]):
            raise ValueError(
                f"params{paths[min(j, k)]} and params{paths[max(j, k)]} share memory: expected arrays that "
                "lie apart; give a shared parameter once, with the sum of its gradients"
            )


def shared(a: Layout, b: Layout) -> bool:
    """Whether two arrays share memory, or may: the question is hard for some strides."""
    (low, high), (start, end) = a.bounds(), b.bounds()
    if high <= start or end <= low:
        return False
    # Arrays of the same addresses, which are never read, so that NumPy can answer for a GPU's memory as well.
    try:
        arrays = [np.asarray(SimpleNamespace(__array_interface__=found.interface)) for found in (a, b)]
        return np.shares_memory(*arrays, max_work=10**6)
    except np.exceptions.TooHardError:
        return True


class Spans:
    """Parts of memory by their starts and ends, in order; those that touch are one."""

    def __init__(self, bounds: Iterable[tuple[int, int]]):
        self.starts: list[int] = []
        self.ends: list[int] = []
        for low, high in sorted(bounds):
            if self.ends and low <= self.ends[-1]:
                self.ends[-1] = max(self.ends[-1], high)
            else:
                self.starts.append(low)
                self.ends.append(high)

    def meet(self, low: int, high: int) -> bool:
        """Whether memory from an address to the one behind its last lies in one of them, or a part of it does."""
        k = bisect_left(self.starts, high)
        return k > 0 and self.ends[k - 1] > low


def _suspects(params: list[Layout]) -> Iterator[tuple[int, int]]:
    """Pairs that may share memory, and few others: to ask NumPy of all columns of a matrix took a minute for 2,000."""
    todo = [[k for k, p in enumerate(params) if p.size]]
    while todo:
        members = todo.pop()
        if len(members) < 2:
            continue
        parts = next(filter(None, (_parts(params, members, period) for period in _periods(params, members))), None)
        if parts is None:
            yield from combinations(members, 2)
        else:
            todo += parts


def _periods(params, members):
    """Periods by which arrays may lie between each other: 0 stands for none, the others are strides and divisors."""
    yield 0
    strides = Counter(abs(s) for k in members for s, n in zip(params[k].strides, params[k].shape, strict=True) if n > 1)
    often = sorted((stride for stride, _ in strides.most_common(PERIODS)), reverse=True)
    yield from dict.fromkeys([*often, *accumulate(often, gcd)])


def _parts(params, members, period):
    """The members in two or more parts, such that arrays of different parts share no memory; None if this shows none.

    Two arrays whose addresses leave no rest in common when they are divided by the period share no memory, because the
    same address leaves the same rest. An axis whose stride is a multiple of the period changes no rest, so that the
    rests of a column lie as close as its numbers do in a row.
    """
    spans = []
    for k in members:
        low, high = _rests(params[k], period)
        spans.append((low, high, k))
        if period and high > period:  # what goes on at 0; the part of that is then the last one's, too
            spans.append((0, high - period, k))
    spans.sort()
    parts, end = [[]], spans[0][0]
    for low, high, k in spans:
        if low >= end and parts[-1]:
            parts.append([])
        parts[-1].append(k)
        end = max(end, high)
    if len(spans) > len(members) and len(parts) > 1:
        parts[0] = list(dict.fromkeys(parts[0] + parts.pop()))
    return parts if len(parts) > 1 else None


def _rests(found, period):
    """The first rest that its addresses can leave, and the one behind the last; behind the period it goes on at 0."""
    if not period:
        return found.bounds()
    inner = [s * (n - 1) for s, n in zip(found.strides, found.shape, strict=True) if n > 1 and s % period]
    low, extent = (found.address + sum(s for s in inner if s < 0)) % period, sum(map(abs, inner)) + found.dtype.itemsize
    return (low, low + extent) if extent < period else (0, period)
