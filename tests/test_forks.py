"""Children of every kind step right, under each of Numba's threading layers."""

import pytest
from children import child, real_processes, usual_layer
from conftest import for_maintainers, sample

pytestmark = real_processes

FORK = """
def forked(work):
    '''Run a function in a forked child, which has to end well within twenty seconds.'''
    sys.stdout.flush()
    if not (pid := os.fork()):
        import signal
        signal.alarm(20)
        try:
            work()
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
"""
SAYS = "this process was forked from one whose threads ran"


@usual_layer
def test_a_forked_child_goes_on_to_the_bit_and_says_once_if_it_has_no_threads(layer):
    code = (
        FORK
        + """
p = weights(0)
opt = fa.Adam(p)
opt.step(weights(1))

def work():
    opt.step(weights(2))
    opt.step(weights(3))
    assert (p == serial(fa.Adam, LARGE, 3)).all() and opt.t == 3
    q = weights(0)
    new = fa.Adam(q)
    for k in range(3):
        new.step(weights(1 + k), max_norm=1.0)
    assert (q == serial(fa.Adam, LARGE, 3, max_norm=1.0)).all()
    forked(lambda: new.step(weights(1)))  # a grandchild

forked(work)
forked(work)
opt.step(weights(2))
print(opt.t, numba.threading_layer())
"""
    )
    lines, errors = child(code, layer)
    assert lines == [f"2 {layer}"]
    assert errors.count(SAYS) == (2 if layer == "omp" else 0), errors  # in each of the children


@usual_layer
def test_a_child_forked_before_the_first_threads_has_its_own(layer):
    code = (
        FORK
        + """
opt = fa.Adam(weights(0))

def work():
    opt.step(weights(1))
    print(numba.threading_layer())

forked(work)
forked(work)
"""
    )
    assert child(code, layer) == ([layer] * 2, "")


@usual_layer
@sample(1, 30)
def test_a_fork_waits_for_the_step_of_another_thread(layer, count):
    """With gradients of one, the sums of squares of all arrays are the number of steps."""
    code = (
        FORK
        + """
params = [np.zeros(LARGE, np.float32), np.zeros(7), np.zeros((9, 9), np.float32)[:, ::2]]
grads, done = [np.ones(LARGE, np.float32), np.ones(7), np.ones((9, 5))], threading.Event()
opt = fa.AdaGrad(params)

def work():
    while not done.is_set():
        opt.step(grads)

def check():
    for _ in range(2):
        assert {float(x) for r in opt.state["r"] for x in (r.min(), r.max())} == {float(opt.t)}
        assert set(opt.counts) == {opt.t}
        opt.step(grads)

thread = threading.Thread(target=work, daemon=True)  # so that a child that fails ends it
thread.start()
for _ in range(COUNT):
    forked(check)
done.set()
thread.join()
"""
    )
    child(code.replace("COUNT", str(count)), layer, ("-W", "ignore:fastadapt"))


@pytest.mark.maintainer
@usual_layer
@sample(5, 40)
def test_children_forked_by_another_thread_than_the_one_that_stepped_go_on(layer, count):
    """TBB's threads are joined before a fork only if the thread that started them forks."""
    code = (
        FORK
        + """
p, g = np.zeros(LARGE, np.float32), np.ones(LARGE, np.float32)
opt = fa.SGD(p, lr=1.0)

def steps(n):
    for _ in range(n):
        opt.step(g)

def check():
    opt.step(g)
    assert (p == -opt.t).all()

for _ in range(COUNT):
    thread = threading.Thread(target=steps, args=(20,))
    thread.start(), thread.join()
    forked(check)
"""
    )
    child(code.replace("COUNT", str(count)), layer, ("-W", "ignore:fastadapt"))


