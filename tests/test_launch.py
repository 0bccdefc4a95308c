"""Numba's threads sleep between steps where that can be had, and nothing else of the process is changed for it."""

import sys

import pytest
from children import child, real_processes
from conftest import for_maintainers

pytestmark = [
    real_processes,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is set"),
]

ENVIRONMENT = """
import subprocess
from fastadapt import launch

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
NAMES = b"OMP_WAIT_POLICY", b"GOMP_SPINCOUNT"

def environment():
    '''What Python, C and a child see.'''
    seen = subprocess.run(["env"], capture_output=True, check=True, env=None).stdout
    return dict(os.environ), [libc.getenv(name) for name in NAMES], sorted(seen.splitlines())

def policy():
    '''How GNU OpenMP says that its threads wait.'''
    file = next(line.split()[-1] for line in open("/proc/self/maps") if "/libgomp" in line)
    sys.stderr.flush()
    ctypes.CDLL(file).omp_display_env(1)

def steps(n=3):
    p = weights(0)
    opt = fa.Adam(p)
    for k in range(n):
        opt.step(weights(1 + k % 3))
    assert (p == serial(fa.Adam, LARGE, n)).all()
"""
UNSET = {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": None}
"""The rest of CI may say how threads wait."""


def run(code, layer="omp", **env):
    return child(ENVIRONMENT + code, layer, **(UNSET | env))


def display(errors):
    """The lines of `omp_display_env` that say how threads wait, by name."""
    pairs = [line.replace("[host]", "").split("=") for line in errors.splitlines() if " = " in line]
    return {name.strip(): value.strip(" '") for name, value in pairs}


def test_threads_of_gnu_openmp_sleep_and_the_environment_is_as_it_was():
    """They are started by the first large step."""
    code = """
before = environment()
fa.Adam(weights(0, 1000)).step(weights(1, 1000))
print(launch.layer())
steps()
print(launch.layer(), launch.spin())
assert environment() == before
policy()
"""
    lines, errors = run(code)
    assert lines == ["None", "omp False"]
    assert display(errors)["GOMP_SPINCOUNT"] == "0"


@pytest.mark.parametrize(("name", "value"), [("OMP_WAIT_POLICY", "active"), *for_maintainers(("GOMP_SPINCOUNT", "77"))])
def test_what_the_user_says_counts(name, value):
    lines, errors = run(
        "before = environment(); steps(); assert environment() == before; print(launch.spin()); policy()",
        **{name: value},
    )
    assert lines == ["False"]
    assert display(errors)[name] == value.upper()


@pytest.mark.maintainer
def test_what_only_c_sees_of_the_users_counts():
    _, errors = run("libc.setenv(b'GOMP_SPINCOUNT', b'77', 1); steps(); policy()")
    assert display(errors)["GOMP_SPINCOUNT"] == "77"


LOADED_BEFORE = {
    "by Numba, for the user": "numba.get_num_threads()",
    "by another library": "import numba.np.ufunc.omppool",
    "for all, as PyTorch does": "ctypes.CDLL('libgomp.so.1', ctypes.RTLD_GLOBAL)",
}


@pytest.mark.parametrize("who", [*LOADED_BEFORE][:1] + for_maintainers(*[*LOADED_BEFORE][1:]))
def test_where_openmp_was_loaded_before_nothing_is_set_and_steps_are_right(who):
    """Enough steps for one thread and for all to have had their turns."""
    code = f"{LOADED_BEFORE[who]}; before = environment(); steps(30); assert environment() == before; policy()"
    lines, errors = run(code + "; print(launch.spin())")
    assert lines == ["True"]
    assert display(errors)["GOMP_SPINCOUNT"] != "0"


@pytest.mark.maintainer
@pytest.mark.parametrize("layer", ["workqueue", "tbb"])
def test_the_environment_is_as_it_was_under_other_layers(layer):
    lines, _ = run("before = environment(); steps(); assert environment() == before; print(launch.spin())", layer)
    assert lines == ["False"]


@pytest.mark.maintainer
def test_the_environment_is_as_it_was_where_no_layer_can_be_started():
    code = """
before = environment()
try:
    fa.Adam(weights(0)).step(weights(1))
except TypeError as error:
    assert environment() == before
    print(type(error.__cause__).__name__)
"""
    assert run("numba.config.THREADING_LAYER_PRIORITY = ['omp']" + code)[0] == ["ValueError"]


@pytest.mark.maintainer
def test_a_forked_child_goes_on_where_the_parent_chose_one_thread():
    code = """
from fastadapt.devices import choice
choice.Choice.note = lambda self, seconds: setattr(self, "threads", False)
p = weights(0)
opt = fa.Adam(p)
opt.step(weights(1)), opt.step(weights(2))
before = numba.get_num_threads()
if not (pid := os.fork()):
    opt.step(weights(3))
    os._exit(not (p == serial(fa.Adam, LARGE, 3)).all())
assert os.waitpid(pid, 0)[1] == 0
opt.step(weights(3))
assert (p == serial(fa.Adam, LARGE, 3)).all() and numba.get_num_threads() == before
"""
    run(code)
