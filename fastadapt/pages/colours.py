"""The colour and the dash of each rule: the same in every picture and on every page."""

from collections.abc import Iterable
from itertools import cycle

PALETTE = {
    "blue": "#2f7fc1",
    "orange": "#e08214",
    "green": "#1a9a70",
    "pink": "#d05a9d",
    "red": "#cf3f2e",
    "violet": "#7d5fd3",
    "cyan": "#25a7c7",
    "brown": "#9b6a3c",
    "olive": "#8f9a1f",
    "grey": "#868d94",
}
"""Hues that differ in lightness as well, each readable on white and on near-black."""

RULES = {
    "SGD": ("grey", "solid"),
    "SGD+momentum": ("orange", "solid"),
    "AdaGrad": ("green", "solid"),
    "RMSProp": ("pink", "solid"),
    "Adam": ("blue", "solid"),
    "AMSGrad": ("violet", "solid"),
    "Lion": ("red", "solid"),
    "AdamW": ("cyan", "solid"),
    "Adadelta": ("olive", "solid"),
    "NAdam": ("brown", "solid"),
    "RAdam": ("blue", "dash"),
    "Adamax": ("violet", "dash"),
    "AdaBelief": ("cyan", "dash"),
    "Yogi": ("green", "dash"),
    "Adan": ("red", "dash"),
    "AdEMAMix": ("pink", "dash"),
    "ADOPT": ("olive", "dash"),
    "MADGRAD": ("brown", "dash"),
    "LARS": ("grey", "dash"),
    "LAMB": ("orange", "dash"),
    "Rprop": ("red", "dot"),
    "Prodigy": ("violet", "dot"),
    "ScheduleFreeAdamW": ("blue", "dot"),
    "ScheduleFreeSGD": ("orange", "dot"),
    "RowAdaGrad": ("green", "dot"),
}
"""Hue and dash by the name of a rule. No two are alike."""

DASHES = {"solid": "-", "dash": (0, (5, 2)), "dot": (0, (1.2, 1.6)), "dashdot": (0, (5, 1.5, 1.2, 1.5))}
"""The dashes by plotly's names, as matplotlib wants them."""


def styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and dash (plotly's name) of each rule; one that the table lacks gets the next that is free."""
    listed = set(RULES.values())
    free = cycle((hue, dash) for dash in reversed(DASHES) for hue in PALETTE if (hue, dash) not in listed)
    found = {name: RULES[name] if name in RULES else next(free) for name in names}
    return {name: (PALETTE[hue], dash) for name, (hue, dash) in found.items()}
