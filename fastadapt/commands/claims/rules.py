"""The rules that the claims compare, the rates that each may choose from, and how each is drawn."""

import numpy as np

import fastadapt as fa
from fastadapt.pages.colours import DASHES, styles

RULES = {
    "SGD": (fa.SGD, {}),
    "SGD+momentum": (fa.SGD, {"momentum": 0.9}),
    "AdaGrad": (fa.AdaGrad, {}),
    "RMSProp": (fa.RMSProp, {}),
    "RMSProp+momentum": (fa.RMSProp, {"momentum": 0.9}),
    "Adam, beta1 = 0": (fa.Adam, {"beta1": 0.0}),
    "Adam": (fa.Adam, {}),
}
"""The class and the hyperparameters of each, the others at their defaults."""

VARIANTS = {
    "RMSProp+momentum": "RMSProp",
    "Adam, beta1 = 0": "Adam",
    "Adam, defaults": "Adam",
    "AMSGrad, defaults": "AMSGrad",
    "momentum, best constants": "SGD+momentum",
}
"""Which rule each variant is drawn like, with another dash."""


def rates(low: float, high: float, count: int = 40) -> np.ndarray:
    """Learning rates at equal ratios: every rule takes the best of the same number."""
    return np.geomspace(low, high, count)


def edge(best: int, count: int) -> str:
    """What to say of the best rate's place in its grid: nothing where it lies inside."""
    return " (at the edge)" if best in (0, count - 1) else ""


def style(name: str) -> dict:
    """Colour and dash of a rule, as matplotlib's lines take them."""
    colour, dash = styles([VARIANTS.get(name, name)])[VARIANTS.get(name, name)]
    return {"color": colour, "linestyle": DASHES["dashdot" if name in VARIANTS else dash]}
