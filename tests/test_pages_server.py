"""The pages' server: who is answered, what is refused, which port is taken, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from threading import Thread

import pytest

from fastadapt.pages import server as module
from fastadapt.pages.backend import Backend
from fastadapt.pages.checks import MAX_BYTES
from fastadapt.pages.page import File, Served
from fastadapt.pages.server import open_server

JSON = {"Content-Type": "application/json"}


class Echo(Backend):
    """Answers with what it was asked; "divide" fails, and "nan" is no JSON."""

    answers = ("echo", "divide", "nan")

    def describe(self):
        return {"words": {}}

    def echo(self, request):
        return {"got": request}

    def divide(self, request):
        return {"got": 1 / 0}

    def nan(self, request):
        return {"got": float("nan")}


PAGE = Served({"": File("text/html", b"<p>page", cached=False), "a.js": File("text/javascript", b"1")}, "default-src")


@pytest.fixture(scope="module")
def server():
    server, _ = open_server(Echo(), PAGE, free_port())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(server, method, path, body=None, headers=JSON):
    """The status, the headers and the body of an answer."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def ask(server, body, **headers):
    """The status and the JSON of an answer to a request in text or as an object."""
    body = body if isinstance(body, str | bytes) else json.dumps(body)
    status, _, text = call(server, "POST", f"/{server.token}/ask", body, JSON | headers)
    return status, json.loads(text)


def test_the_server_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address.startswith("http://127.0.0.1:")


def test_a_request_is_answered_and_the_files_of_the_list_are_given(server):
    assert ask(server, {"do": "echo", "n": 1}) == (200, {"got": {"do": "echo", "n": 1}})
    status, headers, body = call(server, "GET", f"/{server.token}/")
    assert (status, body, headers["Cache-Control"]) == (200, b"<p>page", "no-store")
    assert headers["Content-Security-Policy"] == "default-src"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert call(server, "GET", f"/{server.token}/a.js")[2] == b"1"


@pytest.mark.parametrize(
    "name", ["b.js", "../server.py", "..%2fserver.py", "/etc/passwd", "a.js/", "ask", "static/a.js"]
)
def test_what_is_not_in_the_list_of_files_is_not_given(server, name):
    assert call(server, "GET", f"/{server.token}/{name}")[0] == 404


@pytest.mark.parametrize("path", ["/", "/ask", "/wrong/", "/wrong/ask", "/%00/ask", "//ask"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_token_there_is_nothing(server, method, path):
    status, _, body = call(server, method, path, "{}")
    assert (status, json.loads(body)) == (404, {"error": "there is nothing here"})


def test_a_token_that_is_cut_or_longer_is_wrong(server):
    for token in (server.token[:-1], server.token + "x", server.token.swapcase()):
        assert call(server, "POST", f"/{token}/ask", '{"do": "describe"}')[0] == 404


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "localhost", "127.0.0.1:1", "example.org:{port}", ""])
def test_another_host_is_refused(server, host):
    headers = JSON | {"Host": host.format(port=server.server_port)}
    for method, name in (("GET", ""), ("POST", "ask")):
        assert call(server, method, f"/{server.token}/{name}", '{"do": "describe"}', headers)[0] == 403


def test_the_host_may_be_called_localhost(server):
    assert ask(server, {"do": "describe"}, Host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://example.org", "null", "https://127.0.0.1:{port}", "http://127.0.0.1"])
def test_a_request_of_another_page_is_refused(server, origin):
    assert ask(server, {"do": "describe"}, Origin=origin.format(port=server.server_port))[0] == 403


def test_a_request_of_this_page_is_answered(server):
    assert ask(server, {"do": "describe"}, Origin=f"http://127.0.0.1:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ""]
)
def test_only_json_is_taken(server, kind):
    assert ask(server, {"do": "describe"}, **{"Content-Type": kind})[0] == 415


@pytest.mark.parametrize("length", [str(MAX_BYTES + 1), "9" * 5000, "-1", "+1", "1e3", "²", ""])
def test_a_body_that_is_too_long_or_says_no_length_is_not_read(server, length):
    path, host = f"/{server.token}/ask", server.hosts[0]
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as link:
        link.sendall(head.encode())
        status = int(link.makefile("rb").readline().split()[1])
    assert status == (413 if length.isascii() and length.isdecimal() else 411)


def test_a_body_in_chunks_is_not_read(server):
    headers = JSON | {"Transfer-Encoding": "chunked"}
    assert call(server, "POST", f"/{server.token}/ask", b"2\r\n{}\r\n0\r\n\r\n", headers)[0] == 411


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "expected JSON in UTF-8"),
        (b"\xff", "expected JSON in UTF-8"),
        ("[1]", "expected an object, not list"),
        ('{"n": NaN}', "expected finite numbers, not NaN"),
        ('{"n": -Infinity}', "expected finite numbers, not -Infinity"),
        ('{"n": 1e999}', "expected finite numbers, not 1e999"),
        ('{"n": 10000000000000000000}', "expected integers of at most"),
        ("[" * 500 + "]" * 500, "expected JSON of at most 16 levels"),
        ('{"do": "__init__"}', "do: expected one of echo"),
        ('{"do": "jobs"}', "do: expected one of echo"),
        ('{"do": ["echo"]}', "do: expected one of echo"),
        ('{"do": "look", "job": "1"}', "client: expected a key"),
        ('{"do": "look", "job": "1", "client": "me"}', "job: there is none"),
    ],
)
def test_what_is_no_request_is_refused_with_a_line_that_says_why(server, body, why):
    status, answer = ask(server, body)
    assert status == 400
    assert why in answer["error"]


