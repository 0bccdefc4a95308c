"""The optimizer: hyperparameters, groups, state and steps; a thin wrapper over the kernels."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from . import threads
from .arrays import parameter, refuse_shared
from .checkpoint import Checkpoints
from .clip import Skipped, limited, limits_of
from .groups import Group, choose, make_groups
from .hyper import real
from .nest import Lazy, Nest
from .rule import prepare_class
from .threads import STEPPING
from .trial import try_update, warn_of_signs

INFINITY = float("inf")

COMMON = {"weight_decay": 0.0, "decoupled": False, "maximize": False}
"""Hyperparameters of every optimizer, which the kernels apply around its rule."""

WATCHING = {"max_norm": INFINITY, "max_value": INFINITY, "nonfinite": "propagate"}
"""Hyperparameters of every optimizer that say what is done about gradients too large, or not finite."""

FIXED = {"state_bits": 32, "rounding": "stochastic", "small_from": 4096, "seed": 0}
"""Hyperparameters of every optimizer that say how its state is held; they cannot change after it is made."""


class Optimizer(Checkpoints):
    """Updates parameters in place. Subclass it with the two functions of a rule, `coefficients` and `update`.

    params : one array, or a list, tuple or dict of arrays, nested; float32 or float64, on the CPU or on CUDA
    groups : hyperparameters for parts of the parameters. A dict from a pattern over the names of the arrays
        (`"*.b"` matches `params["layer1"]["b"]`), or a function of name and array, to a dict of hyperparameters.
        The first that matches an array counts; what it does not name follows the optimizer.
    capturable : on CUDA, whether a CUDA graph can capture a step: step count, coefficients and limits are then computed
        on the device. Take one step before the capture, with the same arrays of gradients
    hyper : the hyperparameters by name. Each is an attribute that can be assigned between steps, but for those that say
        how the state is held: `state_bits` is 32 (numbers like the parameters), 16 (bfloat16) or 8 (codes in blocks of
        256 with a scale each); `rounding` of small state is "stochastic" or "nearest"; arrays of fewer weights than
        `small_from` keep state of 32 bits; `seed` is that of the random words that round.

    Raises
    ------
    TypeError
        An array, gradient or hyperparameter of the wrong kind; an unknown hyperparameter.
    ValueError
        One of the right kind with a wrong value; parameters that share memory.

    Warns
    -----
    UserWarning
        A state of 8 bits looks as if it were never negative, and the rule does not say so in `nonnegative`.
    """

    nonnegative: tuple[str, ...] = ()
    """Names of the states that are never negative.

    In 8 bits they keep their sizes down to 3e-10 of their block's largest, and none becomes 0; a negative value becomes
    NaN.
    """

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        prepare_class(cls, Optimizer, COMMON | WATCHING, FIXED)

    @staticmethod
    def start(p: Any, /) -> tuple:
        """The state before the first step, a number or an array like `p` for each buffer; zeros where not defined."""
        return ()

    def __init__(self, params: Any, *others: Any, groups: dict | None = None, capturable: bool = False, **hyper: Any):
        if others:
            raise TypeError(
                f"{type(self).__name__}: expected hyperparameters by name, such as lr=0.1, not {others[0]!r}"
            )
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
        made = make_groups(type(self), groups, base)
        for group in (base, *made.values()):
            try_update(type(self), group)
        self._params, self._nest, self._layouts = params, nest, layouts
        self._selected, self._groups = made, [base, *made.values()]
        self._chosen = choose(made, nest, layouts)
        self._make_batches()
        self.zero_state()
        if capturable:
            self._make_capturable()

    def _make_capturable(self):
        if not self._layouts[0].cuda:
            raise ValueError("capturable: expected arrays on CUDA, whose graphs can capture a step, not on the CPU")
        from .steering import Steering

        self._steering = Steering(self, required=True)
        for group in self._groups:
            group.captured(partial(self._steering.push, self))
        self._capturable = True

    def _make_batches(self):
        from .batch import Batch  # here, so that importing the package loads no kernel
        from .kernels.storage import storage_of

        if self._layouts[0].cuda:
            from .kernels import cuda as device
        else:
            from .kernels import cpu as device
        members: dict[tuple, list[int]] = {}
        for i, found in enumerate(self._layouts):
            group = self._groups[self._chosen[i]]
            bits = group.state_bits if found.size >= group.small_from else 32
            kind = group.rule, storage_of(bits, group.rounding, found.dtype, group.rule.nonnegative), found.dtype
            if bits == 8 and kind not in members:
                warn_of_signs(type(self), group)
            members.setdefault(kind, []).append(i)
        self._device, self._forks = device, threads.forks
        self._steering, self._capturable, self._grad_norm = None, False, float("nan")
        self._clock = np.zeros(1, np.int64)
        self._set_clock = self._clock.__setitem__
        self._unbound = [INFINITY] * len(self._groups)
        where = device, self._clock, self._layouts, self._nest.paths
        self._batches = [Batch(*where, *kind, which) for kind, which in members.items()]

    def __setattr__(self, name, value):
        if name.startswith("_") or name in type(self).defaults:
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__}: {name} cannot be assigned")
        else:
            setattr(self._groups[0], name, value)  # which says what there is

    def __repr__(self):
        groups = "".join(f", {selector!r}: ({group!r})" for selector, group in self._selected.items())
        return f"{type(self).__name__}(t={self.t}, {self._groups[0]!r}{groups})"

    def __reduce_ex__(self, protocol):
        groups = {selector: group.given(whole=False) for selector, group in self._selected.items()}
        hyper = self._groups[0].given(whole=True)
        return _made, (type(self), self._params, self.state_dict(), groups, self._capturable, hyper)

    @property
    def params(self) -> Any:
        """The parameters, as the optimizer was given them."""
        return self._params

    @property
    def t(self) -> int:
        """How many steps were taken."""
        self._look_there()
        return self._clock.item(0)

    @property
    def grad_norm(self) -> float:
        """The norm of all gradients in the last step that needed it, after `scale` and `max_value`; NaN before.

        It is infinite or NaN if one of the gradients was.
        """
        self._look_there()
        return self._grad_norm

    @property
    def skipped(self) -> Skipped:
        """How many steps were skipped for a gradient that was not finite: `skipped.total`, `skipped.in_a_row`."""
        self._look_there()
        return self._skipped

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can capture a step."""
        return self._capturable

    def _look_there(self):
        """Find out what a GPU has decided, where it does."""
        if self._steering is not None:
            t, self._skipped, norm, _ = self._steering.read()
            self._set_clock(0, t)
            self._grad_norm = norm

    @property
    def groups(self) -> dict[str | Callable, Group]:
        """The groups by their patterns or functions; their hyperparameters are attributes, as the optimizer's are."""
        return dict(self._selected)

    @property
    def counts(self) -> Any:
        """How many steps each array has taken, in the structure of params: fewer than `t` if its gradient was None."""
        self._look_there()
        return self._build(lambda batch: batch.counts())

    @property
    def state(self) -> Mapping[str, Any]:
        """The state by name, each in the structure of params; None for an array whose rule has no such state.

        The arrays are on the device of the parameters. They are views of the optimizer's own memory: to change it,
        write into them (`opt.state["m"][...] = 0`). Small state is decoded, to float32, when its name is asked for:
        what is written there would be lost, and on the CPU is an error.
        """
        names = dict.fromkeys(name for batch in self._batches for name in batch.rule.states)
        return Lazy(names, lambda name: self._build(lambda batch: batch.read(name)))

    def _build(self, values_of):
        """The values that each batch has for its arrays, in the structure of params."""
        found = {i: value for b in self._batches for i, value in zip(b.members, values_of(b), strict=True)}
        return self._nest.build(found[i] for i in range(len(found)))

    @property
    def nbytes(self) -> int:
        """Bytes that the state takes, the scales of small state with it."""
        return sum(batch.state.nbytes for batch in self._batches)

    def zero_state(self) -> None:
        """Begin anew: the state as before the first step, and `t` = 0."""
        self._device.synchronize()
        starts = [[self._start(i) for i in batch.members] for batch in self._batches]
        with STEPPING, threads.uninterrupted():
            self._grad_norm = float("nan")
            self._restart(0, Skipped())
            for batch, values in zip(self._batches, starts, strict=True):
                groups = [self._chosen[i] for i in batch.members]
                batch.begin(groups, values, [self._groups[k].seed for k in groups])
            self._device.synchronize()

    def _start(self, i):
        """The first state of array `i`, a number or an array of its shape for each buffer; None where all are zero."""
        if type(self).start is Optimizer.start:
            return None
        group, found = self._groups[self._chosen[i]], self._layouts[i]
        hyper = {name: getattr(group, name) for name in type(self)._start_names}
        values = type(self).start(self._device.on_host(found), **hyper)
        where, states = f"{type(self).__name__}.start: params{self._nest.paths[i]}", group.rule.states
        if not isinstance(values, tuple) or len(values) != len(states):
            raise TypeError(f"{where}: expected a tuple of {', '.join(states)}, not {values!r}")
        try:
            return [np.broadcast_to(np.asarray(value, found.dtype), found.shape) for value in values]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: expected numbers, or arrays of shape {found.shape}: {error}") from None

    def step(
        self,
        grads: Any,
        scale: float | Any = 1.0,
        *,
        max_norm: float | None = None,
        max_value: float | None = None,
        stream: Any = None,
    ) -> None:
        """Update the parameters in place with their gradients.

        grads : gradients in the structure of params, each of its parameter's shape, of float32, float64 or float16;
            None leaves an array, its state and its step count alone. A gradient must not share memory with another
            array's parameter
        scale : multiplies the gradients; on CUDA also an array of one float32 or float64, which a captured step reads
        max_norm, max_value : for this step, in place of the hyperparameters
        stream : for CUDA arrays, the stream to run on; without it, the one that their owner uses

        Several threads may step at once: one waits for the other. A signal's handler, such as that of Ctrl-C, runs
        before a step or after it: either all arrays have taken it or none.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit, or is not finite where `nonfinite` is "raise"; nothing was touched. The message
            names the array.
        RuntimeError
            The step is captured into a CUDA graph, and something that it reads is not on the device yet.
        """
        place = None
        if type(scale) is not float:
            scale, place = self._scale(scale)
        if not -INFINITY < scale < INFINITY:
            raise ValueError(f"step: expected scale to be finite, not {scale!r}")
        with STEPPING:
            if self._forks != threads.forks:
                self._forked()
            if not self._nest.single:
                self._unchanged()
            leaves = self._nest.leaves(grads)
            cuda = self._layouts[0].cuda
            if stream is not None or cuda:
                stream = self._device.stream_of(self._layouts[0].array, stream)
            plans = [batch.prepare(leaves, stream) for batch in self._batches]
            scales, bounds = [scale] * len(self._groups), self._unbound
            watched = max_norm is not None or max_value is not None
            for group in self._groups:
                watched |= group.watches
            if cuda and (watched or place is not None or self._steering is not None):
                self._steer(leaves, plans, scale, place, (max_norm, max_value), stream)
                return
            if watched:
                limits = limited(self, leaves, plans, scale, max_norm, max_value)
                if limits is None:
                    return
                scales, bounds = limits.scales, limits.bounds
            jobs = [partial(self._set_clock, 0, self._clock.item(0) + 1)]
            for plan in plans:
                jobs[:0] = plan.jobs + plan.after
            if self._skipped.in_a_row:
                jobs.append(partial(self.__dict__.update, _skipped=self._skipped._replace(in_a_row=0)))
            for batch in self._batches:
                batch.pack(self._groups, scales, bounds)
            self._device.carry_out(jobs)

    def _scale(self, given):
        """The scale as a number, and where it lies on the device, or None."""
        if self._layouts[0].cuda:
            from .steering import scale_of

            place = scale_of(given)
            if place is not None:
                return 1.0, place
        return real(given, "step: expected scale"), None

    def _steer(self, leaves, plans, scale, place, asked, stream):
        """Take a step on a GPU that decides there what to make of the gradients' norm."""
        from .kernels.cuda_launch import refuse_captured
        from .steering import Steering

        if not self._capturable:
            refuse_captured(stream)
        limits = limits_of(self, scale, *asked)
        if self._steering is None:
            self._steering = Steering(self, required=False)
        self._device.carry_out(
            [partial(self._steering.run, self, leaves, plans, limits, place or scale, asked, stream)]
        )

    def _forked(self):
        """Choose kernels anew in the child of a fork, which may have no threads."""
        for batch in self._batches:
            batch.forget_kernels()
        self._forks = threads.forks

    def _restart(self, t, skipped):
        """Go on from the step `t`."""
        self._set_clock(0, t)
        self._skipped = skipped
        if self._steering is not None:
            self._steering.restart(self)

    def _unchanged(self):
        """Raise ValueError if the user's containers hold other arrays than those that the optimizer updates."""
        for i, array in enumerate(self._nest.leaves(self._params, "params")):
            if array is not self._layouts[i].array:
                raise ValueError(
                    f"params{self._nest.paths[i]}: expected the array that the optimizer was made with, not another: "
                    "change it in place (`p[...] = value`), or make a new optimizer"
                )


def _made(cls, params, state_dict, groups, capturable, hyper):
    """The optimizer that was copied or pickled."""
    opt = cls(params, groups=groups, capturable=capturable, **hyper)
    opt.load_state_dict(state_dict)
    return opt
