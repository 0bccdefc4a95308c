"""A page in the output of a notebook's cell: the same JavaScript and backend as in a browser, by messages."""

import json
from typing import Any

import anywidget
import traitlets

from .backend import Backend, guarded
from .checks import RequestError, parsed
from .language import words
from .page import Parts, plotly_script, script_of, style_of

MAX_NUMBER = 64


class PageWidget(anywidget.AnyWidget):
    """A page as a Jupyter widget.

    The page asks by messages `{"number": text, "request": {...}}`, and gets `{"number": text, "answer": JSON}` for
    each. Answers are sent by the thread that handles the message, never by a job's thread: a job computes in the
    background, and the page looks at it by further messages. The kernel handles messages only while no cell runs.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _backend: Backend | None = None

    def __init__(self, backend: Backend, parts: Parts):
        super().__init__(_esm=module_of(parts), _css=cell_style_of(parts))
        self._backend = backend
        self.on_msg(lambda widget, content, buffers: self._asked(content))

    def close(self) -> None:
        """Remove the page, and stop its work."""
        if self._backend is not None:
            self._backend.jobs.stop_all()
        super().close()

    def _asked(self, content: Any) -> None:
        number = content.get("number") if isinstance(content, dict) else None
        # Without a number of its own a message is not the page's, and nobody waits for an answer.
        if isinstance(number, str) and 0 < len(number) <= MAX_NUMBER:
            self.send({"number": number, "answer": answered(self._backend, content.get("request"))})


def answered(backend: Backend, request: Any) -> str:
    """The answer to a request as JSON, with the limits that the server has for requests and answers."""
    try:
        answer = guarded(backend, parsed(json.dumps(request).encode()))[1]
    except RequestError as reason:
        answer = {"error": str(reason)}
    except (RecursionError, TypeError, ValueError):
        answer = {"error": "expected JSON"}
    try:
        return json.dumps(answer, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return '{"error": "the answer holds a number that is not finite"}'


def widget_of(backend: Backend, parts: Parts) -> PageWidget:
    """The widget of a page. Each kind of page has a class of its own: anywidget keeps one style sheet per class."""
    kind = type(f"{backend.page.capitalize()}Widget", (PageWidget,), {"__module__": __name__})
    return kind(backend, parts)


def module_of(parts: Parts) -> str:
    """The page as a JavaScript module of anywidget. It leaves a `window.Plotly` of the notebook's own as it is."""
    said = {name: words(parts.language)[f"common.{name}_cell"] for name in ("wait", "gone")}
    return f"""const before = window.Plotly;
const Plotly = ((module) => {{
{plotly_script()}
return module.exports;
}})({{ exports: {{}} }});
window.Plotly = before;
const page = {script_of(parts)}(Plotly);
export default {{ render: ({{ model, el }}) => page.bootInCell(model, el, {json.dumps(said)}) }};
"""


def cell_style_of(parts: Parts) -> str:
    """The page's style sheet, where the width that counts is that of the cell and not of the window."""
    return style_of(parts, "cell.css").replace("@media (max-width:", "@container fastadapt-cell (max-width:")
