"""What can befall Numba's cache on the disk: right results, at worst slower, and one warning that says what to do."""

import os
import resource
import shutil
import subprocess
import sys

import pytest
from children import START, child, real_processes

pytestmark = [pytest.mark.maintainer, real_processes]

STEPS = """
p = weights(0, 1000)
opt = fa.SGD(p)
for k in range(2):
    opt.step(weights(1 + k, 1000))
print(float(p.sum(dtype="f8")))
"""
ADVICE = "set NUMBA_CACHE_DIR to a folder that can be written"


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What `STEPS` prints, and a cache that it filled."""
    folder = tmp_path_factory.mktemp("cache")
    lines, errors = child(STEPS, NUMBA_CACHE_DIR=str(folder))
    assert not errors
    return lines, folder


def test_eight_processes_that_start_cold_at_once_are_right(expected, tmp_path):
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_THREADING_LAYER": "omp"}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", START + STEPS],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        for _ in range(8)
    ]
    for process in started:
        out, errors = process.communicate(timeout=300)
        assert (process.returncode, out.splitlines(), errors) == (0, expected[0], "")


def damage(folder, ending, harm):
    """Do harm to all files of a cache that have such an ending."""
    files = [file for file in folder.rglob("*") if file.name.endswith(ending)]
    assert files
    for file in files:
        file.write_bytes(harm(file.read_bytes()))


@pytest.mark.parametrize("part", [0.0, 0.5], ids=["emptied", "halved"])
@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_damaged_cache_is_not_used_and_one_warning_says_what_to_do(expected, tmp_path, ending, part):
    shutil.copytree(expected[1], tmp_path, dirs_exist_ok=True)
    damage(tmp_path, ending, lambda text: text[: int(part * len(text))])
    lines, errors = child(STEPS, NUMBA_CACHE_DIR=str(tmp_path))
    assert lines == expected[0]
    assert errors.count("Warning") <= 1, errors
    assert ADVICE in errors or not errors


@pytest.mark.parametrize("room", [0, 4096])
def test_where_the_cache_cannot_be_written_for_want_of_room_the_steps_are_right(expected, tmp_path, room):
    limit = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {resource.RLIM_INFINITY}))
"""
    lines, errors = child(limit + STEPS, NUMBA_CACHE_DIR=str(tmp_path))
    assert lines == expected[0]
    assert errors.count("Warning: fastadapt") == 1, errors
    assert ADVICE in errors


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_where_home_and_package_are_read_only_the_steps_are_right(expected, tmp_path):
    tmp_path.chmod(0o500)
    lines, errors = child(STEPS, NUMBA_CACHE_DIR=str(tmp_path / "none"), HOME=str(tmp_path))
    assert lines == expected[0]
    assert errors.count("Warning: fastadapt") == 1, errors