def test_what_fails_inside_is_told_and_the_server_lives_on(server):
    assert ask(server, {"do": "divide"}) == (500, {"error": "ZeroDivisionError: division by zero"})
    assert ask(server, {"do": "nan"})[0] == 500
    assert ask(server, {"do": "describe"})[0] == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused_in_json_after_the_token_and_the_host_are_checked(server, method):
    status, headers, body = call(server, method, f"/{server.token}/ask")
    assert (status, headers["Allow"], headers["Content-Type"]) == (405, "GET, POST", "application/json")
    assert body == (b"" if method == "HEAD" else json.dumps({"error": f"expected GET or POST, not {method}"}).encode())
    assert call(server, method, "/ask")[0] == 404
    assert call(server, method, f"/{server.token}/ask", headers={"Host": "example.org"})[0] == 403


def test_what_is_no_request_is_refused_in_json(server):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as link:
        link.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")
        answer = link.makefile("rb").read()
    assert b"431" in answer.splitlines()[0]
    assert json.loads(answer.split(b"\r\n\r\n")[1])["error"]


def test_a_burst_of_connections_waits_until_it_is_accepted():
    waiting, _ = open_server(Echo(), PAGE, free_port())
    with waiting:
        # Nobody accepts yet: the system keeps them, or resets them.
        links = [socket.create_connection(("127.0.0.1", waiting.server_port), timeout=20) for _ in range(60)]
        thread = Thread(target=waiting.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        for link in links:
            with link:
                link.sendall(f"GET /{waiting.token}/ HTTP/1.1\r\nHost: {waiting.hosts[0]}\r\n\r\n".encode())
                assert link.recv(12) == b"HTTP/1.1 200"
        waiting.shutdown()


def test_where_too_many_are_connected_the_next_is_told_and_later_one_is_answered(monkeypatch):
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 2)
    small, _ = open_server(Echo(), PAGE, free_port())
    with small:
        thread = Thread(target=small.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        idle = [socket.create_connection(("127.0.0.1", small.server_port), timeout=20) for _ in range(2)]
        with socket.create_connection(("127.0.0.1", small.server_port), timeout=20) as refused:
            assert refused.makefile("rb").readline().split()[1] == b"503"
        for link in idle:
            link.close()
        for _ in range(500):
            if call(small, "GET", f"/{small.token}/")[0] == 200:
                break
            time.sleep(0.01)
        else:
            pytest.fail("no connection was ever free again")
        small.shutdown()


def test_a_taken_port_is_named_and_the_next_free_one_is_taken(server):
    second, line = open_server(Echo(), PAGE, server.server_port)
    with second:
        assert second.server_port > server.server_port
        assert line == f"port {server.server_port} is taken; {second.server_port} is free"
        assert second.token != server.token


def test_where_no_port_is_left_the_error_says_which_were_tried():
    with socket.socket() as last:
        try:
            last.bind(("127.0.0.1", 65535))
        except OSError:
            pytest.skip("the last port is taken")
        last.listen()
        with pytest.raises(OSError, match="no port from 65535 to 65535 is free"):
            open_server(Echo(), PAGE, 65535)


PROGRAM = """
from test_pages_server import PAGE, Echo
from fastadapt.pages.server import serve
serve(Echo(), PAGE, port={port}, browser=False)
print("and on it goes")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_the_server_cleanly():
    here = os.path.dirname(__file__)
    port, environment = free_port(), {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.path.dirname(here)])}
    program = [sys.executable, "-c", PROGRAM.format(port=port)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        lines = [running.stdout.readline() for _ in range(2)]
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate(timeout=60)
    assert lines[0].startswith("http://127.0.0.1:")
    assert lines[1] == "Ctrl-C stops it\n"
    assert rest == "\rstopped\nand on it goes\n" or rest == "\nstopped\nand on it goes\n"
    assert (running.returncode, errors) == (0, "")


def test_importing_the_package_imports_nothing_of_the_pages():
    code = "import sys, fastadapt; print({'plotly', 'matplotlib', 'PIL', 'http.server'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