@usual_layer
def test_a_child_forked_while_another_thread_compiles_goes_on(layer):
    """The fork waits for Numba's lock, and leaves it free in the child."""
    code = (
        FORK
        + """
p, g = np.zeros(LARGE, np.float32), np.ones(LARGE, np.float32)
opt = fa.SGD(p, lr=1.0)
opt.step(g)

def compile():
    while True:
        numba.njit("f8(f8)")(lambda x: x + 1)

def check():
    opt.step(g)
    assert (p == -2).all()

threading.Thread(target=compile, daemon=True).start()
time.sleep(0.3)
for _ in range(3):
    forked(check)
sys.stdout.flush()
os._exit(0)  # for a daemon that compiles would not let the interpreter end in peace
"""
    )
    child(code, layer, ("-W", "ignore:fastadapt"))


@pytest.mark.maintainer
def test_a_child_in_which_the_warning_is_an_error_has_changed_nothing():
    code = (
        FORK
        + """
p = weights(0)
opt = fa.Adam(p)
opt.step(weights(1))

def work():
    before = p.copy(), opt.state["m"].copy()
    for _ in range(2):
        try:
            opt.step(weights(2))
        except RuntimeWarning as warning:
            print("raised")
    assert (p == before[0]).all() and (opt.state["m"] == before[1]).all() and opt.t == opt.counts == 1

forked(work)
"""
    )
    assert child(code, "omp", ("-W", "error"))[0] == ["raised"] * 2


POOLS = {
    "multiprocessing.fork": "multiprocessing.get_context('fork').Pool(2)",
    "multiprocessing.spawn": "multiprocessing.get_context('spawn').Pool(2)",
    "multiprocessing.forkserver": "multiprocessing.get_context('forkserver').Pool(2)",
    "concurrent.futures": "concurrent.futures.ProcessPoolExecutor(2)",
    "joblib.loky": "Joblib('loky')",
    "joblib.multiprocessing": "Joblib('multiprocessing')",
}


USUAL = ["concurrent.futures"]


@pytest.mark.parametrize(
    ("layer", "pool"),
    [("omp", pool) for pool in USUAL]
    + for_maintainers(*(("omp", pool) for pool in POOLS if pool not in USUAL))
    + for_maintainers(("workqueue", "concurrent.futures"), ("tbb", "concurrent.futures")),
)
def test_an_optimizer_sent_to_a_pool_and_back_goes_on_to_the_bit(layer, pool, tmp_path):
    if pool.startswith("joblib"):
        pytest.importorskip("joblib")
    script = tmp_path / "work.py"
    script.write_text("""
import ctypes, os
if os.environ["NUMBA_THREADING_LAYER"] == "tbb":
    ctypes.CDLL(os.environ["TBB_LIBRARY"], ctypes.RTLD_GLOBAL)

def step(given):
    opt, g = given
    opt.step(g)
    opt.step(g, max_norm=1.0)
    return opt
""")
    code = f"""
import concurrent.futures, multiprocessing, pickle
from work import step

class Joblib:
    def __init__(self, backend):
        self.backend = backend
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def map(self, function, given):
        import joblib
        # A large array would come as a memory map that cannot be written.
        return joblib.Parallel(2, backend=self.backend, max_nbytes=None)(joblib.delayed(function)(x) for x in given)

if __name__ == "__main__":
    opts = [fa.Adam(weights(k)) for k in range(3)]
    for opt in opts:
        opt.step(weights(1))
    given = [(opt, weights(7)) for opt in opts]
    expected = [step(pickle.loads(pickle.dumps(one))) for one in given]
    with {POOLS[pool]} as pool:
        found = list(pool.map(step, given))
    for a, b in zip(found, expected, strict=True):
        a.step(weights(8)), b.step(weights(8))
        assert a.t == b.t == 4 and (a.params == b.params).all() and (a.state["v"] == b.state["v"]).all()
    print("right")
"""
    path = f"{tmp_path}:{pytest.importorskip('fastadapt').__path__[0]}/.."
    lines, _ = child(code, layer, ("-W", "ignore"), PYTHONPATH=path)
    assert lines == ["right"]
