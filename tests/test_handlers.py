"""Handlers of signals that use an optimizer in the middle of its step, and programs that handle signals themselves."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from children import child, real_processes
from conftest import Cuda, for_maintainers, has_gpu

import fastadapt as fa
from fastadapt import turns
from fastadapt.threads import uninterrupted

HANDLERS = """
import signal, time

def ring(handler, seconds, body, gap=1e-3):
    '''Call `body` for so long, while a handler comes every millisecond, one at a time; how often each ran.'''
    busy, ran = [], [0, 0]

    def once(*_):
        if not busy:
            busy.append(1)
            ran[1] += 1
            handler()
            busy.clear()

    signal.signal(signal.SIGALRM, once)
    signal.setitimer(signal.ITIMER_REAL, gap, gap)
    end = time.monotonic() + seconds
    while time.monotonic() < end or min(ran) <= 50 and time.monotonic() < end + 60:  # the first may compile
        ran[0] += 1
        body()
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert min(ran) > 50, ran
    return ran
"""

SAME = """
p, q = np.zeros(1000, np.float32), np.zeros((5, 4), np.float32)
opt = fa.SGD([p, q], lr=1.0)
turned = np.ones((4, 5), np.float32).T  # which is copied into another order
small, none, mixed = [np.ones(1000, np.float32), turned], [np.ones(1000), None], [np.ones(1000), turned]
opt.step(small), opt.step(none), opt.step(mixed)
taken = np.array([3, 2])

def inside():
    opt.step([np.full(1000, 1024, np.float32), np.full((5, 4), 1024, np.float32) if turn[0] % 2 else None])
    turn[1] += turn[0] % 2
    turn[0] += 1

def body():
    opt.step((small, none, mixed)[ours[0] % 3])
    ours[0] += 1
    ours[1] += ours[0] % 3 != 2

turn, ours = [0, 0], [0, 0]
for _ in range(8):  # for 2**24 ones are all that float32 counts
    p[...], q[...], turn[:], ours[:] = 0, 0, [0, 0], [0, 0]
    before = opt.t, np.array(opt.counts)
    ring(inside, 0.25, body)
    assert opt.t - before[0] == turn[0] + ours[0]
    assert (np.array(opt.counts) - before[1] == [turn[0] + ours[0], turn[1] + ours[1]]).all()
    assert set(p) == {-1024.0 * turn[0] - ours[0]}, (set(p), turn, ours)
    assert set(q.flat) == {-1024.0 * turn[1] - ours[1]}, (set(q.flat), turn, ours)
"""

CLIPPED = """
p, q = np.zeros(60000), np.zeros(60000)
ones, tens = np.ones(60000), np.full(60000, 10.0)
opt, other = fa.SGD(p, lr=1.0), fa.SGD(q, lr=1.0)
root = 60000**0.5

def inside():
    other.step(tens, max_norm=root)  # a norm of ten times that
    opt.step(10 * tens, max_norm=2 * root)

ran = ring(inside, 1.2, lambda: opt.step(ones, max_norm=4 * root), 5e-3)
assert other.t == ran[1] and opt.t == sum(ran), (other.t, opt.t, ran)
assert np.allclose(q, -ran[1], rtol=1e-12, atol=0) and np.ptp(q) == 0
assert np.allclose(p, -ran[0] - 2 * ran[1], rtol=1e-12, atol=0) and np.ptp(p) == 0
"""

OTHERS = """
p = np.zeros(2000, np.float32)
opt = fa.SGD([p], lr=1.0, momentum=0.5, nonfinite="skip", groups={"0": {"dampening": 0.0}})
coef = fa.SGD.coefficients(1)
fa.SGD.kernel(np.zeros(3), np.ones(3), (), coef)
first, bad, seen, k = opt.state_dict(), np.full(2000, np.inf, np.float32), [], [0]
ones = [np.ones(2000, np.float32)]

def inside():
    k[0] += 1
    what = k[0] % 7
    if what == 0:
        opt.load_state_dict(first)
    elif what == 1:
        opt.zero_state()
    elif what == 2:
        opt.momentum = 0.5 + 0.25 * (k[0] % 2)
    elif what == 3:
        seen.append(opt.state_dict())
    elif what == 4:
        opt.step([bad])
    elif what == 5:
        fa.SGD(np.zeros(3), momentum=0.5).step(np.ones(3))
    else:
        fa.SGD.kernel(np.zeros(3), np.ones(3), (), coef)

