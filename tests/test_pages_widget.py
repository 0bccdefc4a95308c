"""The pages in a notebook, without a browser: which messages come back, and when there is a widget at all."""

import json
import sys
import time
from threading import Event, get_ident
from types import SimpleNamespace

import pytest

pytest.importorskip("plotly")
pytest.importorskip("anywidget")

from fake_comm import make_widget

from fastadapt.pages import present as presenting
from fastadapt.pages.backend import Backend
from fastadapt.pages.checks import MAX_BYTES, RequestError
from fastadapt.pages.page import Parts
from fastadapt.pages.present import present
from fastadapt.pages.widget import widget_of

PARTS = Parts("a page", (), ())


class Doubling(Backend):
    """A page that doubles numbers, at once or when it is let."""

    page = "doubling"
    answers = ("double", "slow", "refuse", "fail", "infinite")

    def __init__(self):
        super().__init__()
        self.go, self.threads = Event(), []

    def describe(self):
        return {"words": {}}

    def double(self, request):
        self.threads.append(get_ident())
        return {"value": 2 * request["value"]}

    def slow(self, request):
        def work(job):
            while not self.go.wait(0.01):
                job.report(0.5, "waiting")
            return {"value": 2 * request["value"]}

        return self.job(request, "slow", work)

    def refuse(self, request):
        raise RequestError("value: expected another")

    def fail(self, request):
        raise KeyError("inside")

    def infinite(self, request):
        return {"value": float("inf")}


@pytest.fixture
def widget(monkeypatch):
    made = make_widget(monkeypatch, lambda: widget_of(Doubling(), PARTS))
    yield made
    made.close()


def asked(widget, number, **request):
    """The answer to a request: the one message that comes back, which has its number."""
    (message,) = widget.comm.receive({"number": number, "request": {"client": "me"} | request})
    assert set(message) == {"number", "answer"}
    assert message["number"] == number
    return json.loads(message["answer"])


def test_each_message_is_answered_by_one_with_its_number(widget):
    assert asked(widget, "a 1", do="describe") == {"words": {}}
    assert asked(widget, "b 7", do="double", value=21) == {"value": 42}


def test_errors_come_back_as_answers_and_the_widget_lives_on(widget):
    assert asked(widget, "1", do="refuse") == {"error": "value: expected another"}
    assert asked(widget, "2", do="fail") == {"error": "KeyError: 'inside'"}
    assert "expected one of double" in asked(widget, "3", do="jobs")["error"]
    assert "not finite" in asked(widget, "4", do="infinite")["error"]
    assert asked(widget, "5", do="double", value=1) == {"value": 2}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"do": "double", "value": "x" * MAX_BYTES}, "expected at most"),
        ({"do": "double", "value": float("nan")}, "expected finite numbers, not NaN"),
        ({"do": "double", "value": 2**60}, "expected integers of at most"),
        ([1], "expected an object"),
        (None, "expected an object"),
        ({"value": Event}, "expected JSON"),
    ],
)
def test_a_request_has_the_bounds_that_it_has_on_the_server(widget, request_, message):
    (sent,) = widget.comm.receive({"number": "1", "request": request_})
    assert message in json.loads(sent["answer"])["error"]


def test_a_request_of_great_depth_is_an_error(widget):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    (sent,) = widget.comm.receive({"number": "1", "request": {"do": "double", "value": deep}})
    assert "expected JSON" in json.loads(sent["answer"])["error"]


@pytest.mark.parametrize("content", [None, [], "text", {}, {"number": 3}, {"number": ""}, {"number": "x" * 65}])
def test_what_has_no_number_is_not_answered(widget, content):
    assert widget.comm.receive(content) == []


