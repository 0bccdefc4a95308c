"""Puts a page together from its files: served piece by piece, or frozen into one file with its data."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from .language import languages, words

COMMON_SCRIPTS = (
    "common.js",
    "parts.js",
    "sliders.js",
    "hyper.js",
    "player.js",
    "space.js",
    "frame.js",
    "transport.js",
    "jobs.js",
)
COMMON_STYLES = ("common.css", "columns.css")


@dataclass(frozen=True)
class Parts:
    """The files under static/ that a page is made of, after the common ones, and the language of its words."""

    title: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    language: str = "en"

    def __post_init__(self):
        if self.language not in languages():
            raise ValueError(f"expected lang to be one of {', '.join(languages())}, not {self.language!r}")


@dataclass(frozen=True)
class File:
    """One file that the server gives."""

    kind: str
    body: bytes
    cached: bool = True


@dataclass(frozen=True)
class Served:
    """A page as the server gives it: its files by name ("" is the page itself), and its Content-Security-Policy."""

    files: dict[str, File]
    policy: str


def _static(name):
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


@cache
def plotly_script() -> str:
    """plotly.js, from the installed plotly."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def script_of(parts: Parts) -> str:
    """The page's JavaScript: an expression whose value is `{boot, bootInCell}`, a function of Plotly."""
    body = "\n".join(_static(name) for name in (*COMMON_SCRIPTS, *parts.scripts))
    return f'((Plotly) => {{\n"use strict";\n{body}\nreturn {{ boot, bootInCell }};\n}})'


def style_of(parts: Parts, *more: str) -> str:
    """The page's style sheet, with further files of it."""
    return "\n".join(_static(name) for name in (*COMMON_STYLES, *parts.styles, *more))


def policy(scripts: str) -> str:
    """A Content-Security-Policy that lets a page reach nothing but itself; `scripts` says which scripts may run."""
    # Plotly writes rules into a <style> of its own, and draws pictures that are downloaded from blobs.
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def served(parts: Parts) -> Served:
    """The page for the server: plotly.js, script and style sheet are files that a browser keeps."""
    plotly, script, style = (_named(*pair) for pair in _pieces(parts))
    head = f'<link rel="stylesheet" href="{style[0]}">'
    scripts = "".join(f'<script src="{name}"></script>' for name, _ in (plotly, script))
    page = _html(parts, head, scripts)
    return Served(
        {"": File("text/html; charset=utf-8", page.encode(), cached=False), **dict((plotly, script, style))},
        policy("'self'") + "; frame-ancestors 'none'",
    )


def _pieces(parts):
    yield "plotly", "js", plotly_script()
    yield "page", "js", f"{script_of(parts)}(window.Plotly).boot();"
    yield "page", "css", style_of(parts)


def _named(stem, ending, text):
    """A file whose name changes with what it holds, so that a browser may keep it."""
    body = text.encode()
    kind = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}[ending]
    return f"{stem}-{hashlib.sha256(body).hexdigest()[:12]}.{ending}", File(kind, body)


def frozen(parts: Parts, data: dict[str, Any]) -> str:
    """One HTML file that needs no network. `data` has "description", and what the page's `askFrozen` looks up."""
    scripts = [plotly_script(), f"{script_of(parts)}(window.Plotly).boot();"]
    scripts = [inert(text) for text in scripts]
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    # frame-ancestors has no meaning in a <meta>, and browsers complain of it.
    rules = policy(allowed).replace("'self'", "").replace("connect-src ;", "connect-src 'none';")
    head = f'<meta http-equiv="Content-Security-Policy" content="{escape(rules)}"><style>{style_of(parts)}</style>'
    packed = base64.b64encode(gzip.compress(json.dumps(data, allow_nan=False).encode(), mtime=0)).decode()
    body = f'<script type="application/gzip" class="fastadapt-data">{packed}</script>'
    return _html(parts, head, body + "".join(f"<script>{text}</script>" for text in scripts))


def inert(text: str) -> str:
    """JavaScript that cannot end the <script> it stands in: `</script` and `<!--` occur only inside its strings."""
    # Browsers hash an inline script with its line ends as \n.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _html(parts, head, body):
    said = words(parts.language)
    return (
        _static("page.html")
        .replace("{language}", escape(parts.language))
        .replace("{title}", escape(parts.title))
        .replace("{wait}", escape(said["common.wait"]))
        .replace("{noscript}", escape(said["common.noscript"]))
        .replace("{head}", head)
        .replace("{body}", body)
    )
