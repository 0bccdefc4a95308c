"""Checkpoints in files: written beside, flushed and renamed, with a digest of all that is in them."""

import json
import os
import stat
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .paths import flat, nested


class Format(NamedTuple):
    """A kind of file: how it is written from arrays by name and a text, and read."""

    write: Callable[[str, dict[str, np.ndarray], str], None]
    read: Callable[[str], tuple[dict[str, np.ndarray], str]]


def save(path: str | os.PathLike, state_dict: dict[str, Any]) -> None:
    """Write a nested dict of arrays and plain values to a file, which replaces an older one when it is whole."""
    target, form = Path(os.path.realpath(path)), _format(Path(path))
    leaves = dict(flat(state_dict))
    arrays = {_name(at): value for at, value in leaves.items() if isinstance(value, np.ndarray)}
    others = [[at, value] for at, value in leaves.items() if not isinstance(value, np.ndarray)]
    text = json.dumps(others)
    text = json.dumps({"digest": _digest(arrays, text), "values": text})
    # Of the name its beginning, so that this one is of at most 138 bytes and fits wherever the target's does.
    beside = target.with_name(f".{target.name[:30]}.{os.urandom(6).hex()}.tmp")
    try:
        wanted = _create(beside, target)
        form.write(str(beside), arrays, text)
        _permit(beside, wanted)  # again, because safetensors puts a file of its own there
        _flush(beside)
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _flush(target.parent)


def load(path: str | os.PathLike) -> dict[str, Any]:
    """Read what `save` wrote; ValueError if it is not to the bit what was written."""
    form = _format(Path(path))
    with open(path, "rb"):  # an OSError that says what is amiss
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, of headers that are damaged
            arrays, text = form.read(os.fspath(path))
        meta = json.loads(text)
        if meta["digest"] != _digest(arrays, meta["values"]):
            raise ValueError("its content is not what its digest was made of")
        leaves = {tuple(at): value for at, value in json.loads(meta["values"])}
        return nested(leaves | {_path(name): value for name, value in arrays.items()})
    except Exception as error:  # whatever a reader makes of bytes that may be anything
        raise ValueError(f"{os.fspath(path)}: truncated or altered, or not a checkpoint of fastadapt") from error


def _create(path, target):
    """Make an empty file with the permissions of `target`, or of any new file where there is none; what `os.stat` says
    of the one whose they are."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # of which the system takes the umask away
    try:
        wanted = os.stat(target)
    except FileNotFoundError:
        return os.stat(path)
    _permit(path, wanted, stat.S_IWUSR)
    return wanted


def _permit(path, wanted, more=0):
    """Give a file the permissions and, where it may be, the group of another, of which `os.stat` said `wanted`.

    Another group may do what all may.
    """
    found, mode = os.stat(path), stat.S_IMODE(wanted.st_mode)
    if found.st_gid != wanted.st_gid:
        try:
            os.chown(path, -1, wanted.st_gid)
        except OSError:
            mode = mode & ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    if stat.S_IMODE(found.st_mode) != mode | more:
        os.chmod(path, mode | more)


def _flush(path):
    """Wait until a file, or what a folder says of its files, is on the disk."""
    if os.name == "nt" and path.is_dir():  # which cannot be opened there
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows flushes what may be written to
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(arrays, text):
    found = sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"\0{name}\0{array.dtype.str}{array.shape}\0".encode())
        found.update(array.reshape(-1).view(np.uint8))
    return found.hexdigest()


ESCAPED = {"~": "~0", "/": "~1", ".npy": "~2", "\0": "~3"}
"""What may not stand in a name: the first two as in a JSON pointer, the others have a meaning in .npz files."""


def _name(path):
    """A path as one string."""
    parts = list(path)
    for text, escape in ESCAPED.items():
        parts = [part.replace(text, escape) for part in parts]
    return "/".join(parts)


def _path(name):
    parts = name.split("/")
    for text, escape in reversed(ESCAPED.items()):
        parts = [part.replace(escape, text) for part in parts]
    return tuple(parts)


def _write_npz(path, arrays, text):
    with open(path, "wb") as file:
        np.savez(file, **arrays, values=np.frombuffer(text.encode(), np.uint8))


def _read_npz(path):
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    return arrays, arrays.pop("values").tobytes().decode()


def _format(path):
    if path.suffix == ".npz":
        return Format(_write_npz, _read_npz)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: expected a name that ends in .safetensors or .npz")
    try:
        from safetensors import SafetensorError, safe_open
        from safetensors.numpy import save_file
    except ImportError as error:
        raise ImportError(f"{path}: needs safetensors (`pip install safetensors`); or save to a .npz file") from error

    def read(path):
        with safe_open(path, framework="numpy") as found:
            return {name: found.get_tensor(name) for name in list(found.keys())}, found.metadata()["values"]

    def write(path, arrays, text):
        try:
            save_file(arrays, path, {"values": text})
        except SafetensorError as error:  # of a full disk, for one
            raise OSError(f"{path}: not written: {error}") from error

    return Format(write, read)
