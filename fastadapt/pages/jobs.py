"""Work in the background: its progress, what it has so far, its end, and how it is stopped."""

from collections.abc import Callable
from itertools import count
from threading import Lock, Thread
from typing import Any

from .checks import RequestError

MAX_RUNNING = 16
MAX_KEPT = 64

Tell = Callable[[float, str], None]
"""What hears which share of some work is done, and in a few words what is being done."""


def untold(share: float, doing: str) -> None:
    """Of work whose progress nobody follows."""


class StoppedError(Exception):
    """The job was asked to stop; raised inside its work by `report` and `show`."""


class Job:
    """One piece of work. The work is given the job, and calls `report` and `show` often."""

    def __init__(self, key: str, kind: str, client: str):
        self.key, self.kind, self.client = key, kind, client
        self.state, self.share, self.doing = "running", 0.0, ""
        self.partial, self.version = None, 0
        self.result, self.error = None, ""
        self.stopping = False

    def report(self, share: float, doing: str = "") -> None:
        """Say which share is done, and in a few words what is being done; `StoppedError` if it is to stop."""
        self.check()
        self.share, self.doing = share, doing

    def show(self, partial: dict[str, Any]) -> None:
        """Hand over what there is so far; the next look gets it."""
        self.check()
        self.partial, self.version = partial, self.version + 1

    def check(self) -> None:
        """Raise `StoppedError` if the job is to stop."""
        if self.stopping:
            raise StoppedError

    def seen(self, version: int) -> dict[str, Any]:
        """What a page that has seen this version of the partial result is told."""
        told = {"state": self.state, "share": self.share, "doing": self.doing, "version": self.version}
        if self.state == "running" and self.version > version:
            told["partial"] = self.partial
        if self.state == "done":
            told["result"] = self.result
        if self.state == "failed":
            told["error"] = self.error
        return told


class Quiet(Job):
    """The job of work that no page looks at: it reports to `tell(share, doing)`, and keeps what it shows to itself."""

    def __init__(self, tell: Tell = untold):
        super().__init__("", "", "")
        self._tell = tell

    def report(self, share: float, doing: str = "") -> None:
        """Pass on what is being done."""
        self._tell(share, doing)

    def show(self, partial: dict[str, Any]) -> None:
        """Nobody looks."""


class Jobs:
    """The jobs of all clients. A client's new job takes the place of its older one of the same kind."""

    def __init__(self):
        self._jobs: dict[str, Job] = {}
        self._keys = count(1)
        self._lock = Lock()

    def start(self, kind: str, client: str, work: Callable[[Job], dict[str, Any]]) -> str:
        """Begin `work(job)` in a thread of its own; the key under which to look at it."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
            for job in running:
                if (job.kind, job.client) == (kind, client):
                    job.stopping = True
            if sum(not job.stopping for job in running) >= MAX_RUNNING or len(running) >= 2 * MAX_RUNNING:
                raise RequestError(f"{kind}: {len(running)} jobs are running; stop one first")
            job = Job(str(next(self._keys)), kind, client)
            self._jobs[job.key] = job
            self._forget()
        Thread(target=_run, args=(job, work), daemon=True, name=f"job {job.key}: {kind}").start()
        return job.key

    def look(self, key: str, client: str, version: int = 0) -> dict[str, Any]:
        """How a client's job stands."""
        return self._of(key, client).seen(version)

    def stop(self, key: str, client: str) -> None:
        """Ask a client's job to stop, which it does when it next reports."""
        self._of(key, client).stopping = True

    def stop_of(self, client: str) -> None:
        """Ask all jobs of a client to stop: its page is gone."""
        with self._lock:
            for job in self._jobs.values():
                job.stopping |= job.client == client

    def stop_all(self) -> None:
        """Ask every job to stop."""
        with self._lock:
            for job in self._jobs.values():
                job.stopping = True

    def _of(self, key, client):
        with self._lock:
            job = self._jobs.get(key)
        if job is None or job.client != client:
            raise RequestError(f"job: there is none with the key {key[:20]!r}")
        return job

    def _forget(self):
        """Drop the oldest jobs that have ended, so that results do not pile up."""
        ended = [key for key, job in self._jobs.items() if job.state != "running"]
        for key in ended[: max(0, len(self._jobs) - MAX_KEPT)]:
            del self._jobs[key]


def _run(job, work):
    try:
        job.result = work(job)
        job.share, job.state = 1.0, "done"
    except StoppedError:
        job.state = "stopped"
    except RequestError as reason:
        job.error, job.state = str(reason), "failed"
    except Exception as error:
        # A user's function may raise anything; the page says so, and the server lives on.
        job.error, job.state = f"{type(error).__name__}: {error}", "failed"
