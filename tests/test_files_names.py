"""A saved file may have any name that the file system takes, and has the permissions that the user expects."""

import os
import stat

import numpy as np
import pytest
from conftest import SLOW

import fastadapt as fa
from fastadapt.checkpoint import files

pytest.importorskip("safetensors")
pytestmark = [
    pytest.mark.skipif(SLOW, reason="of files alone"),
    pytest.mark.skipif(os.name == "nt", reason="names and permissions of POSIX"),
]
every_suffix = pytest.mark.parametrize("suffix", [".npz", ".safetensors"])


@pytest.fixture
def umask():
    """A function that sets the umask, which is put back."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@every_suffix
@pytest.mark.parametrize("letter", ["n", "é", "☃", "🐜"])
def test_the_longest_name_that_the_folder_takes_is_saved_to(tmp_path, suffix, letter):
    room = os.pathconf(tmp_path, "PC_NAME_MAX") - len(suffix)
    path, p = tmp_path / (letter * (room // len(letter.encode())) + suffix), np.zeros(3)
    for _ in range(2):
        fa.Adam(p, lr=0.5).save(path)
    again = fa.Adam(p)
    again.load(path)
    assert again.lr == 0.5
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@every_suffix
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0o027])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, suffix, mask, umask):
    umask(mask)
    (tmp_path / "other").touch()
    fa.Adam(np.zeros(3)).save(tmp_path / f"a{suffix}")
    assert mode(tmp_path / f"a{suffix}") == mode(tmp_path / "other") == 0o666 & ~mask


@every_suffix
@pytest.mark.parametrize("kept", [0o664, 0o600, 0o640, 0o400, 0o666])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, suffix, kept, umask):
    path, opt = tmp_path / f"a{suffix}", fa.Adam(np.zeros(3))
    opt.save(path)
    path.chmod(kept)
    opt.save(path)
    assert mode(path) == kept


@every_suffix
def test_what_is_written_can_be_read_by_nobody_who_could_not_read_the_old_file(tmp_path, suffix, umask, monkeypatch):
    path, opt, seen = tmp_path / f"a{suffix}", fa.Adam(np.zeros(3)), []
    opt.save(path)
    path.chmod(0o600)
    write = files._write_npz if suffix == ".npz" else __import__("safetensors.numpy").numpy.save_file

    def watched(*given):
        beside = next(file for file in tmp_path.iterdir() if file.name.endswith(".tmp"))
        seen.append(mode(beside))
        write(*given)
        seen.append(mode(beside))

    monkeypatch.setattr(files, "_write_npz", watched)
    monkeypatch.setattr("safetensors.numpy.save_file", watched)
    opt.save(path)
    assert seen == [0o600, 0o600]


@every_suffix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root may give a file to any group")
def test_a_file_that_is_replaced_keeps_its_group(tmp_path, suffix):
    path, opt = tmp_path / f"a{suffix}", fa.Adam(np.zeros(3))
    opt.save(path)
    os.chown(path, -1, 12345)
    opt.save(path)
    assert os.stat(path).st_gid == 12345
