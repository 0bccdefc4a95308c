"""What a claim's run hands over: the statement, what was measured, and how to draw it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

Tell = Callable[[float], None]
"""Is told the share of a claim's work that is done, from 0 to 1."""


class Part(NamedTuple):
    """A part of a claim: whether it holds, and a sentence with its figures that is true either way."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class Claim:
    """A claim and what came of it.

    claim : what the lecture says
    source : the papers that it comes from
    setting : what was run, in a sentence
    parts : the verdict, part by part
    notes : sentences that are no part of the claim, and belong beside it
    figure : the outcome in a few words, with its figures
    columns, rows : the table, all text; the first column is a name, the others are numbers
    figures : the numbers themselves, by name
    draw : draws the picture into a matplotlib figure
    """

    claim: str
    source: str
    setting: str
    parts: tuple[Part, ...]
    figure: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: dict[str, float]
    draw: Callable
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """Whether all parts hold, some or none."""
        held = [part.holds for part in self.parts]
        return "holds" if all(held) else "holds in part" if any(held) else "does not hold"

    @property
    def summary(self) -> str:
        """The outcome and its figures, as two short sentences."""
        return f"{self.outcome.capitalize()}. {self.figure[0].upper()}{self.figure[1:]}."

    @property
    def verdict(self) -> str:
        """The outcome and all that was measured, in sentences."""
        return " ".join([f"{self.outcome.capitalize()}.", *(part.sentence for part in self.parts), *self.notes])


def times(ratio: float) -> str:
    """A ratio as a reader says it: 2.6 times, 51 times, 13,390 times."""
    return f"{ratio:.2g} times" if ratio < 10 else f"{float(f'{ratio:.4g}'):,.0f} times"
