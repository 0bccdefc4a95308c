"""Checkpoints: all that a resumed run needs of an optimizer as a plain nested dict, and back, strictly."""

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..hyperparameters import newest
from ..threads import STEPPING
from . import files
from .loader import loading
from .paths import Path, flat, groups_of, joined, kept_of, nested, states_of

if TYPE_CHECKING:  # importing the package loads no kernel
    from ..engine.step import Step


class Checkpoints:
    """What an optimizer can do to be kept and to go on."""

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs: a nested dict, with strings for keys, of NumPy arrays and plain values.

        `["state"]["v"]["layer1"]["W"]` is what `opt.state["v"]["layer1"]["W"]` is, with quantized state in its codes.
        Averages of the weights are under "averaged". Hyperparameters and step counts are in it, the parameters are not.

        Raises
        ------
        ValueError
            Two keys of the structure of params are the same string.
        """
        _check_names(self._tree.keys)
        return nested(self._taken(self._tree.keys))

    def _by_order(self) -> list[Path]:
        """Names of the arrays by their order, for copies: keys may have other names there, or no two different ones."""
        return [(str(i),) for i in range(len(self._tree.keys))]

    def _taken(self, keys: list[Path]) -> dict[Path, Any]:
        """What a state dict has at each path, where the arrays have these names."""
        with STEPPING:
            return self._turn.read("state_dict", partial(self._read_all, keys))

    def _read_all(self, keys):
        """As `_taken`, if nothing changes meanwhile."""
        self._device.synchronize()
        counters = self._counters()
        found: dict[Path, Any] = {("version",): newest(), ("optimizer",): type(self).__name__, ("t",): counters.t}
        if self.since:
            found["rule_version",] = newest(self.since)
        found |= {("skipped", name): value for name, value in counters.skipped._asdict().items()}
        for path, group in groups_of(self._groups):
            found |= {(*path, name): value for name, value in group.given(whole=path == ("hyper",)).items()}
        found |= {("group", *name): k for name, k in zip(keys, self._chosen, strict=True)}
        for batch in self._batches:
            counts = (counters.t - batch.missed).tolist()
            found |= {("counts", *keys[i]): n for i, n in zip(batch.members, counts, strict=True)}
        self._stepper.refresh()
        found |= {path: rows[at, k].item() for path, rows, at, k in kept_of(self._stepper, keys)}
        for path, batch, k, i in states_of(self._batches, keys):
            saved = self._averages.saved(batch, i) if k == batch.average else batch.state.saved(k, i)
            found |= {joined(path, part): array for part, array in saved.items()}
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict` of an optimizer of the same class, structure, shapes, dtypes and storages.

        The hyperparameters are restored as well. Quantized state of arrays in another order of memory is rounded anew,
        all else continues to the bit.

        Raises
        ------
        TypeError
            It is no dict.
        ValueError
            An entry is missing, not expected, or of the wrong kind; the message lists all of them. Nothing was loaded.
        """
        if not isinstance(state_dict, dict):
            raise TypeError(f"expected a dict, as from state_dict, not {type(state_dict).__name__}")
        self._restore(list(flat(state_dict)), self._tree.keys)

    def _restore(self, leaves: list[tuple[Path, Any]], keys: list[Path]) -> None:
        """Go on from what `_taken` gave, strictly."""
        self._averages.refuse("load_state_dict")
        self._change("load_state_dict", loading, self._stepper, self._chosen, leaves, keys)

    def save(self, path: str | os.PathLike) -> None:
        """Write `state_dict()` to a file: `*.safetensors` (needs the package safetensors) or `*.npz`.

        It is written beside, flushed to the disk, and renamed: whatever happens, the file is the old or the new one.

        Raises
        ------
        ValueError
            The name ends in neither.
        ImportError
            safetensors is not installed.
        OSError
            The disk is full, or the like; the old file is as it was.
        """
        files.save(path, self.state_dict())

    def load(self, path: str | os.PathLike) -> None:
        """Go on from a file that `save` wrote.

        Raises
        ------
        ValueError
            The file is truncated or altered, or does not fit (see `load_state_dict`). Nothing was loaded.
        ImportError, OSError
            safetensors is not installed; the file cannot be read.
        """
        self.load_state_dict(files.load(path))


def change_state(opt: Checkpoints, what: str, jobs_of: Callable[["Step"], list[Callable[[], Any]]]) -> None:
    """Do, as one, the jobs that `jobs_of` gives for what takes an optimizer's steps; errors say `what` was done."""
    opt._change(what, jobs_of, opt._stepper)


def _check_names(keys):
    """Raise ValueError where the names of two arrays are one, or one begins with the other."""
    inner = {path[:n] for path in keys for n in range(len(path))}
    for path, count in Counter(keys).items():
        if count > 1 or path in inner:
            raise ValueError(
                f"params: expected keys that differ as strings, but two arrays are named {'.'.join(path)!r}"
            )
