"""The pages' own words: one JSON file per language, found by dotted keys."""

import json
from functools import cache
from importlib.resources import files


def languages() -> list[str]:
    """The languages that there are words in."""
    names = [file.name for file in files(__package__).joinpath("words").iterdir()]
    return sorted(name[:-5] for name in names if name.endswith(".json"))


@cache
def words(language: str = "en") -> dict[str, str]:
    """The words of a language, `{"landscape.tab.basins": "Basins", ...}`."""
    text = files(__package__).joinpath("words", f"{language}.json").read_text(encoding="utf-8")
    return dict(_flat(json.loads(text), ""))


def _flat(tree, before):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value
