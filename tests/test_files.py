"""Checkpoints in files: they come back as they were, and other programs can read them."""

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from layouts import bits, numbers
from small import NEAREST
from test_checkpoints import flat

import fastadapt as fa

pytest.importorskip("safetensors")
SUFFIXES = [".npz", ".safetensors"]
every_suffix = pytest.mark.parametrize("suffix", SUFFIXES)
KEYS = ["a/b", "a~1b", "~", "/", "", ".", "..", "/etc", "a.b", "naïve ☃ 🐜", "W", "x" * 300, "a\\b", "\n", '"', "file"]
TRAPS = [["W", "W.npy"], ["a\0b"], ["a\0b", "a\0c"]]
"""Names that a zip file, or NumPy's reading of it, may take for others."""


def made(params, steps=2, **hyper):
    """An optimizer of a dict of arrays, after a few steps with random gradients."""
    opt = fa.Adam(params, **hyper)
    for t in range(steps):
        opt.step({k: numbers(p.shape, p.dtype, 10 * t + i) for i, (k, p) in enumerate(params.items())})
    return opt


def arrays(keys, dtype=np.float32):
    return {key: np.ones((k % 3, 5), dtype) for k, key in enumerate(keys)}


@every_suffix
@pytest.mark.parametrize("storage", [{}, *NEAREST], ids=lambda s: str(s.get("state_bits", 32)))
def test_what_was_saved_is_loaded_to_the_bit(tmp_path, suffix, storage):
    params = {"W": np.ones((3, 200), np.float32).T, "b": np.ones(()), "none": np.ones((0, 4))}
    opt = made(params, lr=0.1 + 0.2, max_norm=1e30, **storage, groups={"b": {"lr": 2.3e-308, "maximize": True}})
    opt.save(tmp_path / f"a{suffix}")
    again = made(params, 1, **storage, groups={"b": {}})
    again.load(tmp_path / f"a{suffix}")
    assert flat(again.state_dict()) == flat(opt.state_dict())
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@every_suffix
@pytest.mark.parametrize("params", [np.ones(3), [np.ones(3)], {"": {"": np.ones(3)}}], ids=["array", "list", "empty"])
def test_what_has_no_names_is_saved_as_well(tmp_path, suffix, params):
    opt = fa.AdaGrad(params, initial_accumulator=0.3)
    opt.save(tmp_path / f"a{suffix}")
    again = fa.AdaGrad(params)
    again.load(tmp_path / f"a{suffix}")
    assert flat(again.state_dict()) == flat(opt.state_dict())


@every_suffix
@pytest.mark.parametrize("keys", [*([key] for key in KEYS), KEYS, *TRAPS], ids=lambda keys: repr(keys)[:20])
def test_any_names_come_back(tmp_path, suffix, keys):
    opt, again = made(arrays(keys)), fa.Adam(arrays(keys))
    opt.save(tmp_path / f"a{suffix}")
    again.load(tmp_path / f"a{suffix}")
    assert flat(again.state_dict()) == flat(opt.state_dict())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_programs_can_read_the_files(tmp_path, dtype):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    opt = fa.Adam({"layer1": {"W": np.ones((3, 4), dtype), "a/b~": np.ones(2, dtype)}}, lr=0.5)
    opt.step({"layer1": {"W": numbers((3, 4), dtype, 1), "a/b~": np.ones(2, dtype)}})
    for suffix in SUFFIXES:
        opt.save(tmp_path / f"a{suffix}")
    found = load_file(tmp_path / "a.safetensors")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as zipped:
        theirs = dict(zipped)
    values = theirs.pop("values").tobytes().decode()
    assert found.keys() == theirs.keys() == {f"state/{s}/layer1/{name}" for s in "mv" for name in ("W", "a~1b~0")}
    for name, path in (("W", "W"), ("a/b~", "a~1b~0")):
        for s in "mv":
            wanted = opt.state[s]["layer1"][name]
            for array in (found[f"state/{s}/layer1/{path}"], theirs[f"state/{s}/layer1/{path}"]):
                assert (array.dtype, array.shape, bits(array)) == (dtype, wanted.shape, bits(wanted))
    with safe_open(tmp_path / "a.safetensors", "numpy") as file:
        assert file.metadata() == {"values": values}
    assert {".".join(path): value for path, value in json.loads(json.loads(values)["values"])}["hyper.lr"] == 0.5


@every_suffix
def test_a_path_may_be_relative_a_string_or_a_pathlib_path(tmp_path, suffix, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("sub.folder")
    opt = made(arrays(["W"]))
    for path in (
        f"a{suffix}",
        Path(f"b.c{suffix}"),
        f"./sub.folder/../sub.folder/a b{suffix}",
        tmp_path / f"ü{suffix}",
    ):
        opt.save(path)
        again = fa.Adam(arrays(["W"]))
        again.load(path)
        assert flat(again.state_dict()) == flat(opt.state_dict())
    assert sorted(str(path) for path in Path().rglob("*.*")) == sorted(
        [f"a{suffix}", f"b.c{suffix}", "sub.folder", f"sub.folder{os.sep}a b{suffix}", f"ü{suffix}"]
    )


@every_suffix
def test_a_link_stays_a_link_to_the_file_that_is_saved(tmp_path, suffix):
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / f"real{suffix}", tmp_path / f"last{suffix}"
    link.symlink_to(Path("there") / f"real{suffix}")
    opt, again = made(arrays(["W"])), fa.Adam(arrays(["W"]))
    for _ in range(2):  # to a file that is not there yet, and to one that is
        opt.save(link)
        assert link.is_symlink()
        again.load(file)
        assert flat(again.state_dict()) == flat(opt.state_dict())
        opt.lr *= 2
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["there", f"real{suffix}", f"last{suffix}"])


@every_suffix
def test_threads_may_save_to_one_path_at_once(tmp_path, suffix):
    path, opts = tmp_path / f"a{suffix}", [made(arrays(["W", "b"]), steps) for steps in (1, 2, 3)]
    wanted, errors = [flat(opt.state_dict()) for opt in opts], []

    def save(opt):
        try:
            for _ in range(20):
                opt.save(path)
                again = fa.Adam(arrays(["W", "b"]))
                again.load(path)
                assert flat(again.state_dict()) in wanted
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(opt,)) for opt in [*opts, opts[0]]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_without_safetensors_it_says_what_to_install_and_the_other_format_works(tmp_path, monkeypatch):
    opt = made(arrays(["W"]))
    opt.save(tmp_path / "a.safetensors")
    for name in [name for name in sys.modules if name.split(".")[0] == "safetensors"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (opt.save, opt.load):
        with pytest.raises(ImportError, match=r"a.safetensors: needs safetensors \(`pip install safetensors`\)"):
            call(tmp_path / "a.safetensors")
    opt.save(tmp_path / "a.npz")
    opt.load(tmp_path / "a.npz")
    assert len(list(tmp_path.iterdir())) == 2
