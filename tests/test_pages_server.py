"""The pages' server, jobs and words: who is answered, what is refused, how work ends, and that no word is missing."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from fastadapt.pages import language, page
from fastadapt.pages.backend import Backend
from fastadapt.pages.checks import MAX_BYTES, RequestError
from fastadapt.pages.jobs import MAX_RUNNING, Jobs
from fastadapt.pages.page import File, Served
from fastadapt.pages.server import Server, open_server

STATIC = Path(page.__file__).parent / "static"


class Echo(Backend):
    """Answers what it is told, breaks when asked to, and gives what is no JSON."""

    answers = ("echo", "fail", "nan")

    def describe(self):
        return {"page": "echo"}

    def echo(self, request):
        return {"text": request.get("text")}

    def fail(self, request):
        raise KeyError("inside")

    def nan(self, request):
        return {"number": float("nan")}


PAGE = Served(
    {"": File("text/html", b"<p>", cached=False), "page.js": File("text/javascript", b"1")}, "default-src 'none'"
)


@pytest.fixture
def server():
    with open_server(Echo(), PAGE)[0] as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, method="POST", path=None, body=b'{"do": "describe"}', **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    given = {"Host": f"127.0.0.1:{server.server_port}", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/{server.token}/ask" if path is None else path
    connection.request(method, path, body=body if method == "POST" else None, headers=given)
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


def test_the_server_listens_on_this_machine_alone_and_its_address_holds_a_secret(server):
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32
    assert server.token in server.address
    status, body, headers = ask(server)
    assert (status, json.loads(body)) == (200, {"page": "echo"})
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("host", ["example.org", "evil.localhost:80", ""])
def test_another_host_is_refused(server, method, host):
    assert ask(server, method, Host=host)[0] == 403


@pytest.mark.parametrize("path", ["/", "/ask", "/wrong/ask", "/wrong/", "/%C3%A9/ask", "//ask"])
def test_without_the_token_there_is_nothing(server, path):
    assert ask(server, path=path)[0] == 404
    assert ask(server, "GET", path=path)[0] == 404


def test_only_the_listed_files_are_given(server):
    token = server.token
    assert ask(server, "GET", f"/{token}/")[:2] == (200, b"<p>")
    assert ask(server, "GET", f"/{token}/page.js")[1] == b"1"
    for name in ("ask", "../server.py", "..%2fserver.py", "/etc/passwd", "page.html", "common.js"):
        assert ask(server, "GET", f"/{token}/{name}")[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "x"}, 411),
        ({"Content_Length": str(MAX_BYTES + 1)}, 413),
        ({"Content_Length": "9" * 1000}, 413),
        ({"Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_a_request_of_another_page_or_kind_or_length_is_refused(server, headers, status):
    assert ask(server, body=b"", **headers)[0] == status


def test_a_request_of_the_page_itself_is_answered(server):
    assert ask(server, Origin=f"http://127.0.0.1:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[1]", "expected an object"),
        (b"{", "expected JSON"),
        (b"\xff", "expected JSON"),
        (b'{"do": NaN}', "expected finite numbers"),
        (b'{"do": -Infinity}', "expected finite numbers"),
        (b'{"do": 1e999}', "expected finite numbers"),
        (b'{"do": 99999999999999999999}', "expected integers"),
        (b'{"do": ' + b"[" * 99 + b"]" * 99 + b"}", "levels"),
        (b'{"do": "__init__"}', "do: expected one of echo, fail, nan"),
        (b'{"do": "job"}', "do: expected one of"),
        (b'{"do": ["echo"]}', "do: expected one of"),
        (b'{"do": "look", "job": "1"}', "client: expected a key"),
        (b'{"do": "look", "job": 1, "client": "me"}', "job: expected a key"),
        (b'{"do": "stop", "job": "1", "client": "me"}', "job: there is none"),
    ],
)
def test_what_is_no_request_is_told_why(server, body, message):
    status, answer, _ = ask(server, body=body)
    assert status == 400
    assert message in json.loads(answer)["error"]


def test_an_error_in_an_answer_is_told_and_the_server_lives_on(server):
    status, body, _ = ask(server, body=b'{"do": "fail"}')
    assert (status, json.loads(body)) == (500, {"error": "KeyError: 'inside'"})
    status, body, _ = ask(server, body=b'{"do": "nan"}')
    assert status == 500
    assert "not finite" in json.loads(body)["error"]
    assert ask(server)[0] == 200


def test_a_taken_port_is_named_and_the_next_free_one_taken(server):
    other, line = open_server(Echo(), PAGE, server.server_port)
    with other:
        assert other.server_port > server.server_port
        assert line == f"port {server.server_port} is taken; {other.server_port} is free"


def test_a_server_where_no_port_is_free_says_so(monkeypatch):
    monkeypatch.setattr(Server, "__init__", lambda *given: (_ for _ in ()).throw(OSError("taken")))
    with pytest.raises(OSError, match=r"no port from 9000 to 9049 is free"):
        open_server(Echo(), PAGE, 9000)


SERVE = """
from fastadapt.pages.backend import Backend
from fastadapt.pages.page import File, Served
from fastadapt.pages.server import serve
serve(Backend(), Served({"": File("text/html", b"hello", False)}, ""), browser=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_the_server_cleanly():
    with subprocess.Popen([sys.executable, "-W", "error", "-c", SERVE], stdout=-1, stderr=-1, text=True) as process:
        first = process.stdout.readline()
        address = first if first.startswith("http") else process.stdout.readline()
        port = int(re.match(r"http://127\.0\.0\.1:(\d+)/[\w-]{32}/$", address)[1])
        socket.create_connection(("127.0.0.1", port)).close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("stopped\n")


def until(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come")


def test_a_job_tells_how_far_it_is_what_it_has_and_how_it_ends():
    jobs, go = Jobs(), [Event(), Event()]

    def work(job):
        job.report(0.25, "half of a half")
        job.show({"so far": 1})
        go[0].set()
        go[1].wait(10)
        return {"all": 2}

    key = jobs.start("work", "me", work)
    go[0].wait(10)
    look = jobs.look(key, "me")
    assert look == {
        "state": "running",
        "share": 0.25,
        "doing": "half of a half",
        "version": 1,
        "partial": {"so far": 1},
    }
    assert "partial" not in jobs.look(key, "me", 1)
    with pytest.raises(RequestError, match="there is none"):
        jobs.look(key, "another")
    go[1].set()
    until(lambda: jobs.look(key, "me")["state"] == "done")
    assert jobs.look(key, "me")["result"] == {"all": 2}


def test_a_job_stops_when_asked_and_when_a_newer_one_takes_its_place():
    jobs = Jobs()

    def forever(job):
        while True:
            job.report(0.5)
            time.sleep(0.001)

    first, other = jobs.start("a", "me", forever), jobs.start("a", "you", forever)
    second = jobs.start("a", "me", forever)
    until(lambda: jobs.look(first, "me")["state"] == "stopped")
    assert jobs.look(second, "me")["state"] == jobs.look(other, "you")["state"] == "running"
    jobs.stop(second, "me")
    until(lambda: jobs.look(second, "me")["state"] == "stopped")
    jobs.stop_all()
    until(lambda: jobs.look(other, "you")["state"] == "stopped")


def test_a_job_that_fails_says_why_and_too_many_are_refused():
    jobs, go = Jobs(), Event()

    def fails(job):
        raise ZeroDivisionError("by nothing")

    def refuses(job):
        raise RequestError("cannot be")

    for work, message in ((fails, "ZeroDivisionError: by nothing"), (refuses, "cannot be")):
        key = jobs.start("a", "me", work)
        until(lambda key=key: jobs.look(key, "me")["state"] == "failed")
        assert jobs.look(key, "me")["error"] == message
    for k in range(MAX_RUNNING):
        jobs.start("a", f"client {k}", lambda job: go.wait(10) and {})
    with pytest.raises(RequestError, match="stop one first"):
        jobs.start("a", "one more", fails)
    go.set()


def test_every_language_has_the_same_words_with_the_same_places_for_values():
    english = language.words("en")
    for name in language.languages():
        theirs = language.words(name)
        assert theirs.keys() == english.keys(), name
        for key, text in english.items():
            assert set(re.findall(r"\{\w+\}", theirs[key])) == set(re.findall(r"\{\w+\}", text)), (name, key)


def test_every_word_that_a_script_says_exists():
    english, missing = language.words("en"), []
    for file in STATIC.glob("*.js"):
        text = re.sub(r"^\s*//.*", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for key in re.findall(r"say\(\"([\w.]+)\"", text):
            if key not in english:
                missing.append((file.name, key))
    assert not missing


def test_every_word_is_said_somewhere():
    folder = STATIC.parent
    texts = [file.read_text(encoding="utf-8") for file in [*STATIC.glob("*"), *folder.rglob("*.py")]]
    # A key is written out, or put together behind a prefix: `landscape.what.${name}`.
    said = set(re.findall(r"[\"'`]([a-z_]+(?:\.[a-z_]+)+)[\"'`]", "\n".join(texts)))
    patterns = re.findall(r"[\"'`]([a-z_]+\.(?:[a-z_.]|\$?\{[^}`]*\})*)[\"'`]", "\n".join(texts))
    made = [re.sub(r"(\\\$)?\\\{.*?\\\}", ".+", re.escape(text)) for text in patterns if "{" in text]
    short = set(re.findall(r"_say\(\"(\w+)\"", "\n".join(texts))) | {"basins", "judge", "tune", "compiling"}
    unsaid = [
        key
        for key in language.words("en")
        if key not in said and not any(re.fullmatch(each, key) for each in made) and key.partition(".")[2] not in short
    ]
    assert not unsaid


def test_importing_the_package_imports_nothing_of_the_pages():
    code = "import sys, fastadapt; print({'plotly', 'matplotlib', 'PIL', 'http.server'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
