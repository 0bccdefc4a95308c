"""What a request may hold: JSON of bounded size and depth, and numbers of bounded range."""

import json
import re
from collections.abc import Iterable
from math import isfinite
from typing import Any

MAX_BYTES = 1 << 18
MAX_DEPTH = 16

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class RequestError(ValueError):
    """A request cannot be answered as asked; the message says why, in one line."""


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of a request's body; `RequestError` for anything else."""
    if len(body) > MAX_BYTES:
        raise RequestError(f"expected at most {MAX_BYTES:,} bytes, not {len(body):,}")
    try:
        text = body.decode()
        depth = _depth(text)
        if depth > MAX_DEPTH:
            raise RequestError(f"expected JSON of at most {MAX_DEPTH} levels")
        request = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded)
    except RequestError:
        raise
    except (ValueError, RecursionError):
        raise RequestError("expected JSON in UTF-8") from None
    if not isinstance(request, dict):
        raise RequestError(f"expected an object, not {type(request).__name__}")
    return request


def _depth(text):
    """How deep brackets are nested, strings left out."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name):
    raise RequestError(f"expected finite numbers, not {name}")


def _finite(text):
    value = float(text)
    if not isfinite(value):
        raise RequestError(f"expected finite numbers, not {text[:20]}")
    return value


def _bounded(text):
    # Beyond 2**53 JavaScript itself does not know which integer it sent.
    if len(text) > 17 or abs(int(text)) > 2**53:
        raise RequestError(f"expected integers of at most 2**53, not {text[:20]}")
    return int(text)


def number(values: dict, name: str, least: float, most: float, default: float | None = None) -> float:
    """A number of `values` between two bounds; the default where it is missing."""
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"{name}: expected a number, not {_shown(value)}")
    if not least <= value <= most:
        raise RequestError(f"{name}: expected a number from {least:g} to {most:g}, not {value!r}")
    return float(value)


def whole(values: dict, name: str, least: int, most: int, default: int | None = None) -> int:
    """An integer of `values` between two bounds; the default where it is missing."""
    value = number(values, name, least, most, default)
    if value != int(value):
        raise RequestError(f"{name}: expected a whole number, not {value!r}")
    return int(value)


def choice(values: dict, name: str, choices: Iterable[str], default: str | None = None) -> str:
    """One of a few strings; the default where it is missing."""
    value, choices = values.get(name, default), list(choices)
    if not isinstance(value, str) or value not in choices:
        raise RequestError(f"{name}: expected one of {', '.join(choices)}, not {_shown(value)}")
    return value


def switch(values: dict, name: str, default: bool | None = None) -> bool:
    """True or False; the default where it is missing."""
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise RequestError(f"{name}: expected true or false, not {_shown(value)}")
    return value


def numbers(values: dict, name: str, length: int, least: float, most: float) -> list[float]:
    """A list of numbers of a given length, each between two bounds."""
    value = values.get(name)
    if not isinstance(value, list) or len(value) != length:
        raise RequestError(f"{name}: expected {length} numbers, not {_shown(value)}")
    return [number({name: item}, name, least, most) for item in value]


def part(values: dict, name: str) -> dict[str, Any]:
    """An object inside `values`, empty where it is missing."""
    value = values.get(name, {})
    if not isinstance(value, dict):
        raise RequestError(f"{name}: expected an object, not {_shown(value)}")
    return value


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
