"""Streams: what a kernel reads or writes for an array beside weight and gradient, each by a column of the table."""

from typing import NamedTuple

import numpy as np

from .average import AVERAGE
from .codecs import BFLOAT16, FLOAT, POSITIVE, ROOT, WEIGHTS, Codec, as_numbers
from .masters import MASTER

WEIGHTS_ROLE = "weights"
STATE = "state"
"""What the streams of a rule's states are for."""


class Stream(NamedTuple):
    """One of them: how it is held, what it is for, and whether it is written, not only read."""

    codec: Codec
    role: str = STATE
    written: bool = True


class Storage(NamedTuple):
    """The streams of an array: first the states of its rule in order, then others that are written, then the rest."""

    streams: tuple[Stream, ...]
    stochastic: bool = False
    """Whether codes are rounded by chance."""
    terms: int = 0
    """How many terms of sums the rule returns behind its states."""
    weights: Codec | None = None
    """How weights of 16 bits are held; None for those that are numbers of the type in which a step computes."""

    @property
    def behind(self) -> int:
        """Where these stand behind the new weight and what else is written."""
        return 1 + len(self.written)

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """How each is held."""
        return tuple(stream.codec for stream in self.streams)

    @property
    def roles(self) -> tuple[str, ...]:
        """What each is for."""
        return tuple(stream.role for stream in self.streams)

    @property
    def beside(self) -> tuple[str, ...]:
        """What those are for that are no states of the rule."""
        return tuple(role for role in self.roles if role != STATE)

    @property
    def written(self) -> tuple[Codec, ...]:
        """How those are held that are written, which are the first."""
        return tuple(stream.codec for stream in self.streams if stream.written)

    @property
    def coded(self) -> tuple[int, ...]:
        """Which of them are held in codes."""
        return tuple(k for k, codec in enumerate(self.codecs) if codec.coded)

    @property
    def headed(self) -> bool:
        """Whether the blocks of codes have headers."""
        return any(codec.headed for codec in self.codecs)

    @property
    def states(self) -> "Storage":
        """The states of the rule alone."""
        return self.only(tuple(k for k, role in enumerate(self.roles) if role == STATE))

    def only(self, which: tuple[int, ...]) -> "Storage":
        """These of the streams."""
        return Storage(tuple(self.streams[k] for k in which), self.stochastic)

    def with_weights(self, dtype: np.dtype) -> "Storage":
        """The same with the weights before all streams, as one of them."""
        codec = as_numbers(dtype) if self.weights is None else self.weights
        return Storage((Stream(codec, WEIGHTS_ROLE), *self.streams), self.stochastic, self.terms)


def plain_storage(dtype: np.dtype, states: int, terms: int = 0) -> Storage:
    """So many states that are held as they are."""
    return Storage((Stream(as_numbers(dtype)),) * states, terms=terms)


def storage_of(
    bits: int,
    rounding: str,
    dtype: np.dtype,
    nonnegative: tuple[bool, ...],
    full: tuple[bool, ...] = (),
    terms: int = 0,
    averages: bool = False,
    reads: tuple[str, ...] = (),
    narrow: int = 0,
    masters: bool = False,
) -> Storage:
    """The streams of weights of `dtype` whose states are held in so many bits; 32 are the type of the weights.

    Some states are never negative, and some are in `full` precision at any number of bits. Others that the pass only
    `reads` are for what these say. Weights that are `narrow`, which of NARROW_TYPES they are from 1 on, have masters of
    `dtype`, or are rounded as the states are.
    """
    full, chance = full or (False,) * len(nonnegative), rounding == "stochastic"
    weights = WEIGHTS[narrow, chance and not masters] if narrow else None
    more = (Stream(as_numbers(dtype), AVERAGE),) if averages else ()
    more += (Stream(as_numbers(dtype), MASTER),) if narrow and masters else ()
    more += tuple(Stream(as_numbers(dtype), role, False) for role in reads)
    if bits == 32 or all(full):
        streams = plain_storage(dtype, len(nonnegative)).streams + more
        return Storage(streams, chance and weights is not None, terms, weights)
    of_any_sign, of_none = (BFLOAT16, POSITIVE) if bits == 16 else (ROOT, FLOAT)
    chosen = (of_none if positive else of_any_sign for positive in nonnegative)
    codecs = (as_numbers(dtype) if whole else codec for codec, whole in zip(chosen, full, strict=True))
    return Storage(tuple(map(Stream, codecs)) + more, chance, terms, weights)
