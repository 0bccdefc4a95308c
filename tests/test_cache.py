"""Numba's disk cache: what is compiled once, what is compiled again, and what is said where nothing can be kept."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SLOW, has_gpu, needs_numba_cuda

import fastadapt as fa

pytestmark = pytest.mark.skipif(SLOW, reason="nothing is compiled in the simulator or as Python")

COUNT = """
import sys
import numpy as np
import fastadapt as fa
from numba.core import event

class Compilations(event.Listener):
    # Counts those that were asked for, and not what they asked for in turn.

    count = depth = 0

    def on_start(self, event):
        self.count += self.depth == 0
        self.depth += 1

    def on_end(self, event):
        self.depth -= 1

compiled = Compilations()
event.register("numba:compile", compiled)
made = (lambda a: a) if sys.argv[1:] != ["cuda"] else __import__("numba.cuda").cuda.to_device

def run(cls, n=5, **hyper):
    p, g = (made(np.full(n, value, np.float32)) for value in (1.0, 0.5))
    cls(p, **hyper).step(g)
    print(cls.__name__, *np.unique(p if isinstance(p, np.ndarray) else p.copy_to_host()))
"""
SMALL = "min_quantized_size=0, state_bits"
REPORT = '\nprint("compiled", compiled.count)\n'
OWN_RULE = f"""{COUNT}
FACTOR = 3.0

class Own(fa.Optimizer):
    @staticmethod
    def coefficients(t, lr=0.5):
        return lr, FACTOR

    @staticmethod
    def update(p, g, m, /, lr, factor):
        m += g
        return p - lr * factor * m, m

run(Own){REPORT}"""


@pytest.fixture
def house(tmp_path):
    """A copy of the package in a folder of its own, beside an empty folder for the cache."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(fa.__file__).parent, tmp_path / "house" / "fastadapt", ignore=ignored)
    (tmp_path / "cache").mkdir()
    return tmp_path


