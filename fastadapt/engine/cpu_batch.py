"""A batch on the CPU: the memory of its block, which compiled code reads, and gradients that Python has to look at."""

from typing import Any

import numpy as np

from ..arrays import gradient
from ..devices import check_tensors, cpu
from ..devices.check_numpy import trusted
from ..functions import naming_the_reason
from ..kernels.blocks import ABSENT, APPLY, MATCH, ODD, OWN, PACK, REDUCE, SQUARES, enter, walk_size
from ..kernels.match import KINDS, MOST_TYPES, NUMPY, TYPES, describe
from ..kernels.pack import build_pack
from ..kernels.squares import SUMS
from ..kernels.table import FIRST, G
from ..kernels.weight import AROUND
from ..layout import GRADIENT_TYPES, is_plain, is_tensor
from ..sharing import Spans
from .batch import Batch

KEPT = 2**20
"""Bytes of room for packed arrays that are kept from step to step; what takes more is made anew."""


class CpuBatch(Batch):
    """A batch, and the addresses of all that a compiled step of it needs."""

    def __init__(self, *given: Any):
        super().__init__(cpu, *given)
        n, self.choice = len(self.members), None
        self._arrays = np.array([*(id(p.array) for p in self.params), *self.members], np.int64)
        self.verdicts, self._packs, self.nonfinite = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
        self._walks = np.zeros((KINDS, walk_size(n)), np.int64)
        self._coef = np.zeros((n, AROUND + self.rule.coefs), self.dtype)
        enter(self.block, arrays=self._arrays, verdicts=self.verdicts, packs=self._packs, nonfinite=self.nonfinite)
        enter(self.block, walks=self._walks, coef=self._coef)

    def connect(self, step: np.ndarray, own: int, written: Spans) -> None:
        """As every batch's; its gradients are read from their headers, where these can be trusted."""
        super().connect(step, own, written)
        tensors = all(is_tensor(p.array) for p in self.params) and check_tensors.trusted()
        own = {type(p.array): None for p in self.params if is_plain(type(p.array))}
        self._types = None if tensors else list({np.ndarray: None} | own)[:MOST_TYPES]  # alive, so that ids stay theirs
        match, headers = tensors or (trusted(), (NUMPY, self._types))
        self._known = describe(self.params, self.steps, written, *headers)
        enter(self.block, known=self._known, known_size=self._known.size)
        self.functions[MATCH] = match

    def learn(self, leaves: list) -> bool:
        """Let compiled code know the types of these gradients where they are plain; whether one is new."""
        if self._types is None:
            return False
        new = {type(leaves[i]) for i in self.members}.difference(self._types)
        new = [kind for kind in new if is_plain(kind)][: MOST_TYPES - len(self._types)]
        self._types += new
        self._known[TYPES : TYPES + len(self._types)] = list(map(id, self._types))
        return bool(new)

    def look(self, leaves: list) -> list:
        """Find where the gradients are that compiled code did not understand; the arrays that hold them.

        Raises
        ------
        TypeError, ValueError
            One does not fit its parameter, or a parameter is no longer what it was.
        """
        alive = []
        for k in np.flatnonzero(self.verdicts == ODD).tolist():
            g = leaves[self.members[k]]
            self.check_unchanged(k)
            if g is None:
                self.verdicts[k] = ABSENT
                continue
            found = gradient(g, self.params[k], f"params{self.paths[k]}")
            ordered = not found.size or found.steps() == self.steps[k]
            in_place = ordered and self.readable_in_place(k, found)
            source = found.numbers if in_place else cpu.packed(found, self.steps[k])
            self.table[k, G], self.verdicts[k] = source.ctypes.data, GRADIENT_TYPES.index(found.dtype)
            alive.append(source)
        return alive

    def build(self, reads: bool) -> None:
        """Compile the phases that the gradients of this step need."""
        if self._packs.any():
            self.functions[PACK] = build_pack()
        for kind in range(KINDS):
            if self._walks[kind, 0]:
                if not self.functions[APPLY + kind]:
                    self.functions[APPLY + kind], self.choice = self.kernel(cpu.applying, kind)
                if self.rule.reduce and not self.functions[REDUCE + kind]:
                    self.functions[REDUCE + kind] = self._reducing(kind)
                if reads and not self.functions[SQUARES + kind]:
                    self.functions[SQUARES + kind] = cpu.squares(self.dtype, GRADIENT_TYPES[kind], self._tiles)

    def _reducing(self, kind):
        """The phase that sums what the rule needs before a step."""
        with naming_the_reason(self.rule.reduce.__qualname__):
            return cpu.reducing(self.rule, self.state.storage, self.dtype, GRADIENT_TYPES[kind], self._tiles)

    def make_room(self, reads: bool, sums: int) -> None:
        """Make room for the sums of tiles, and for the arrays that are packed."""
        sums = max(SUMS * reads, sums)
        if sums > self.block["parts_width"][0]:
            self._parts = np.empty(sums * self._tiles)
            enter(self.block, parts=self._parts, parts_width=sums)
        needed = int(self.block["scratch_needed"][0])
        if needed > self.block["scratch_size"][0]:
            self._scratch = cpu.zeros(needed, np.uint8)
            enter(self.block, scratch=self._scratch, scratch_size=needed)

    def free_room(self) -> None:
        """Give back room for large arrays."""
        if self.block["scratch_size"][0] > KEPT:
            enter(self.block, scratch_size=0)
            self._scratch = None

    def forget_kernels(self) -> None:
        """Choose kernels anew."""
        self.functions[:OWN], self.choice = 0, None

    @property
    def _tiles(self):
        return int(self.table[-1, FIRST])
