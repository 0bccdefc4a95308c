"""The optimizer: hyperparameters, groups, state and steps; a thin wrapper over the kernels."""

from functools import partial
from math import inf, nan
from typing import Any

import numpy as np

from . import threads
from .arrays import parameter
from .clip import Skipped, settle
from .groups import Group, choose, make_groups, named_group
from .hyper import COMMON, FIXED, WATCHING, check_range, real
from .nest import Nest
from .readings import Readings
from .rule import prepare_class
from .sharing import Spans, refuse_shared
from .threads import STEPPING
from .trial import try_update, warn_of_signs


class Optimizer(Readings):
    """Updates parameters in place. Subclass it with the two functions of a rule, `coefficients` and `update`.

    params : one array, or a list, tuple or dict of arrays, nested; float32 or float64, on the CPU or on CUDA
    groups : hyperparameters for parts of the parameters. A dict from a pattern over the names of the arrays
        (`"*.b"` matches `params["layer1"]["b"]`), or a function of name and array, to a dict of hyperparameters.
        The first that matches an array counts; what it does not name follows the optimizer.
    capturable : on CUDA, whether a CUDA graph can capture a step: step count, coefficients and limits are then computed
        on the device. Take one step before the capture, with the same gradients, scale and limits
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

    In 8 bits they keep their sizes down to 3e-10 of their block's largest. In 8 and in 16 bits none becomes 0, and what
    is too large for a float32 becomes infinite; so does in 8 bits a negative value.
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
        for k, (selector, group) in enumerate([(None, base), *made.items()]):
            with named_group(selector):
                group.holds(found.dtype for found, chosen in zip(layouts, self._chosen, strict=True) if chosen == k)
        self._narrowest = min((found.dtype for found in layouts), key=lambda dtype: dtype.itemsize)
        if not isinstance(capturable, bool):
            raise TypeError(f"{type(self).__name__}: expected capturable to be True or False, not {capturable!r}")
        if capturable and not layouts[0].cuda:
            raise ValueError("capturable: expected arrays on CUDA, whose graphs can capture a step, not on the CPU")
        self._capturable = capturable
        self._make_batches()
        self.zero_state()
        if capturable:
            from .steering import make_capturable

            make_capturable(self)

    def _make_batches(self):
        from .batch import Batch  # here, so that importing the package loads no kernel
        from .kernels.devices import module_of
        from .kernels.storage import storage_of

        device = module_of(self._layouts[0].cuda)
        if self._layouts[0].cuda:
            self._context = device.attach()
            for found, path in zip(self._layouts, self._nest.paths, strict=True):
                device.refuse_other(found, path)
        members: dict[tuple, list[int]] = {}
        for i, found in enumerate(self._layouts):
            group = self._groups[self._chosen[i]]
            bits = group.state_bits if found.size >= group.small_from else 32
            kind = group.rule, storage_of(bits, group.rounding, found.dtype, group.rule.nonnegative), found.dtype
            if bits == 8 and kind not in members:
                warn_of_signs(type(self), group)
            members.setdefault(kind, []).append(i)
        self._device, self._forks = device, threads.forks
        self._steering, self._grad_norm = None, nan
        self._clock = np.zeros(1, np.int64)
        self._set_clock = self._clock.__setitem__
        self._unbound = [inf] * len(self._groups)
        where = device, self._clock, self._layouts, self._nest.paths
        self._batches = [Batch(*where, *kind, which, self._capturable) for kind, which in members.items()]
        bounds = [found.bounds() for found in self._layouts if found.size]
        written = Spans(bounds + [pair for batch in self._batches for pair in batch.state.bounds])
        for batch in self._batches:
            batch.written = written

    def __setattr__(self, name, value):
        if name.startswith("_") or name in type(self).defaults:
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__}: {name} cannot be assigned")
        else:
            setattr(self._groups[0], name, value)  # which says what there is

    def __reduce_ex__(self, protocol):
        groups = {selector: group.given(whole=False) for selector, group in self._selected.items()}
        hyper = self._groups[0].given(whole=True)
        return _made, (type(self), self._params, self.state_dict(), groups, self._capturable, hyper)

    def zero_state(self) -> None:
        """Begin anew: the state as before the first step, and `t` = 0."""
        with STEPPING, threads.uninterrupted():
            self._device.synchronize()
            starts = [[self._start(i) for i in batch.members] for batch in self._batches]
            for batch, values in zip(self._batches, starts, strict=True):
                groups = [self._chosen[i] for i in batch.members]
                batch.begin(groups, values, [self._groups[k].seed for k in groups])
            self._grad_norm = nan
            self._restart(0, Skipped())
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
            return [_like(value, found) for value in values]
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
            None leaves an array, its state and its step count alone. On the CPU an array of either byte order, or any
            object with `__array__` or DLPack. One that shares memory with parameters or state counts as it was before
            the step
        scale : multiplies the gradients; on CUDA also an array of one float32 or float64, which a captured step reads
        max_norm, max_value : for this step, in place of the hyperparameters
        stream : for CUDA arrays, the stream to run on; without it, the one that their owner uses

        Several threads may step at once: one waits for the other. A signal's handler runs before a step or after it:
        either all arrays have taken it or none; on CUDA that is so of Ctrl-C alone.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit, or is not finite where `nonfinite` is "raise"; nothing was touched. The message
            names the array.
        RuntimeError
            The step is captured into a CUDA graph, and something that it reads is not on the device yet; another GPU is
            current than when the optimizer was made.
        """
        cuda, place = self._layouts[0].cuda, None
        if type(scale) is not float:
            if cuda:
                from .steering import scale_of

                place = scale_of(scale)
            scale = real(scale, "step: expected scale") if place is None else 1.0
        if not -inf < scale < inf:
            raise ValueError(f"step: expected scale to be finite, not {scale!r}")
        if scale != 1.0:
            check_range("step", "scale", scale, self._narrowest)
        with STEPPING:
            if self._forks != threads.forks:
                self._forked()
            if not self._nest.single:
                self._unchanged()
            leaves = self._nest.leaves(grads)
            if cuda and self._device.attach() != self._context:
                raise RuntimeError("step: expected the GPU to be current that was so when the optimizer was made")
            if stream is not None or cuda:
                stream = self._device.stream_of(self._layouts[0].array, stream)
            if cuda and not self._capturable:
                self._device.refuse_captured(stream)
            plans = [batch.prepare(leaves, stream) for batch in self._batches]
            scales, bounds = [scale] * len(self._groups), self._unbound
            watched = max_norm is not None or max_value is not None
            for group in self._groups:
                watched |= group.watches
            if cuda and (watched or place is not None or self._steering is not None):
                from .steering import steer

                steer(self, leaves, plans, scale, place, (max_norm, max_value), stream)
                return
            if watched:
                limits = settle(self, leaves, plans, scale, max_norm, max_value)
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


def _like(value, param):
    """A first state as an array of the dtype and shape of its parameter."""
    value = np.asarray(value)
    if value.dtype.kind == "f":
        sizes = np.abs(value[np.isfinite(value) & (value != 0)]).astype(np.float64, copy=False)
        for size in (sizes.min(), sizes.max()) if sizes.size else ():
            check_range("start", "a value", size, param.dtype)
    return np.broadcast_to(value.astype(param.dtype), param.shape)


def _made(cls, params, state_dict, groups, capturable, hyper):
    """The optimizer that was copied or pickled."""
    opt = cls(params, groups=groups, capturable=capturable, **hyper)
    opt.load_state_dict(state_dict)
    return opt
