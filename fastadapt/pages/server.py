"""The pages' web server: on this machine only, for whoever knows the token, and nothing runs that came over it."""

import json
import os
import webbrowser
from contextlib import suppress
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import BoundedSemaphore
from urllib.parse import urlsplit

from .backend import Backend, guarded
from .checks import MAX_BYTES, RequestError, parsed
from .page import Served

HOST = "127.0.0.1"
FIRST_PORT = 8321
TRIED_PORTS = 50

MOST_CONNECTIONS = 256
"""At once; a browser has six for a page."""

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Server(ThreadingHTTPServer):
    """A page and its backend at an address that holds a secret."""

    daemon_threads = True
    # Connections that the system keeps until they are accepted: with socketserver's 5, a burst of them is reset.
    request_queue_size = 128
    # On Windows, SO_REUSEADDR would share a port that another program listens on.
    allow_reuse_address = os.name == "posix"

    def __init__(self, backend: Backend, page: Served, port: int):
        self.backend, self.page, self.token = backend, page, token_urlsafe(24)
        self._free = BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((HOST, port), Handler)
        self.hosts = [f"{name}:{self.server_port}" for name in (HOST, "localhost")]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def process_request(self, request, client_address):
        """A thread for a connection; 503 where there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.sendall(BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        """One connection, from its first request to its last."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        """A browser that went away in the middle of an answer is no news."""


class Handler(BaseHTTPRequestHandler):
    """Gives the page's files by GET, and answers JSON by POST."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "fastadapt", ""
    timeout = 60

    def do_GET(self):
        name = self._below_token()
        if name is None:
            return
        file = self.server.page.files.get(name)
        if file is None:
            self._refuse(404, "there is no such file")
            return
        self._send(200, file.kind, file.body, cached=file.cached)

    def do_POST(self):
        name = self._below_token()
        if name is None:
            return
        if name != "ask":
            self._refuse(404, "expected POST for ask")
        elif self.headers.get("Origin") not in (None, *(f"http://{host}" for host in self.server.hosts)):
            self._refuse(403, "expected a request of this page")
        elif self.headers.get("Content-Type", "").strip().lower() != "application/json":
            self._refuse(415, "expected Content-Type application/json")
        else:
            self._answer()

    def _answer(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or self.headers.get("Transfer-Encoding"):
            self._refuse(411, "expected a Content-Length")
            return
        # A number of a thousand digits is longer than any body that is read.
        if len(length) > 9 or int(length) > MAX_BYTES:
            self._refuse(413, f"expected at most {MAX_BYTES:,} bytes")
            return
        try:
            status, answer = guarded(self.server.backend, parsed(self.rfile.read(int(length))))
        except RequestError as reason:
            status, answer = 400, {"error": str(reason)}
        try:
            body = json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()
        except ValueError:
            status, body = 500, b'{"error": "the answer holds a number that is not finite"}'
        self._send(status, "application/json", body)

    def _below_token(self):
        """What a path asks for behind the token; None, and the refusal is sent, where host or token are wrong."""
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(403, "expected another host")
            return None
        token, slash, name = urlsplit(self.path).path.lstrip("/").partition("/")
        if not slash or not compare_digest(token.encode("utf-8", "replace"), self.server.token.encode()):
            self._refuse(404, "there is nothing here")
            return None
        return name

    def send_error(self, code, message=None, explain=None):
        """Refuse what is no request, and other methods, in JSON: the standard library does it in HTML."""
        if code != 501:
            self._refuse(code, message or "expected a request")
        elif self._below_token() is not None:
            self._refuse(405, f"expected GET or POST, not {self.command}")

    def _refuse(self, status, why):
        # The body was not read, so the connection cannot be used again.
        self.close_connection = True
        self._send(status, "application/json", json.dumps({"error": why}).encode())

    def _send(self, status, kind, body, cached=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "private, max-age=86400, immutable" if cached else "no-store")
        self.send_header("Content-Security-Policy", self.server.page.policy)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if status == 405:
            self.send_header("Allow", "GET, POST")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        """Keep the terminal free."""


def open_server(backend: Backend, page: Served, port: int | None = None) -> tuple[Server, str]:
    """A server on the port, or on the next one that is free, and a line about that ("" where it is the port)."""
    first = FIRST_PORT if port is None else port
    for candidate in range(first, min(first + TRIED_PORTS, 65536)):
        try:
            server = Server(backend, page, candidate)
        except (OSError, OverflowError):
            continue
        return server, "" if candidate == first else f"port {first} is taken; {candidate} is free"
    raise OSError(f"no port from {first} to {candidate} is free")


def serve(backend: Backend, page: Served, port: int | None = None, browser: bool = True) -> None:
    """Serve a page until Ctrl-C."""
    server, taken = open_server(backend, page, port)
    with server:
        try:
            if taken:
                print(taken, flush=True)
            print(f"{server.address}\nCtrl-C stops it", flush=True)
            if browser:
                webbrowser.open(server.address)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print("\rstopped", flush=True)
        finally:
            backend.jobs.stop_all()
