"""The colour and the dash of each path: a rule's own, and for the user's names the hues that no path has yet."""

from collections.abc import Iterable

from ..colours import PALETTE, RULES, styles


def looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and dash (plotly's name) of each path by its name."""
    names = list(dict.fromkeys(names))
    taken = {RULES[name][0] for name in names if name in RULES}
    free = [hue for hue in PALETTE if hue not in taken]
    others = [name for name in names if name not in RULES]
    own = dict(zip(others, ((PALETTE[hue], "solid") for hue in free), strict=False))
    return styles(name for name in names if name not in own) | own