def body():
    p[...] = 0
    opt.step(ones)
    # One value in all weights, and in all of the state.
    assert len(set(p)) == 1 and p[0] <= 0, set(p)
    assert len(set(opt.state["b"][0])) == 1

ring(inside, 2, body)
for one in seen:
    (b,) = one["state"]["b"].values()
    assert len(set(b)) == 1 and (b[0] == 0) == (one["t"] == 0), (b, one["t"])
assert opt.skipped.total <= k[0] and len(seen) > 5
"""

TAKEN = """
p = np.zeros(50000)
opt = fa.SGD([p, np.zeros(50000)], lr=1.0, momentum=0.5)
ones = [np.ones(50000), np.ones(50000)]
opt.step(ones)
seen = []

def body():
    state = opt.state_dict()
    seen.append(({float(x) for b in state["state"]["b"].values() for x in (b.min(), b.max())}, state["t"]))

ring(lambda: opt.step(ones), 1, body, 5e-3)
assert all(len(values) == 1 for values, _ in seen), seen
assert [t for _, t in seen] == sorted(t for _, t in seen)
"""

ASSIGNED = """
opt = fa.SGD(np.zeros(3), lr=1.0, momentum=0.5)
opt.step(np.ones(3))
kept, last, k = opt.state_dict(), [0.5], [0]

def inside():
    k[0] += 1
    if k[0] % 3:
        opt.momentum = last[0] = 0.25 + 0.5 * (k[0] % 2)
    else:
        opt.load_state_dict(kept)
        last[0] = 0.5

def body():
    opt.lr = 3.0 - opt.lr
    while True:
        count, found, wanted = k[0], opt.momentum, last[0]
        if k[0] == count:
            break
    assert found == wanted, (found, wanted)

ring(inside, 1, body)
"""


@real_processes
@pytest.mark.parametrize(
    "code",
    [SAME, *for_maintainers(OTHERS, CLIPPED, TAKEN, ASSIGNED)],
    ids=["same", "others", "clipped", "checkpoints", "assignments"],
)
def test_a_handler_that_uses_an_optimizer_in_the_middle_of_a_step_comes_before_it_or_after_it(code):
    child(HANDLERS + code)


class Odd:
    """A gradient that Python has to look at."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(3)


@pytest.fixture
def interrupting(monkeypatch):
    """The function that lets `handler` run in the middle of steps, as from a signal: so often, where Python looks."""

    def interrupt(opt, handler, times=1):
        (batch,) = opt._batches
        name = "prepare" if hasattr(batch, "prepare") else "look"
        real, left = getattr(batch, name), [times]

        def look(*given):
            found = real(*given)
            if left[0]:
                left[0] -= 1
                handler()
            return found

        monkeypatch.setattr(batch, name, look)

    return interrupt


def test_a_handler_that_always_comes_between_is_an_error_and_nothing_is_done(interrupting):
    p = np.zeros(3)
    opt = fa.SGD(p, lr=1.0)
    interrupting(opt, lambda: opt.step(np.full(3, 2.0)), turns.TRIES)
    with pytest.raises(RuntimeError, match=r"step: nothing was done, .*handler.*1000 times"):
        opt.step(Odd())
    assert (opt.t, p.tolist()) == (turns.TRIES, [-2.0 * turns.TRIES] * 3)  # which are the handler's
    opt.step(Odd())
    assert (opt.t, p.tolist()) == (turns.TRIES + 1, [-2.0 * turns.TRIES - 1] * 3)


def test_what_a_handler_changed_is_what_the_step_then_takes(interrupting):
    p = np.zeros(3)
    opt = fa.SGD(p, lr=1.0, momentum=0.5)
    opt.step(np.ones(3))
    before = p.copy()

    def handler():
        opt.zero_state()
        opt.lr = 2.0

    interrupting(opt, handler)
    opt.step(Odd())  # the first one since, b = g
    assert (opt.t, (p - before).tolist()) == (1, [-2] * 3)


class StopError(Exception):
    """An error whose arguments cannot be compared with others."""


def test_an_error_of_a_handler_in_the_middle_of_a_step_passes_through_as_it_is(interrupting):
    p = np.zeros(3)
    opt = fa.SGD(p, lr=1.0)

    def handler():
        raise StopError(np.array([1, 2]))

    interrupting(opt, handler)
    with pytest.raises(StopError):
        opt.step(Odd())
    assert (opt.t, p.tolist()) == (0, [0] * 3)