def session(house, code, device="cpu", **environment):
    """Run `code` as a script in a process of its own: the lines that it printed, and what it wrote to stderr."""
    script = house / "script.py"
    # A script of the same text keeps its time, as a user's does from one session to the next.
    if not script.exists() or script.read_text() != code:
        script.write_text(code)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHON"))}
    # Python takes a file of the same size and second for unchanged, and would run the old bytecode.
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(house / "house")}
    env |= {"NUMBA_CACHE_DIR": str(house / "cache")} | environment
    command = [sys.executable, str(script), device]
    done = subprocess.run(command, env=env, cwd=house, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def compiled_by(lines):
    """How many functions a session compiled, as it reported last."""
    word, count = lines[-1].split()
    assert word == "compiled"
    return int(count)


SHARED = 4
"""What is compiled once for all rules: the step, the check of gradients by their headers, coefficients and cohorts."""


def files(house):
    """What the cache holds."""
    return sorted(path.relative_to(house) for path in (house / "cache").rglob("*.nb?"))


def edit(house, file, old, new):
    """Change the text of a file of the copy."""
    path = house / "house" / "fastadapt" / file
    text = path.read_text()
    assert text.count(old) >= 1, f"{file} has no {old!r} to edit"
    path.write_text(text.replace(old, new, 1))


def test_a_second_session_compiles_nothing_and_leaves_no_more_files(house):
    runs = ["SGD", "Adam", "AdamW", "SGD, 2**18"]
    code = COUNT + "".join(f"run(fa.{run})\n" for run in runs) + REPORT
    first, errors = session(house, code)
    # One for each but AdamW, whose update is Adam's; coefficients of SGD and Adam; and what is one for all rules.
    assert compiled_by(first) == len(runs) - 1 + 2 + SHARED
    assert not errors
    kept = files(house)
    assert kept
    assert session(house, code) == ([*first[:-1], "compiled 0"], "")
    assert files(house) == kept


@pytest.mark.maintainer
def test_an_edited_rule_gives_its_new_answer_and_no_other_kernel_is_compiled_again(house):
    code = COUNT + "run(fa.Adam, lr=0.25)\nrun(fa.SGD, lr=0.5)" + REPORT
    assert session(house, code)[0][:-1] == ["Adam 0.75", "SGD 0.75"]
    edit(house, "rules/adam.py", "return p - step * (m /", "return p + step * (m /")
    assert session(house, code)[0] == ["Adam 1.25", "SGD 0.75", "compiled 1"]
    edit(house, "rules/adam.py", "return lr / (1 - beta1**t)", "return 2 * lr / (1 - beta1**t)")
    assert session(house, code)[0] == ["Adam 1.5", "SGD 0.75", "compiled 1"]


@pytest.mark.maintainer
def test_an_edited_kernel_gives_its_new_answer(house):
    code = COUNT + "run(fa.SGD, lr=0.5)" + REPORT
    assert session(house, code)[0] == ["SGD 0.75", f"compiled {2 + SHARED}"]
    edit(house, "kernels/weight.py", "return lambda g, dtype: dtype(g)", "return lambda g, dtype: dtype(-g)")
    assert session(house, code)[0] == ["SGD 1.25", f"compiled {2 + SHARED}"]
    edit(house, "kernels/intrinsics.py", "size = builder.mul(size, length)", "size = builder.mul(length, size)")
    assert session(house, code)[0] == ["SGD 1.25", f"compiled {2 + SHARED}"]


@pytest.mark.maintainer
def test_a_users_rule_in_a_script_is_compiled_once_and_again_when_a_number_in_it_was_edited(house):
    code = OWN_RULE.replace("lr * factor * m", "lr * FACTOR * m")
    assert session(house, code) == (["Own 0.25", f"compiled {2 + SHARED}"], "")
    kept = files(house)
    assert session(house, code) == (["Own 0.25", "compiled 0"], "")
    assert files(house) == kept
    assert session(house, code.replace("FACTOR = 3.0", "FACTOR = 5.0"))[0] == ["Own -0.25", "compiled 2"]


@pytest.mark.maintainer
def test_a_users_rule_in_a_module_is_compiled_once_and_again_when_it_was_edited(house):
    module = house / "house" / "mine.py"
    rule = OWN_RULE[OWN_RULE.index("FACTOR") : OWN_RULE.index("run(Own)")]
    module.write_text("import fastadapt as fa\n" + rule)
    code = f"{COUNT}\nimport mine\nrun(mine.Own){REPORT}"
    assert session(house, code)[0] == ["Own 0.25", f"compiled {2 + SHARED}"]
    assert session(house, code)[0] == ["Own 0.25", "compiled 0"]
    module.write_text(module.read_text().replace("m += g", "m -= g"))
    assert session(house, code)[0] == ["Own 1.75", "compiled 1"]


READ = """
def read(cls, name, **hyper):
    p = made(np.full(300, 1.0, np.float32))
    opt = cls(p, **hyper)
    opt.step(made(np.full(300, 0.5, np.float32)))
    print(name, *np.unique(np.round(opt.state[name], 3)))
"""


MANY = f"""{COUNT}
from numba import njit

FACTOR = 2.0

@njit
def twice(x):
    return FACTOR * x

def bowl(x, g):
    g[0] = twice(x[0])
    return x[0] * x[0]

print(*fa.minimize_many(bowl, np.ones((3, 1)), fa.SGD, steps=1, lr=0.25).x[:, 0]){REPORT}"""


@pytest.mark.maintainer
def test_many_problems_compile_nothing_in_a_second_session_and_anew_when_what_the_objective_calls_was_edited(house):
    # One that computes coefficients, which no edit of the objective compiles again, and one that runs the problems.
    assert session(house, MANY) == (["0.5 0.5 0.5", "compiled 2"], "")
    kept = files(house)
    assert session(house, MANY) == (["0.5 0.5 0.5", "compiled 0"], "")
    assert session(house, MANY.replace("# Counts", "# Counts all")) == (["0.5 0.5 0.5", "compiled 0"], "")
    assert files(house) == kept
    edited = MANY.replace("FACTOR = 2.0", "FACTOR = 1.0")
    assert session(house, edited) == (["0.75 0.75 0.75", "compiled 1"], "")
    assert session(house, edited) == (["0.75 0.75 0.75", "compiled 0"], "")


@pytest.mark.maintainer
def test_small_state_compiles_nothing_in_a_second_session_and_a_third_leaves_no_more_files(house):
    kernels = [f"run(fa.Adam, {SMALL}=8)", f"run(fa.Lion, {SMALL}=16)", f"read(fa.AdaGrad, 'r', {SMALL}=8)"]
    no_more = [
        f"run(fa.Adam, {SMALL}=8, seed=3, beta1=0.8)",
        f"run(fa.AdamW, {SMALL}=8)",
        f"read(fa.Adam, 'v', {SMALL}=8)",
    ]
    code = COUNT + READ + "\n".join(kernels + no_more) + REPORT
    first, errors = session(house, code)
    # Two for each, two more that put AdaGrad's first state in and read it, and what is one for all rules.
    assert compiled_by(first) == 2 * len(kernels) + 2 + SHARED
    assert not errors
    kept = files(house)
    for _ in range(2):
        again, errors = session(house, code)
        assert again == [*first[:-1], "compiled 0"]
        assert not errors
        assert files(house) == kept


@pytest.mark.maintainer
def test_kernels_that_were_compiled_in_different_sessions_do_not_mix_in_a_third(house):
    """The linker takes the first of two functions of one name, and Numba's names count what a session compiled."""
    one, other = f"read(fa.AdaGrad, 'r', {SMALL}=8)\n", f"read(fa.RMSProp, 'r', {SMALL}=8)\n"
    alone = [session(house, COUNT + READ + each)[0] for each in (one, other)]
    assert session(house, COUNT + READ + one + other + REPORT)[0] == [*alone[0], *alone[1], "compiled 0"]


@pytest.mark.maintainer
def test_an_edited_code_of_small_state_is_read_anew(house):
    code = f"{COUNT}{READ}read(fa.SGD, 'b', momentum=0.5, {SMALL}=8){REPORT}"
    assert session(house, code)[0] == ["b 0.5", f"compiled {3 + SHARED}"]
    edit(house, "kernels/codecs.py", "x = k * abs(k) * (", "x = -k * abs(k) * (")
    assert session(house, code)[0] == ["b -0.5", f"compiled {3 + SHARED}"]


@pytest.mark.maintainer
def test_an_edited_rule_with_small_state_gives_its_new_answer_and_nothing_else_is_compiled_again(house):
    code = f"{COUNT}run(fa.Adam, lr=0.25, {SMALL}=8){REPORT}"
    assert session(house, code)[0] == ["Adam 0.75", f"compiled {2 + SHARED}"]
    edit(house, "rules/adam.py", "return p - step * (m /", "return p + step * (m /")
    assert session(house, code)[0] == ["Adam 1.25", "compiled 1"]


@pytest.mark.maintainer
@needs_numba_cuda
def test_the_key_of_a_small_kernel_for_cuda_stays_from_session_to_session_and_changes_with_an_edit(house):
    code = """
import numpy as np
import fastadapt as fa
from hashlib import sha256
from numba import cuda
from fastadapt.kernels.cache import kernel_cache
from fastadapt.devices.cuda import kernel_of
from fastadapt.kernels.streams import storage_of

class Codegen:
    # Stands in for that of a GPU, whose name and kind are in the key as well.
    magic_tuple = staticmethod(lambda: ())

single = np.dtype(np.float32)
for cls in (fa.Adam, fa.Lion):
    for bits in (16, 8):
        (rule,) = cls.rules.values()
        storage = storage_of(bits, "nearest", single, rule.nonnegative)
        kernel = kernel_of(rule.update, storage, rule.coefs, single, single)
        kept = kernel_cache(cuda.dispatcher.CUDACache)(kernel)
        print(sha256(repr(kept._index_key((), Codegen)).encode()).hexdigest())
"""
    first = session(house, code)[0]
    assert len(set(first)) == 4
    # Rule and codes are in it by value: what was compiled before, or the seed of Python's hashes, does not matter.
    later = code.replace("single = ", "fa.Adam(np.ones(3)).step(np.ones(3))\nsingle = ")
    assert session(house, later, PYTHONHASHSEED="1")[0] == first
    edit(house, "rules/adam.py", "return p - step * (m /", "return p + step * (m /")
    edited = session(house, code)[0]
    assert [a == b for a, b in zip(edited, first, strict=True)] == [False, False, True, True]
    edit(house, "rules/adam.py", 'nonnegative = ("v",)', 'nonnegative = ("v", "m")')  # another code
    declared = session(house, code)[0]
    assert [a == b for a, b in zip(declared, edited, strict=True)] == [False, False, True, True]
    edit(house, "kernels/codecs.py", "x = k * abs(k) * (", "x = -k * abs(k) * (")
    assert not set(session(house, code)[0]) & {*first, *edited, *declared}


@pytest.fixture
def nowhere(house):
    """The environment of a session that finds no folder to keep anything in, not even as root."""
    return dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), str(house / "script.py" / "nowhere"))


