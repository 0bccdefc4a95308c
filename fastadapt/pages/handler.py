"""How the pages' server answers one request: host and token first, then the page's files, or JSON."""

from __future__ import annotations

import json
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .backend import guarded
from .checks import MAX_BYTES, RequestError, parsed

if TYPE_CHECKING:
    from .server import Server

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


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