def test_who_reads_an_optimizer_gives_his_ticket_back():
    opt = fa.SGD(np.zeros(3))
    for _ in range(5):
        opt.state_dict()
    assert not opt._turn._tickets


def test_the_error_of_a_handler_that_stepped_too_is_the_users(interrupting):
    p = np.zeros(3)
    opt = fa.SGD(p, lr=1.0)

    def handler():
        opt.step(np.ones(3))
        raise KeyError("mine")

    interrupting(opt, handler)
    with pytest.raises(KeyError, match="mine"):
        opt.step(Odd())
    assert (opt.t, p.tolist()) == (1, [-1] * 3)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "hyper", [{}, {"max_norm": 100.0}, {"capturable": True}], ids=["plain", "clipped", "capturable"]
)
def test_on_cuda_a_handler_in_the_middle_of_a_step_is_an_error_and_the_step_is_whole(hyper, interrupting):
    if not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")
    p, g, more = (Cuda.array(np.full(3, x, np.float32)) for x in (0.0, 1.0, 100.0))
    opt, other = fa.SGD(p, lr=1.0, **hyper), fa.SGD(more, lr=1.0)
    opt.step(g)
    said = []

    def handler():
        opt.step(more)
        opt.zero_state()
        opt.lr = 0.5
        other.step(g)  # which is its own
        try:
            opt.state_dict()
        except RuntimeError as error:
            said.append(str(error))

    interrupting(opt, handler)
    with pytest.raises(RuntimeError, match=r"in the middle of its step on CUDA.*nothing of what the handler asked for"):
        opt.step(g)
    assert len(said) == 1
    assert (opt.t, opt.lr, Cuda.numpy(p).tolist(), Cuda.numpy(more).tolist()) == (2, 1.0, [-2] * 3, [99] * 3)
    opt.lr = 0.5
    opt.step(g)
    assert (opt.t, Cuda.numpy(p).tolist()) == (3, [-2.5] * 3)


HOSTED = """
import _thread, sys
sys.path[:0] = {path}
done = _thread.allocate_lock()
done.acquire()

def work():
    try:
        import numpy as np
        import fastadapt as fa
        w = np.zeros(3)
        opt = fa.SGD(w, lr=1.0)
        opt.step(np.ones(3))
        opt.load_state_dict(opt.state_dict())
        from fastadapt.threads import uninterrupted
        with uninterrupted():
            opt.zero_state()
        print(*w, opt.t)
    finally:
        done.release()

_thread.start_new_thread(work, ())
done.acquire()
"""


@real_processes
def test_python_that_a_program_runs_on_another_thread_than_its_first_makes_an_optimizer():
    """Which is the first to import `threading`, and so the one that it takes for the main thread."""
    code = HOSTED.format(path=[p for p in sys.path if p])
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["-1.0", "-1.0", "-1.0", "0"], done.stderr


HANDLED_IN_C = """
import ctypes
libc, kind = ctypes.CDLL(None), ctypes.CFUNCTYPE(None, ctypes.c_int)
handler = kind(lambda _: os.write(1, b"host\\n"))
libc.signal.argtypes, libc.signal.restype = [ctypes.c_int, kind], ctypes.c_void_p
libc.signal(2, handler)
opt = fa.SGD(np.zeros(3))
opt.step(np.ones(3))
opt.zero_state()
opt.load_state_dict(opt.state_dict())
os.kill(os.getpid(), 2)
time.sleep(0.1)
"""


@real_processes
def test_a_handler_of_ctrl_c_that_is_not_pythons_stays():
    assert child(HANDLED_IN_C)[0] == ["host"]


def test_ctrl_c_waits_where_python_handles_it_and_else_is_left_alone(monkeypatch):
    ran, set_to = [], []

    def interrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            ran.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ran == [True]
    with monkeypatch.context() as patched:
        patched.setattr(signal, "getsignal", lambda number: None)
        patched.setattr(signal, "signal", lambda *given: set_to.append(given))
        with uninterrupted():
            pass
    assert not set_to

    def refused(*_):
        raise ValueError("signal only works in main thread of the main interpreter")

    monkeypatch.setattr(signal, "signal", refused)
    with uninterrupted():
        ran.append(True)
    assert len(ran) == 2