@pytest.mark.maintainer
def test_where_no_folder_can_be_written_the_steps_are_right_and_one_warning_says_what_to_do(house, nowhere):
    lines, errors = session(house, COUNT + "run(fa.SGD, lr=0.5)" + REPORT, **nowhere)
    assert lines == ["SGD 0.75", f"compiled {2 + SHARED}"]
    assert errors.count("Warning") == 1, errors
    assert "RuntimeWarning: fastadapt: kernels are compiled anew in every process" in errors
    assert "set NUMBA_CACHE_DIR" in errors


@pytest.mark.maintainer
@needs_numba_cuda
def test_where_no_folder_can_be_written_a_kernel_for_cuda_is_made_as_well(house, nowhere):
    code = """
import numpy as np
import fastadapt as fa
from fastadapt.devices import cuda
from fastadapt.kernels.streams import plain_storage
(rule,), single = fa.Adam.rules.values(), np.dtype("float32")
try:
    cuda.build(rule.update, plain_storage(single, len(rule.states)), rule.coefs, single, single)
except ImportError as no_driver:  # which is looked for after the folder
    print(type(no_driver).__name__)
"""
    lines, errors = session(house, code, **nowhere)
    assert lines in ([], ["CudaSupportError"])
    assert "set NUMBA_CACHE_DIR" in errors


