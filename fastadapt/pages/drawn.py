"""What the pictures of both pages have in common: names that fit, round numbers, and no warnings of matplotlib's."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

LONGEST = 24
"""Letters of a name in a picture."""


def drawn_name(name: str, most: int = LONGEST) -> str:
    """A name as it is drawn: not longer than a picture has room for, and no formula in it."""
    name = " ".join(name.split())
    name = name if len(name) <= most else name[: most - 1] + "…"
    return name.replace("$", r"\$")


def round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two positive numbers; where these are fewer than three, even ones."""
    from matplotlib.ticker import MaxNLocator

    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found = [number for power in powers for digit in (1, 2, 5) if low <= (number := digit * 10.0**power) <= high]
    # A label for each of many decades would be a grey strip.
    found = found if len(found) <= 18 else [number for number in found if f"{number:e}".startswith("1")]
    return found if len(found) > 2 else [n for n in MaxNLocator(4).tick_values(low, high) if low <= n <= high]


@contextmanager
def no_warnings() -> Iterator[None]:
    """Without what matplotlib says of letters that its font lacks, and of labels that leave no room."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        yield
