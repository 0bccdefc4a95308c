"""Python threads that step at the same time, under each of Numba's threading layers."""

import pytest
from children import child, every_layer, real_processes, usual_layer

pytestmark = real_processes


@usual_layer
def test_eight_threads_step_optimizers_of_their_own(layer):
    """Under workqueue, two parallel kernels at once would abort the process."""
    code = """
CASES = [(cls, n, how) for cls in (fa.Adam, fa.SGD) for n in (LARGE, 1000) for how in ({}, {"max_norm": 1.0})]
expected = [serial(cls, n, 30, **how) for cls, n, how in CASES]
found, gate = [None] * len(CASES), threading.Barrier(len(CASES))

def work(k):
    cls, n, how = CASES[k]
    p, grads = weights(0, n), [weights(1 + i, n) for i in range(3)]
    opt = cls(p)
    gate.wait()
    for i in range(30):
        opt.step(grads[i % 3], **how)
    found[k] = p

threads = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(len(CASES))]
[t.start() for t in threads], [t.join() for t in threads]
assert all((a == b).all() for a, b in zip(found, expected, strict=True))
print(numba.threading_layer())
"""
    assert child(code, layer) == ([layer], "")


@usual_layer
def test_four_threads_step_one_optimizer_one_after_the_other(layer):
    code = """
g = weights(1)
expected, p = weights(0), weights(0)
one, opt = fa.Adam(expected), fa.Adam(p)
for _ in range(100):
    one.step(g)

def work():
    for _ in range(25):
        opt.step(g)

threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
assert (p == expected).all()
print(opt.t, opt.counts)
"""
    assert child(code, layer)[0] == ["100 100"]


@usual_layer
def test_a_thread_that_takes_checkpoints_gets_those_of_whole_steps(layer):
    """While the other steps. With gradients of one, the sums of squares of all arrays are the number of steps."""
    code = """
params = {"a": np.zeros(LARGE, np.float32), "b": np.zeros(7), "c": np.zeros((9, 9), np.float32)[:, ::2]}
grads = {"a": np.ones(LARGE, np.float32), "b": np.ones(7), "c": np.ones((9, 5), np.float16)}
opt, seen, done = fa.AdaGrad(params), [], threading.Event()

def work():
    while not done.is_set():
        opt.step(grads)

thread = threading.Thread(target=work, daemon=True)
thread.start()
while len(set(seen)) < 20:
    time.sleep(1e-3)
    found = opt.state_dict()
    sums = {float(x) for r in found["state"]["r"].values() for x in (r.min(), r.max())}
    assert sums == {float(found["t"])} and set(found["counts"].values()) == {found["t"]}, (sums, found["t"])
    assert (opt.state["r"]["a"].shape == (LARGE,))
    seen.append(found["t"])
done.set()
thread.join()
assert seen == sorted(seen)
"""
    child(code, layer)


@pytest.mark.maintainer
@every_layer
def test_small_state_is_read_and_kernels_are_called_while_others_step(layer):
    code = """
def step():
    opt = fa.Adam(weights(0), state_bits=8)
    for _ in range(8):
        opt.step(weights(1))
        assert np.isfinite(opt.state["v"]).all()

def call():
    p, g = weights(0), weights(1)
    for _ in range(25):
        fa.SGD.kernel(p, g, (), fa.SGD.coefficients(1, lr=0.1))

threads = [threading.Thread(target=work, daemon=True) for work in (step, step, call, call)]
[t.start() for t in threads], [t.join() for t in threads]
"""
    child(code, layer)
