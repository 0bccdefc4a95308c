"""Numba's disk cache of CUDA kernels, in Numba's real CUDA target, under a stand-in for the driver."""

import os
import shutil
from pathlib import Path

import pytest
from driver import with_driver

import fastadapt as fa

pytestmark = [pytest.mark.maintainer, with_driver]

RUN = """
from numba.cuda.dispatcher import _Kernel
compiled, real = [], _Kernel.__init__

def counted(self, function, *args, **keywords):
    compiled.append(function)
    real(self, function, *args, **keywords)

_Kernel.__init__ = counted  # which what is loaded from the disk does not call

def run(cls, **hyper):
    p = device(300)
    opt = cls(p, **hyper)
    found = calls(lambda: opt.step(p))
    assert len(named(found, "cuLaunchKernel")) == 1
"""
REPORT = "\nprint(len(compiled))\n"
CODE = f"{RUN}\nrun(fa.Adam)\nrun(fa.SGD)\nrun(fa.AdamW, min_quantized_size=0, state_bits=8){REPORT}"


@pytest.fixture
def session(host, tmp_path):
    """The function that runs a script on a copy of the package, with a cache of its own; what it printed, as a number.

    `session.edit(file, old, new)` changes the copy's text.
    """
    package = tmp_path / "fastadapt"
    shutil.copytree(Path(fa.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    where = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(code, **environment):
        return int(host(code, **(where | environment))[-1])

    def edit(file, old, new):
        text = (package / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (package / file).write_text(text.replace(old, new))

    run.edit, run.files = edit, lambda: sorted(tmp_path.glob("cache/**/*.nb?"))
    return run


def test_kernels_are_compiled_once_and_again_when_they_were_edited_or_their_files_damaged(session):
    assert session(CODE) == 3
    kept = session.files()
    assert kept
    assert session(CODE) == 0
    assert session.files() == kept  # and none is added
    session.edit("rules/sgd.py", "return p - lr * g", "return p + lr * g")
    assert session(CODE) == 1
    assert session(CODE) == 0
    session.edit("kernels/table.py", "\nLINE = ", "\nLINE = 1 * ")  # which every kernel may depend on
    assert session(CODE) == 3
    for file in session.files():
        if file.suffix == ".nbc":
            file.write_bytes(b"damaged")
    assert session("warnings.simplefilter('ignore')\n" + CODE) >= 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_costs_a_warning_and_no_step(session, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    assert session("warnings.simplefilter('ignore')\n" + CODE) >= 3
