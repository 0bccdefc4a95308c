"""The pages' web server: on this machine only, for whoever knows the token, and nothing runs that came over it."""

import os
import webbrowser
from contextlib import suppress
from http.server import ThreadingHTTPServer
from secrets import token_urlsafe
from threading import BoundedSemaphore

from .backend import Backend
from .handler import Handler
from .page import Served

HOST = "127.0.0.1"
FIRST_PORT = 8321
TRIED_PORTS = 50

MOST_CONNECTIONS = 256
"""At once; a browser has six for a page."""

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


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
