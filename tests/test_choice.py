"""One thread or all: what a choice makes of the times of steps; nothing of it shows in the numbers."""

from functools import partial

import numba
import numpy as np
import pytest
from conftest import INTERPRETED
from runs import normal

import fastadapt as fa
from fastadapt.devices import choice, cpu
from fastadapt.devices.choice import FIRST_REST, LAST_REST, TRIAL_STEPS, Choice


def used(taken, steps, one=None):
    """Whether each step used threads, where `taken(threads, k)` says how long step k takes."""
    one = one or Choice()
    found = []
    for k in range(steps):
        found.append(one.threads)
        one.note(taken(one.threads, k))
    return np.array(found)


def test_both_are_tried_in_the_first_steps():
    found = used(lambda threads, k: 1.0, 2 * TRIAL_STEPS)
    assert found[:TRIAL_STEPS].all()
    assert not found[TRIAL_STEPS:].any()


@pytest.mark.parametrize("better", [True, False])
@pytest.mark.parametrize("ratio", [1.2, 10])
def test_the_faster_is_used_but_for_few_trials(better, ratio):
    found = used(lambda threads, k: 1.0 if threads is better else ratio, 5000)[2 * TRIAL_STEPS :]
    trials = found != better
    assert 0 < trials.sum() <= TRIAL_STEPS * np.log2(5000 / FIRST_REST)


def test_threads_that_gain_little_are_not_used():
    found = used(lambda threads, k: 0.95 if threads else 1.0, 1000)[2 * TRIAL_STEPS :]
    assert found.mean() < 0.1


def test_threads_that_often_wait_for_a_core_are_not_used():
    """Though their median is the better."""
    found = used(lambda threads, k: (4.0 if k % 4 == 0 else 0.7) if threads else 1.0, 1000)[2 * TRIAL_STEPS :]
    assert found.mean() < 0.1


@pytest.mark.parametrize("better", [True, False])
def test_a_disturbed_step_in_a_trial_does_not_matter(better):
    def taken(threads, k):
        return 100.0 if k % TRIAL_STEPS == 1 else 1.0 if threads is better else 1.5

    assert (used(taken, 1000)[2 * TRIAL_STEPS :] == better).mean() > 0.9


@pytest.mark.parametrize("better", [True, False])
def test_what_becomes_much_slower_is_left_at_once(better):
    """As when another process begins to keep a core busy."""
    one = Choice()
    used(lambda threads, k: 1.0 if threads is better else 3.0, 20 * LAST_REST, one)
    found = used(lambda threads, k: 9.0 if threads is better else 3.0, 1000, one)
    assert (found[TRIAL_STEPS:] != better).mean() > 0.9


def test_what_becomes_faster_is_found_in_time():
    """As when that process ends: the longest that a choice rests."""
    one = Choice()
    used(lambda threads, k: 3.0 if threads else 1.0, 1000, one)
    found = used(lambda threads, k: 0.5 if threads else 1.0, LAST_REST + TRIAL_STEPS + 1, one)
    assert found[-1]


def test_a_trial_that_is_lost_is_cut_short():
    """One thread of sixty-four takes sixty times as long."""
    found = used(lambda threads, k: 1.0 if threads else 60.0, FIRST_REST // 2)
    assert (~found).sum() == TRIAL_STEPS // 2 + 1


@pytest.fixture
def _threads():
    if INTERPRETED:
        pytest.skip("no threads run")
    if numba.config.NUMBA_NUM_THREADS == 1:
        pytest.skip("one thread")
    before = numba.get_num_threads()
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


@pytest.fixture
def seen(monkeypatch):
    """How many threads the steps so far were allowed; every second one thread."""
    found, call = [], Choice.run

    def run(self, job):
        self.threads = len(found) % 2 == 0
        return call(self, lambda threads: (found.append(2 if threads else 1), job(threads))[1])

    monkeypatch.setattr(Choice, "run", run)
    return found


@pytest.mark.usefixtures("_threads")
def test_the_bits_are_the_same_with_one_thread_and_with_all(seen):
    n = cpu.PARALLEL_FROM + 37
    p, q = normal(0, n), normal(0, n)
    one, two = fa.Adam(p), fa.Adam([q[:5], q[5:]])
    for k in range(4):
        g = normal(1 + k, n)
        one.step(g, max_norm=1.0)  # which measures, and steps
        before = len(seen)
        two.step([g[:5], g[5:]], max_norm=1.0)
        assert len(seen) == before + 1
        seen.append(0)  # so that the other has all threads where this one had one
    assert (p == q).all()
    assert set(seen) == {0, 1, 2}
    assert numba.get_num_threads() == 2


@pytest.mark.usefixtures("_threads")
def test_one_thread_is_put_back_in_the_same_call_and_after_no_error():
    """Between a job and the next no signal's handler can run; what may raise comes before."""
    seen = []

    def job(*given):
        seen.append(numba.get_num_threads())

    jobs = [
        partial(seen.append, 0),
        choice.AdaptiveJob(None, job),
        partial(job),
        choice.AdaptiveJob(None, job),
        partial(job),
    ]
    for each in choice._with_one_thread(jobs):
        each()
    assert seen == [0, 1, 1, 1, 2]
    assert numba.get_num_threads() == 2


def test_what_a_handler_notes_in_the_middle_of_a_note_breaks_none_that_follow():
    one = Choice()
    for _ in range(TRIAL_STEPS):
        one.note(1.0)
    for taken in one._taken.values():
        taken.clear()  # as the one who notes does before he chooses
    for _ in range(3 * TRIAL_STEPS):
        one.note(1.0)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("spin", [True, False])
def test_threads_that_spin_are_charged_for_what_follows_the_step(monkeypatch, spin):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(choice, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(choice, "spin", lambda: spin)
    noted, one = [], Choice()
    monkeypatch.setattr(one, "note", noted.append)
    for _ in range(3):
        one.run(lambda threads: next(clock))
        next(clock), next(clock), next(clock)  # the user's gradients
    assert noted == ([50, 50] if spin else [20, 20, 20])


@pytest.mark.usefixtures("_threads")
def test_what_the_user_allows_one_thread_chooses_nothing(monkeypatch):
    numba.set_num_threads(1)
    monkeypatch.setattr(Choice, "note", None)
    Choice().run(lambda threads: None)
