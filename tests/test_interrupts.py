"""Signals while a step is under way: all arrays have taken it, or none."""

import pytest
from children import child, real_processes
from conftest import for_maintainers, sample

pytestmark = real_processes

CODE = """
import random, signal, time
random.seed(0)
sys.setswitchinterval(1e-5)  # or the sender waits 5 ms for its turn, and few signals come in a step
N = SIZE
gaps = np.zeros((9, 9), np.float32)
params = [np.zeros(N, np.float32), np.zeros(7), gaps[:, ::2], np.zeros(5, np.float32), np.zeros((4, 3)).T]
grads = [np.ones(N, np.float32), np.ones(7), np.ones((9, 5), np.float16), np.ones(5), np.ones((3, 4))]
opt = fa.AdaGrad(params, groups={"3": {"lr": 0.5}})

class Alarm(Exception):
    pass

def rang(*_):
    raise Alarm

def saved(*_):
    found.append(opt.state_dict())
    ready[0] = True

ready = [False]
found = []
signal.signal(signal.SIGALRM, rang)
signal.signal(signal.SIGUSR1, saved)
opt.step(grads)
opt.step([None, *grads[1:]])

def whole():
    '''Whether all arrays have taken the steps that they are said to have taken.'''
    counts = opt.counts
    sums = [{float(x) for x in (r.min(), r.max())} for r in opt.state["r"]]
    weights = [{float(x) for x in (p.min(), p.max())} for p in params]
    assert counts == [opt.t - 1] + [opt.t] * 4, (counts, opt.t)
    assert sums == [{float(n)} for n in counts], (sums, counts)
    assert all(len(one) == 1 for one in weights), weights
    # lr times the sum of the roots of 1/k; the rules of rounding differ by dtype
    for p, n, lr in zip(params, counts, (0.01, 0.01, 0.01, 0.5, 0.01)):
        expected = -lr * roots[n]
        assert abs(p.flat[0] - expected) < 1e-3 * abs(expected), (p.flat[0], expected, n)

roots = np.concatenate([[0.0], np.cumsum(1 / np.sqrt(np.arange(1, 10**6)))])
SIGNALS, stop = (signal.SIGINT, signal.SIGALRM, signal.SIGUSR1), threading.Event()

def send():
    # One signal at a time, when the last one was dealt with.
    while not stop.is_set():
        if ready[0]:
            ready[0] = False
            time.sleep(random.random() * 2e-3)
            os.kill(os.getpid(), random.choice(SIGNALS))
        time.sleep(1e-4)

def run():
    ready[0] = True
    while True:
        opt.step(grads)

sender, caught = threading.Thread(target=send, daemon=True), {KeyboardInterrupt: 0, Alarm: 0}
sender.start()
while min(*caught.values(), len(found)) < COUNT:
    try:
        run()
    except (KeyboardInterrupt, Alarm) as error:
        caught[type(error)] += 1
        whole()
stop.set()
sender.join()
for one in found:
    assert {float(r.max()) for r in one["state"]["r"].values()} <= {one["t"], one["t"] - 1}
    assert [float(r.min()) for r in one["state"]["r"].values()] == list(one["counts"].values())
print("whole")
"""


@sample(20, 200)
@pytest.mark.parametrize("size", [300, *for_maintainers(2**18 + 3)])
def test_a_signal_comes_before_a_step_or_after_it(size, count):
    """Ctrl-C, an alarm whose handler raises, and a signal whose handler takes a checkpoint, each so often."""
    assert child(CODE.replace("SIZE", str(size)).replace("COUNT", str(count)), "omp")[0] == ["whole"]
