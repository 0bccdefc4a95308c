"""Work in the background: progress, partial results, stop, errors, limits, and who may look."""

import time
from threading import Event

import pytest

from fastadapt.pages.backend import Backend, guarded
from fastadapt.pages.checks import RequestError
from fastadapt.pages.jobs import MAX_KEPT, MAX_RUNNING, Jobs

WAIT = 20


def ended(jobs, key, client="me"):
    """How a job stands when it has ended."""
    for _ in range(2000):
        look = jobs.look(key, client)
        if look["state"] != "running":
            return look
        time.sleep(0.01)
    raise AssertionError("the job does not end")


class Held:
    """Work that waits until it is let go, and reports then."""

    def __init__(self):
        self.begun, self.go = Event(), Event()

    def __call__(self, job):
        job.report(0.25, "waiting")
        self.begun.set()
        assert self.go.wait(WAIT)
        job.report(0.75, "going")
        return {"n": 1}


def test_a_job_tells_its_progress_and_then_its_result():
    jobs, work = Jobs(), Held()
    key = jobs.start("kind", "me", work)
    assert work.begun.wait(WAIT)
    assert jobs.look(key, "me") == {"state": "running", "share": 0.25, "doing": "waiting", "version": 0}
    work.go.set()
    assert ended(jobs, key) == {"state": "done", "share": 1.0, "doing": "going", "version": 0, "result": {"n": 1}}


def test_a_partial_result_is_told_once_to_each_page_that_has_not_seen_it():
    jobs, shown, go = Jobs(), Event(), Event()

    def work(job):
        job.show({"n": 1})
        job.show({"n": 2})
        shown.set()
        assert go.wait(WAIT)
        return {}

    key = jobs.start("kind", "me", work)
    assert shown.wait(WAIT)
    assert jobs.look(key, "me", 0)["partial"] == jobs.look(key, "me", 1)["partial"] == {"n": 2}
    assert "partial" not in jobs.look(key, "me", 2)
    go.set()
    ended(jobs, key)


def test_a_job_that_is_stopped_ends_where_it_next_reports():
    jobs, work = Jobs(), Held()
    key = jobs.start("kind", "me", work)
    assert work.begun.wait(WAIT)
    jobs.stop(key, "me")
    work.go.set()
    look = ended(jobs, key)
    assert (look["state"], look["share"]) == ("stopped", 0.25)
    assert "result" not in look


def test_an_error_in_a_job_is_told_by_its_kind_and_message():
    jobs = Jobs()

    def work(job):
        job.show({"n": 1})
        raise KeyError("no such thing")

    look = ended(jobs, jobs.start("kind", "me", work))
    assert (look["state"], look["error"]) == ("failed", "KeyError: 'no such thing'")
    assert "partial" not in look
    assert ended(jobs, jobs.start("kind", "me", lambda job: {"n": 2}))["result"] == {"n": 2}


def test_a_clients_new_job_stops_its_older_one_of_the_same_kind_and_no_other():
    jobs, works = Jobs(), [Held() for _ in range(4)]
    asked = [("a", "me"), ("b", "me"), ("a", "you"), ("a", "me")]
    keys = [jobs.start(kind, client, work) for (kind, client), work in zip(asked, works, strict=True)]
    for work in works:
        assert work.begun.wait(WAIT)
        work.go.set()
    states = [ended(jobs, key, client)["state"] for key, (_, client) in zip(keys, asked, strict=True)]
    assert states == ["stopped", "done", "done", "done"]


def test_a_client_neither_sees_nor_stops_the_job_of_another():
    jobs, work = Jobs(), Held()
    key = jobs.start("kind", "me", work)
    for act in (jobs.look, jobs.stop):
        with pytest.raises(RequestError, match="there is none with the key"):
            act(key, "you")
    work.go.set()
    assert ended(jobs, key)["state"] == "done"


def test_more_jobs_than_the_limit_are_refused_until_one_ends():
    jobs, works = Jobs(), [Held() for _ in range(MAX_RUNNING)]
    keys = [jobs.start(f"kind {n}", "me", work) for n, work in enumerate(works)]
    with pytest.raises(RequestError, match=f"{MAX_RUNNING} jobs are running; stop one first"):
        jobs.start("another", "me", Held())
    works[0].go.set()
    ended(jobs, keys[0])
    assert ended(jobs, jobs.start("another", "me", lambda job: {}))["state"] == "done"
    for work in works:
        work.go.set()
    for key in keys:
        ended(jobs, key)


def test_results_do_not_pile_up():
    jobs = Jobs()
    keys = []
    for n in range(MAX_KEPT + 5):
        keys.append(jobs.start("kind", f"client {n}", lambda job: {}))
        ended(jobs, keys[-1], f"client {n}")
    with pytest.raises(RequestError, match="there is none"):
        jobs.look(keys[0], "client 0")
    assert jobs.look(keys[-1], f"client {MAX_KEPT + 4}")["state"] == "done"


def test_when_the_page_ends_every_job_is_asked_to_stop():
    jobs, works = Jobs(), [Held(), Held()]
    keys = [jobs.start(str(n), "me", work) for n, work in enumerate(works)]
    for work in works:
        assert work.begun.wait(WAIT)
    jobs.stop_all()
    for key, work in zip(keys, works, strict=True):
        work.go.set()
        assert ended(jobs, key)["state"] == "stopped"


class Slow(Backend):
    """Answers "wait" by a job that waits."""

    answers = ("wait",)

    def __init__(self):
        super().__init__()
        self.work = Held()

    def wait(self, request):
        return self.job(request, "wait", self.work)


def test_a_page_begins_looks_at_and_stops_its_job_by_requests():
    backend = Slow()
    status, answer = guarded(backend, {"do": "wait", "client": "me"})
    assert (status, list(answer)) == (200, ["job"])
    assert backend.work.begun.wait(WAIT)
    about = {"job": answer["job"], "client": "me"}
    assert backend.answer({"do": "look", **about})["doing"] == "waiting"
    assert guarded(backend, {"do": "stop", **about, "client": "you"})[0] == 400
    assert backend.answer({"do": "stop", **about}) == {}
    backend.work.go.set()
    assert ended(backend.jobs, answer["job"])["state"] == "stopped"


def test_a_page_that_leaves_stops_its_own_jobs_and_no_others():
    backend = Slow()
    other = Held()
    key = backend.answer({"do": "wait", "client": "me"})["job"]
    kept = backend.jobs.start("wait", "you", other)
    assert backend.work.begun.wait(WAIT)
    assert other.begun.wait(WAIT)
    assert backend.answer({"do": "leave", "client": "me"}) == {}
    for work in (backend.work, other):
        work.go.set()
    assert ended(backend.jobs, key)["state"] == "stopped"
    assert ended(backend.jobs, kept, "you")["state"] == "done"


@pytest.mark.parametrize("client", [None, "", "x" * 65, 7, ["me"]])
def test_a_job_needs_the_key_of_a_client(client):
    status, answer = guarded(Slow(), {"do": "wait", "client": client})
    assert (status, answer) == (400, {"error": "client: expected a key of 1 to 64 characters"})