EDITS = [
    ("rules/adam.py", "return p - step * (m /", "return p + step * (m /"),
    ("kernels/weight.py", "return lambda g, dtype: dtype(g)", "return lambda g, dtype: dtype(-g)"),
    ("kernels/weight.py", "clipped(c[0] * g, c[3]) + c[1] * p", "c[1] * p - clipped(c[0] * g, c[3])"),
]
IN_SMALL = (
    "kernels/vec4_apply.py",
    "weight(old[0][k], widen(old[1][k], number),",
    "weight(old[0][k], -widen(old[1][k], number),",
)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("bits", "file", "old", "new"), [(32, *e) for e in EDITS] + [(8, *e) for e in [*EDITS, IN_SMALL]]
)
def test_an_edit_is_seen_on_cuda_and_three_sessions_leave_no_more_files_than_one(bits, file, old, new, house):
    if not has_gpu():
        pytest.skip("no CUDA device")
    hyper = f"lr=0.25, {SMALL}={bits}"
    code = f"{COUNT}run(fa.Adam, {hyper})\nrun(fa.Adam, 300, {hyper}){REPORT}"
    lines, _ = session(house, code, "cuda")
    assert lines[:-1] == ["Adam 0.75", "Adam 0.75"]
    kept = files(house)
    for _ in range(2):
        assert session(house, code, "cuda")[0][:-1] == lines[:-1]
        assert files(house) == kept
    edit(house, file, old, new)
    assert session(house, code, "cuda")[0][:-1] == ["Adam 1.25", "Adam 1.25"]
