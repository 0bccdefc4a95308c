"""A step on the CPU: one call into compiled code, and what Python does where that cannot go on."""

from math import inf, nan
from typing import Any

from ..devices import cpu
from ..group_row import MAX_NORM, NONFINITE
from ..kernels.norms import build_norms
from ..kernels.step import AGAIN, BEYOND, BUILD, DONE, LOOK, REFUSE, ROOM, STATUSES, stepper
from ..turns import TRIES, refused
from .nonfinite import refuse_nonfinite
from .step import Step


class CpuStep(Step):
    """Steps on the CPU."""

    def __init__(self, *given: Any):
        super().__init__(*given)
        self._step, self._address, self._choice = stepper(), self.address, None

    def take(self, leaves: list, scale: float, max_norm: Any, max_value: Any) -> None:
        """Take a step with these gradients, or skip it.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit or is not finite, or a coefficient is beyond the range of the weights: nothing was
            done.
        RuntimeError
            A signal's handler stepped meanwhile, again and again.
        """
        if max_norm is not None or max_value is not None:
            max_norm, max_value = self.limit("max_norm", max_norm), self.limit("max_value", max_value)
        else:
            max_norm = max_value = nan
        for batch in self.doubling:
            batch.double()
        ticket, again, alive, room = 0, 0, None, False
        while True:
            given = self._address, id(leaves), scale, max_norm, max_value, ticket
            found = cpu.call_with_threads(self._choice, self._step, given)
            status, turn = found % STATUSES, found // STATUSES
            if status == DONE:
                break
            if status == LOOK and not sum(batch.learn(leaves) for batch in self.batches):
                alive, ticket = [batch.look(leaves) for batch in self.batches], turn
            elif status == AGAIN:
                ticket, again = 0, again + 1
                if again == TRIES:
                    raise refused("step")
            elif status in (BUILD, ROOM):
                reads, sums = self._reads(max_norm), int(max(self.block["sums_before"][0], self.block["sums_after"][0]))
                room |= status == ROOM
                if reads:
                    self.block["find_norms"] = build_norms()
                for batch in self.batches:
                    batch.build(reads)
                    batch.make_room(reads, sums)
                self._choice = next((batch.choice for batch in self.batches if batch.choice), None)
            elif status == REFUSE:
                self._refuse_nonfinite(leaves)
            elif status == BEYOND:
                self.refuse_coefficients()
        if room:
            for batch in self.batches:
                batch.free_room()
        del alive

    def forget_kernels(self) -> None:
        """As every device's: the child of a fork may have no threads to choose."""
        super().forget_kernels()
        self._choice = None

    def _reads(self, max_norm):
        """Whether a step has to read the gradients first."""
        rows = [group.row for group in self.groups]
        return max_norm < inf or rows[0][NONFINITE] != 0 or any(row[MAX_NORM] < inf for row in rows)

    def _refuse_nonfinite(self, leaves):
        """Raise ValueError for the first gradient that is not finite."""
        found = [
            (i, batch, k)
            for batch in self.batches
            for k, i in enumerate(batch.members)
            if batch.verdicts[k] >= 0 and batch.nonfinite[k] != 0
        ]
        i, batch, k = min(found, key=lambda each: each[0])
        refuse_nonfinite(cpu, leaves[i], batch.params[k], batch.paths[k])