def test_work_goes_on_in_the_background_while_other_requests_are_answered(widget):
    jobs = [asked(widget, f"{k}", client=f"view {k}", do="slow", value=k)["job"] for k in (1, 2)]
    assert asked(widget, "3", do="double", value=5) == {"value": 10}
    assert widget._backend.threads == [get_ident()]
    states = [asked(widget, "4", client=f"view {k}", do="look", job=jobs[k - 1])["state"] for k in (1, 2)]
    assert states == ["running", "running"]
    assert "there is none" in asked(widget, "5", client="view 2", do="look", job=jobs[0])["error"]
    widget._backend.go.set()
    for k in (1, 2):
        for _ in range(1000):
            look = asked(widget, "6", client=f"view {k}", do="look", job=jobs[k - 1])
            if look["state"] != "running":
                break
            time.sleep(0.01)
        assert look["result"] == {"value": 2 * k}
    # A job's end sends nothing by itself.
    assert all(message["number"] in "123456" for message in widget.comm.sent)


def test_a_widget_that_is_closed_stops_its_work(monkeypatch):
    widget = make_widget(monkeypatch, lambda: widget_of(Doubling(), PARTS))
    comm, backend = widget.comm, widget._backend
    job = asked(widget, "1", do="slow", value=1)["job"]
    widget.close()
    assert comm.closed
    for _ in range(1000):
        if backend.jobs.look(job, "me")["state"] == "stopped":
            break
        time.sleep(0.01)
    assert backend.jobs.look(job, "me")["state"] == "stopped"


def test_the_cell_is_told_of_the_widget_and_the_notebook_of_its_module_and_style(widget):
    shown = widget._repr_mimebundle_()[0]["application/vnd.jupyter.widget-view+json"]
    assert shown["model_id"] == widget.comm.comm_id
    state = widget.comm.opened["state"]
    assert "export default { render" in state["_esm"]
    assert "@media (max-width" not in state["_css"]
    assert "@container fastadapt-cell (max-width" in state["_css"]


def test_pages_of_two_kinds_have_style_sheets_of_their_own(widget, monkeypatch):
    class Other(Doubling):
        page = "other"

    other = make_widget(monkeypatch, lambda: widget_of(Other(), PARTS))
    assert other._anywidget_id != widget._anywidget_id
    other.close()


def in_kernel(monkeypatch, kernel=True):
    """Let it look as if a kernel of a notebook, or a shell of IPython, ran this."""
    events = SimpleNamespace(trigger=lambda name: None)
    shell = SimpleNamespace(events=events, **({"kernel": object()} if kernel else {}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.fixture
def done(monkeypatch):
    """What was served, and written."""
    done = []
    monkeypatch.setattr(presenting, "serve", lambda backend, page, **more: done.append(("served", more)))
    return done


def shown(monkeypatch, done, **more):
    def write(backend, file, tell):
        done.append(("written", file.name))

    return make_widget(monkeypatch, lambda: present(Doubling(), PARTS, write, **more))


def test_in_a_notebook_a_page_is_a_widget(monkeypatch, done):
    in_kernel(monkeypatch)
    widget = shown(monkeypatch, done)
    assert asked(widget, "1", do="double", value=4) == {"value": 8}
    assert done == []
    widget.close()


def test_elsewhere_with_a_port_or_for_a_file_it_is_none(monkeypatch, done):
    in_kernel(monkeypatch, kernel=False)
    assert shown(monkeypatch, done, browser=False) is None
    in_kernel(monkeypatch)
    assert shown(monkeypatch, done, port=9000) is None
    assert shown(monkeypatch, done, save="page.html") is None
    assert done == [
        ("served", {"port": None, "browser": False}),
        ("served", {"port": 9000, "browser": True}),
        ("written", "page.html"),
    ]


@pytest.mark.parametrize(("module", "extra"), [("anywidget", "widget"), ("plotly", "pages")])
def test_what_is_not_installed_is_named_with_how_to_install_it(monkeypatch, done, module, extra):
    in_kernel(monkeypatch)
    monkeypatch.setattr(presenting, "find_spec", lambda name: None if name == module else object())
    with pytest.raises(ModuleNotFoundError, match=rf'{module} is not installed: pip install "fastadapt\[{extra}\]"'):
        shown(monkeypatch, done)
    assert done == []
