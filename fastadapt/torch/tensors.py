"""The memory of our optimizers as PyTorch's tensors."""

from typing import Any

import numpy as np
import torch

from ..optimizer import Optimizer
from ..torch_state import VARIANCE, words_of


def views_of(opt: Optimizer) -> list[dict[str, torch.Tensor]]:
    """The state of each of a list of parameters, by PyTorch's names, as tensors that share our memory.

    State of 16 bits is of bfloat16. That of 8 bits is flat, of codes with the headers of their blocks behind them.
    """
    names, found = words_of(type(opt))[0], {}
    for batch in opt._batches:
        states = [
            VARIANCE if name == "r" and "mean" in batch.rule.states else names[name] for name in batch.rule.states
        ]
        states += ["averaged"] * (batch.average is not None) + ["master"] * (batch.master is not None)
        for at, i in enumerate(batch.members):
            found[i] = {name: _view(batch, k, at) for k, name in enumerate(states)}
    return [found[i] for i in range(len(found))]


def _view(batch, k, at):
    codec, state, param = batch.state.storage.codecs[k], batch.state, batch.params[at]
    if not codec.coded:
        return _tensor(state.read(k, at))
    items = state.memory(k, at)
    if codec.headed:
        return _tensor(items)
    # The words of a bfloat16, of which NumPy knows nothing.
    return _tensor(items.view(np.int16)).as_strided(param.shape, state.steps[at]).view(torch.bfloat16)


def _tensor(array: Any) -> torch.Tensor:
    """An array of ours as a tensor, on its device."""
    return torch.from_numpy(array) if isinstance(array, np.ndarray) else torch.as_tensor(array, device="cuda")


class Numbers:
    """What is counted and kept for each parameter, as tensors of one number each, which are views of two buffers."""

    def __init__(self, opt: Optimizer, n: int):
        reductions = type(opt).declaration.reductions
        self._opt, names = opt, words_of(type(opt))[1]
        self._kept = (
            [(k, reductions.over_all[k]) for k in range(len(reductions.before), len(reductions.names))] if names else []
        )
        dtype = torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32
        steps, kept = torch.zeros(n, dtype=dtype), torch.zeros(len(self._kept), n, dtype=torch.float64)
        self._steps, self._values = steps.numpy(), kept.numpy()
        self._members = [np.array(batch.members) for batch in opt._batches]
        if len(self._members) == 1:
            self._members = [slice(None)]  # all of them in order
        self._clock = opt._stepper.block["t"]
        self.of = [{"step": steps[i]} | {name: kept[k, i] for k, name in enumerate(names.values())} for i in range(n)]
        self.update()

    def update(self) -> None:
        """Write what is so now."""
        opt = self._opt
        t = opt.t if opt._cuda else self._clock[0]
        if self._kept:
            opt._stepper.refresh()
        for members, batch in zip(self._members, opt._batches, strict=True):
            self._steps[members] = t - batch.missed
            for row, (k, over_all) in zip(self._values, self._kept, strict=True):
                row[members] = opt._stepper.kept.rows[0, k] if over_all else batch.kept.rows[:, k]
        self._written = self._steps.tobytes(), self._values.tobytes()

    def unchanged(self) -> bool:
        """Whether they are what was written last."""
        return self._written == (self._steps.tobytes(), self._values.tobytes())
