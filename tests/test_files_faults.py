"""Whatever happens while a checkpoint is saved, its file is the old or the new one, whole."""

import errno
import os
import signal
import subprocess

import numpy as np
import pytest
from conftest import SLOW

import fastadapt as fa
from fastadapt.checkpoint import files

pytest.importorskip("safetensors")
pytestmark = pytest.mark.skipif(SLOW, reason="of files alone")
every_suffix = pytest.mark.parametrize("suffix", [".npz", ".safetensors"])


def saved(folder, suffix):
    """A file, its bytes, and an optimizer that has gone on and is too large for 1 MB."""
    path, p = folder / f"a{suffix}", np.ones(100_000)
    opt = fa.Adam(p, lr=0.5)
    fa.Adam(np.ones(3)).save(path)
    return path, path.read_bytes(), opt


def assert_kept(path, content):
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    except OSError:
        pytest.skip("no mount here")
    if mounted.returncode:
        pytest.skip("not permitted to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


@every_suffix
def test_a_full_disk_is_an_error_and_keeps_the_old_file(small_disk, suffix):
    path, content, opt = saved(small_disk, suffix)
    with pytest.raises(OSError, match=r"No space left|not written"):
        opt.save(path)
    assert_kept(path, content)
    again = fa.Adam(np.ones(3))
    again.lr = 0.25
    again.save(path)  # there is room again


@every_suffix
def test_a_file_that_may_not_grow_is_an_error_and_keeps_the_old_one(tmp_path, suffix):
    resource = pytest.importorskip("resource")
    path, content, opt = saved(tmp_path, suffix)
    handler, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
        with pytest.raises(OSError, match=r"File too large|not written"):
            opt.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert_kept(path, content)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@every_suffix
def test_a_folder_that_is_read_only_is_an_error(tmp_path, suffix):
    path, content, opt = saved(tmp_path, suffix)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OSError, match=r"denied|not written"):
            opt.save(path)
    finally:
        tmp_path.chmod(0o700)
    assert_kept(path, content)


@every_suffix
def test_a_folder_that_is_not_there_is_an_error(tmp_path, suffix):
    with pytest.raises(OSError, match=r"No such file|not written"):
        fa.Adam(np.ones(3)).save(tmp_path / "none" / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@every_suffix
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), OSError(errno.EIO, "broken")], ids=repr)
@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_an_exception_keeps_the_old_file(tmp_path, suffix, error, name, monkeypatch):
    path, content, opt = saved(tmp_path, suffix)

    def fails(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(files.os, name, fails)
        with pytest.raises(type(error)):
            opt.save(path)
    assert_kept(path, content)


@every_suffix
def test_what_is_written_is_flushed_before_it_takes_the_name_and_the_folder_after(tmp_path, suffix, monkeypatch):
    path, content, opt = saved(tmp_path, suffix)
    calls, fsync, replace = [], os.fsync, os.replace

    def flushed(handle):
        calls.append(os.readlink(f"/proc/self/fd/{handle}") if os.path.exists("/proc/self/fd") else "")
        assert (path.read_bytes() == content) is (len(calls) == 1)
        fsync(handle)

    def renamed(source, target):
        calls.append(str(source))
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", flushed)
    monkeypatch.setattr(files.os, "replace", renamed)
    opt.save(path)
    first, second, third = calls
    if first:
        assert (first, third) == (second, str(tmp_path))
