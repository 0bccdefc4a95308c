"""The optimizer: hyperparameters, groups, state and steps; a thin wrapper over the kernels."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .arrays import Layout, parameter, refuse_shared
from .hyper import Group, real
from .nest import Nest
from .rule import prepare_class

INFINITY = float("inf")

COMMON = {"weight_decay": 0.0, "decoupled": False, "maximize": False}
"""Hyperparameters of every optimizer, which the kernels apply around its rule."""


class Optimizer:
    """Updates parameters in place. Subclass it with the two functions of a rule, `coefficients` and `update`.

    params : one array, or a list, tuple or dict of arrays, nested; float32 or float64, on the CPU or on CUDA
    groups : hyperparameters for parts of the parameters. A dict from a pattern over the names of the arrays
        (`"*.b"` matches `params["layer1"]["b"]`), or a function of name and array, to a dict of hyperparameters.
        The first that matches an array counts; what it does not name follows the optimizer.
    hyper : the hyperparameters by name. Each is an attribute that can be assigned between steps.

    Raises
    ------
    TypeError
        An array, gradient or hyperparameter of the wrong kind; an unknown hyperparameter.
    ValueError
        One of the right kind with a wrong value; parameters that share memory.
    """

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        prepare_class(cls, COMMON)

    @staticmethod
    def start(p: Any, /) -> tuple:
        """The state before the first step, a number or an array like `p` for each buffer; zeros where not defined."""
        return ()

    def __init__(self, params: Any, *, groups: dict | None = None, **hyper: Any):
        if type(self) is Optimizer:
            raise TypeError("Optimizer: expected a subclass with a rule: fa.Adam, or your own")
        nest = Nest(params)
        arrays = nest.leaves(params)
        if not arrays:
            raise ValueError("params: expected at least one array")
        layouts = [parameter(array, path) for array, path in zip(arrays, nest.paths, strict=True)]
        if len({found.cuda for found in layouts}) > 1:
            odd = next(k for k, found in enumerate(layouts) if found.cuda != layouts[0].cuda)
            raise TypeError(
                f"params{nest.paths[odd]}: expected all arrays on one device, but this one is on "
                f"{layouts[odd].device} and params{nest.paths[0]} on {layouts[0].device}"
            )
        refuse_shared(layouts, nest.paths)
        base = Group(type(self), hyper)
        made = _groups(type(self), groups, base)
        self._params, self._nest, self._layouts = params, nest, layouts
        self._selected, self._groups = made, [base, *made.values()]
        self._chosen = _choose(made, nest, layouts)
        self._make_batches()
        self.zero_state()

    def _make_batches(self):
        from .batch import Batch  # here, so that importing the package loads no kernel

        if self._layouts[0].cuda:
            from .kernels import cuda as device
        else:
            from .kernels import cpu as device
        members: dict[tuple, list[int]] = {}
        for i, (found, group) in enumerate(zip(self._layouts, self._chosen, strict=True)):
            members.setdefault((self._groups[group].rule, found.dtype), []).append(i)
        self._device = device
        self._members = list(members.values())
        """The indices of the arrays of each batch."""
        self._batches = [
            Batch(device, rule, dtype, [self._layouts[i] for i in which], [self._nest.paths[i] for i in which])
            for (rule, dtype), which in members.items()
        ]

    def __setattr__(self, name, value):
        if name.startswith("_") or name in type(self).defaults:
            object.__setattr__(self, name, value)
        else:
            setattr(self._groups[0], name, value)  # which says what there is

    def __repr__(self):
        return f"{type(self).__name__}({len(self._layouts)} arrays, t={self.t}, {self._groups[0]!r})"

    @property
    def t(self) -> int:
        """How many steps were taken."""
        return self._t

    @property
    def groups(self) -> dict[str | Callable, Group]:
        """The groups by their patterns or functions; their hyperparameters are attributes, as the optimizer's are."""
        return dict(self._selected)

    @property
    def counts(self) -> Any:
        """How many steps each array has taken, in the structure of params: fewer than `t` if its gradient was None."""
        return self._nest.build(self._gather([batch.counts() for batch in self._batches]))

    @property
    def state(self) -> dict[str, Any]:
        """The state by name, each in the structure of params; None for an array whose rule has no such state.

        The arrays are views of the optimizer's own memory, on the device of the parameters.
        """
        names = dict.fromkeys(name for batch in self._batches for name in batch.rule.states)
        views = {name: [[b.view(name, i) for i in range(len(b.params))] for b in self._batches] for name in names}
        return {name: self._nest.build(self._gather(lists)) for name, lists in views.items()}

    @property
    def nbytes(self) -> int:
        """Bytes that the state takes."""
        return sum(buffer.nbytes for batch in self._batches for buffer in batch.buffers)

    def zero_state(self) -> None:
        """Begin anew: the state as before the first step, and `t` = 0."""
        for batch, members in zip(self._batches, self._members, strict=True):
            for buffer in batch.buffers:
                self._device.clear(buffer)
            batch.begin([self._chosen[i] for i in members])
            for i, member in enumerate(members):
                group = self._groups[self._chosen[member]]
                keywords = {name: getattr(group, name) for name in type(self).start_names}
                if type(self).start is not Optimizer.start:
                    batch.fill(i, type(self).start(self._device.on_host(batch.params[i]), **keywords))
        self._t = 0

    def step(self, grads: Any, scale: float = 1.0, *, stream: Any = None) -> None:
        """Update the parameters in place with their gradients.

        grads : gradients in the structure of params, each of its parameter's shape, of float32, float64 or float16;
            None leaves an array, its state and its step count alone. A gradient must not share memory with another
            array's parameter
        scale : multiplies the gradients
        stream : for CUDA arrays, the stream to run on; without it, the one that their owner uses

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit; nothing was touched. The message names the array.
        """
        if type(scale) is not float:
            scale = real(scale, "step: expected scale")
        if not -INFINITY < scale < INFINITY:
            raise ValueError(f"step: expected scale to be finite, not {scale!r}")
        if self._nest.paths[0]:
            self._unchanged()
        leaves = self._nest.leaves(grads)
        stream = self._device.stream_of(self._layouts[0].array, stream)
        if len(self._batches) == 1:
            batch = self._batches[0]
            batch.commit(*batch.prepare(leaves, scale, self._groups, stream), stream)
        else:
            self._step_batches(leaves, scale, stream)
        self.__dict__["_t"] += 1  # past __setattr__, which takes longer than all the rest of this line

    def _step_batches(self, leaves, scale, stream):
        works = [
            batch.prepare([leaves[i] for i in members], scale, self._groups, stream)
            for batch, members in zip(self._batches, self._members, strict=True)
        ]
        for batch, work in zip(self._batches, works, strict=True):
            batch.commit(*work, stream)

    def _unchanged(self):
        """Raise ValueError if the user's containers hold other arrays than those that the optimizer updates."""
        for i, array in enumerate(self._nest.leaves(self._params, "params")):
            if array is not self._layouts[i].array:
                raise ValueError(
                    f"params{self._nest.paths[i]}: expected the array that the optimizer was made with, not another: "
                    "change it in place (`p[...] = value`), or make a new optimizer"
                )

    def _gather(self, lists):
        """Values listed by batch, in the order of the leaves."""
        found = [None] * len(self._layouts)
        for members, values in zip(self._members, lists, strict=True):
            for i, value in zip(members, values, strict=True):
                found[i] = value
        return found


