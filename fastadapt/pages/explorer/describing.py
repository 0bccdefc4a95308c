"""What the page is told first: its controls with what they begin with, the rules with their colours, the words."""

from typing import Any

from .. import language
from . import data
from .grid import STAGES
from .hyper import controls
from .looks import looks
from .setup import KINDS, LR_RANGE, MAX_BRANCHES, MAX_EPOCHS, MAX_RULES, ZOOMS, Setup
from .sources import Theirs, Trained
from .training import default_lr, rules

HIDDEN = ((16,), (32,), (32, 32), (64, 64), (128, 128))
"""Widths of hidden layers that the page offers."""


def description(first: Setup, source: Trained | Theirs, lang: str) -> dict[str, Any]:
    """The description of a page that begins with a setup."""
    names = list(rules())
    # Of the user's paths the names first: they get the hues that none of them has.
    named = {} if source.trains else looks(source.names())
    return {
        "words": language.words(lang),
        "trains": source.trains,
        "can": _can(source, first),
        "rules": names,
        "styles": {name: list(style) for name, style in (looks(names) | named).items()},
        "rates": {name: {rule: default_lr(name, rule) for rule in names} for name in (*data.NAMES, "yours")},
        "hyper": {rule: list(controls(rule)) for rule in names},
        "data": list(data.NAMES),
        "epochs": data.EPOCHS,
        "hidden": [list(widths) for widths in dict.fromkeys((*HIDDEN, first.hidden))],
        "kinds": list(KINDS),
        "zooms": list(ZOOMS),
        "stages": list(STAGES),
        "limits": {"rules": MAX_RULES, "branches": MAX_BRANCHES, "epochs": MAX_EPOCHS, "lr": list(LR_RANGE)},
        "setup": _told_setup(first),
    }


def _can(source, first):
    """What this network can do besides its loss."""
    model = source.model(first)
    return {
        "train": model.can_train,
        "directions": source.directions is not None,
    }


def _told_setup(setup):
    return {
        "data": setup.data,
        "hidden": list(setup.hidden),
        "seed": setup.seed,
        "epochs": setup.epochs,
        "batch": setup.batch,
        "rules": [
            {"name": name, "lr": lr, "hyper": {key: value for key, value in setup.given(k).items() if key != "lr"}}
            for k, (name, lr) in enumerate(setup.rules)
        ],
        "branches": [],
    }
