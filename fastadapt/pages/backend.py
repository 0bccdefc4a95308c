"""What a page talks to: one object that describes itself and answers requests."""

from typing import Any, ClassVar

from .checks import RequestError
from .jobs import Jobs


class Backend:
    """Answers the requests of one page, `{"do": name, "client": key, ...}`, by its methods named in `answers`.

    A method takes the request and returns a dict that JSON can hold. Long work is `self.job(request, kind, work)`,
    which returns `{"job": key}`; the page then asks `{"do": "look", "job": key, "version": n}` until its state is no
    longer "running", and may ask `{"do": "stop", "job": key}`. A page that is closed says `{"do": "leave"}`, and all
    jobs of its client stop.
    """

    page = ""
    answers: ClassVar[tuple[str, ...]] = ()

    def __init__(self):
        self.jobs = Jobs()

    def describe(self) -> dict[str, Any]:
        """All that the page needs first."""
        raise NotImplementedError

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request; `RequestError` where there is none."""
        name = request.get("do")
        if name == "describe":
            return self.describe()
        if name == "look":
            version = request.get("version", 0)
            return self.jobs.look(_key(request, "job"), client_of(request), version if type(version) is int else 0)
        if name == "stop":
            self.jobs.stop(_key(request, "job"), client_of(request))
            return {}
        if name == "leave":
            self.jobs.stop_of(client_of(request))
            return {}
        if name not in self.answers:
            raise RequestError(f"do: expected one of {', '.join(self.answers)}, not {str(name)[:40]!r}")
        return getattr(self, name)(request)

    def job(self, request: dict[str, Any], kind: str, work) -> dict[str, Any]:
        """Begin work in the background for the client of a request."""
        return {"job": self.jobs.start(kind, client_of(request), work)}


def client_of(request: dict[str, Any]) -> str:
    """The key of the page that asks: a random one, of its own making."""
    return _key(request, "client")


def _key(request, name):
    value = request.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise RequestError(f"{name}: expected a key of 1 to 64 characters")
    return value


def guarded(backend: Backend, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the answer to a request, an error as `{"error": why}`: for transports."""
    try:
        return 200, backend.answer(request)
    except RequestError as reason:
        return 400, {"error": str(reason)}
    except Exception as error:
        return 500, {"error": f"{type(error).__name__}: {error}"}