def _groups(cls: type, given: Any, base: Group) -> dict[str | Callable, Group]:
    """The groups that the user described, checked."""
    if not isinstance(given or {}, dict):
        raise TypeError(f"groups: expected a dict of patterns and their hyperparameters, not {given!r}")
    for selector, own in (given or {}).items():
        if not isinstance(selector, str) and not callable(selector):
            raise TypeError(f"groups: expected a pattern or a function of name and array, not {selector!r}")
        if not isinstance(own, dict):
            raise TypeError(f"groups[{selector!r}]: expected a dict of hyperparameters, not {own!r}")
    return {selector: Group(cls, own, base) for selector, own in (given or {}).items()}


def _choose(groups: dict[str | Callable, Group], nest: Nest, layouts: list[Layout]) -> list[int]:
    """The group of each array: 0 for the optimizer's own hyperparameters, then the groups in order."""
    chosen = [0] * len(layouts)
    for k, selector in reversed(list(enumerate(groups, 1))):
        matches = selector if callable(selector) else lambda name, _, s=selector: fnmatchcase(name, s)
        for i, (name, found) in enumerate(zip(nest.names, layouts, strict=True)):
            if matches(name, found.array):
                chosen[i] = k
    for k, selector in enumerate(groups, 1):
        if k not in chosen:
            names = ", ".join(nest.names[:8])
            raise ValueError(f"groups: expected {selector!r} to match an array that no earlier group took, of {names}")
    return chosen
