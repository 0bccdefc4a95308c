"""The optimizer: hyperparameters, groups, state and steps; a thin wrapper over the kernels."""

from functools import partial
from math import inf
from typing import Any, ClassVar

from . import threads
from .arrays import parameter
from .copies import made, refuse_deep, writeable
from .dry_run import try_update, warn_of_signs
from .engine import steps_of
from .engine.averages import Averages
from .engine.counters import Counters
from .engine.first_state import first_state
from .groups import Group, NumberedGroups, choose, make_groups, named_group
from .hyperparameters import check_range, real
from .layout import NARROW_TYPES, widened
from .per_weight import NumberedArrays, by_number, check_values, per_weight_of
from .properties import Properties
from .rule import Declaration
from .sharing import refuse_shared
from .subclass import prepare_class
from .threads import STEPPING
from .tree import Tree


class Optimizer(Properties):
    """Updates parameters in place. Subclass it with the two functions of a rule, `coefficients` and `update`.

    params : one array, or a list, tuple or dict of arrays, nested; float32, float64, complex64 or complex128, on the
        CPU or on CUDA, or on the CPU float16, or a tensor of bfloat16. A complex one is updated as the array of its
        real and imaginary parts, to the bit
    groups : hyperparameters for parts of the parameters. A dict from a pattern over the names of the arrays
        (`"*.b"` matches `params["layer1"]["b"]`), or a function of name and array, to a dict of hyperparameters.
        The first that matches an array counts; what it does not name follows the optimizer.
    per_weight : arrays like the parameters, with a number for each weight: a dict with `"lower"` and `"upper"`, bounds
        beside those of all weights, and `"lr"`, by which a weight moves: `p + s * (new - p)` of what the rule makes of
        it, exactly p at s = 0 and new at 1, and then within the bounds. Each is a tree like params, with None for an
        array without, or a dict of patterns as groups have. They are read where they lie, in the parameter's order of
        memory, and may be changed in place between steps. They are no part of checkpoints, as the parameters are not.
    capturable : on CUDA, whether a CUDA graph can capture a step: step count, coefficients and limits are then computed
        on the device. Take one step before the capture, with the same gradients, scale and limits
    hyper : the hyperparameters by name. Each is an attribute that can be assigned between steps, but for those that say
        how the state is held: `state_bits` is 32 (numbers like the parameters), 16 (bfloat16) or 8 (codes in blocks of
        256 with a scale each); `rounding` of quantized state is "stochastic" or "nearest"; arrays of fewer weights than
        `min_quantized_size` keep state of 32 bits; `seed` is that of the random words that round. `average`, which is
        fixed as well, is None, "ema" or "polyak": see `averaged`. So is `masters`: parameters of float16 or bfloat16
        have masters of float32, to which a step adds, and which it rounds to them, to the nearest; a parameter that is
        no longer what its master was rounded to counts itself. With `masters=False` there are none, and a step rounds
        as it rounds quantized state.

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

    declaration: ClassVar[Declaration]
    """What the functions and attributes of a subclass say of it."""

    nonnegative: tuple[str, ...] = ()
    """Names of the states that are never negative.

    In 8 bits they keep their sizes down to 3e-10 of their block's largest. In 8 and in 16 bits none becomes 0, and what
    is too large for a float32 becomes infinite; so does in 8 bits a negative value.
    """

    full_precision: tuple[str, ...] = ()
    """Names of the states that are no moments but places, `("p0",)`.

    They keep the parameters' type at any `state_bits`, because rounding would move a place.
    """

    since: ClassVar[dict[str, int]] = {}
    """Version of the rule since which a hyperparameter exists, `{"alpha": 2}`, which takes its default for older ones.

    The version of a rule is the largest number here, or 1; a checkpoint holds it.
    """

    renamed: ClassVar[dict[str, str]] = {}
    """Hyperparameters that older checkpoints and pickles call otherwise, `{"old": "new"}`."""

    requires: ClassVar[dict[str, str]] = {}
    """Hyperparameters that have no meaning where another is 0, `{"dampening": "momentum"}`, and then are refused."""

    in_common: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that all groups have to have in common, but for 0, because there is one scalar for all."""

    sums_before: ClassVar[dict[str, str]] = {}
    """Sums that a step needs first, `{"pp": "array"}`: over each array, or over "all".

    `reduce(p, g, state..., /, coefficients...)`, with the parameters of `update`, returns a tuple of their terms of one
    weight. It sees `g` as `update` does, and `p` before a decoupled decay. Sums are float64.
    """

    sums_after: ClassVar[dict[str, str]] = {}
    """Sums for the next step, whose terms `update` returns behind its states; before the first step they are 0."""

    first_scalars: ClassVar[dict[str, Any]] = {}
    """What a rule declares as `scalars = {"d": ("all", 1e-6)}`: numbers of float64 that are kept from step to step, one
    for each "array" or for "all", with a first value or the name of the hyperparameter that it is.

    `combine(t, sums..., scalars..., hyperparameters...)` takes the sums before, those after the last step, and the
    scalars, in the order in which they are declared, and returns two tuples: coefficients, which `update` takes behind
    those of `coefficients`, and the new scalars. A step that is skipped, and a None, leave both alone.
    """

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        prepare_class(cls, Optimizer)

    @staticmethod
    def start(p: Any, /) -> tuple:
        """The state before the first step, a number or an array like `p` for each buffer; zeros where not defined."""
        return ()

    def __init__(
        self,
        params: Any,
        *others: Any,
        groups: dict | None = None,
        per_weight: dict[str, Any] | None = None,
        capturable: bool = False,
        **hyper: Any,
    ):
        if others:
            raise TypeError(
                f"{type(self).__name__}: expected hyperparameters by name, such as lr=0.1, not {others[0]!r}"
            )
        if type(self) is Optimizer:
            raise TypeError("Optimizer: expected a subclass with a rule: fa.Adam, or your own")
        tree = Tree(params)
        arrays = tree.leaves(params)
        if not arrays:
            raise ValueError("params: expected at least one array")
        layouts = [parameter(array, path) for array, path in zip(arrays, tree.paths, strict=True)]
        if len({found.cuda for found in layouts}) > 1:
            odd = next(k for k, found in enumerate(layouts) if found.cuda != layouts[0].cuda)
            raise TypeError(
                f"params{tree.paths[odd]}: expected all arrays on one device, but this one is on "
                f"{layouts[odd].device} and params{tree.paths[0]} on {layouts[0].device}"
            )
        refuse_shared(layouts, tree.paths)
        base = Group(type(self), hyper)
        selected = make_groups(type(self), groups, base)
        for group in (base, *selected.values()):
            try_update(type(self), group)
        self._per_weight = per_weight_of(per_weight, tree, layouts)
        self._params, self._tree, self._layouts, self._cuda = params, tree, layouts, layouts[0].cuda
        self._selected, self._groups = selected, [base, *selected.values()]
        self._chosen = choose(groups, selected, tree, layouts)
        for k, (selector, group) in enumerate([(None, base), *selected.items()]):
            with named_group(selector):
                members = [found for found, chosen in zip(layouts, self._chosen, strict=True) if chosen == k]
                dtypes = [found.computed if found.dtype in NARROW_TYPES else found.given_dtype for found in members]
                group.holds(dtypes, assigned=isinstance(groups, NumberedGroups))
                if not group.masters and not any(found.dtype in NARROW_TYPES for found in members):
                    raise ValueError(f"{type(self).__name__}: expected parameters of 16 bits with masters=False")
        self._narrowest = min((found.computed for found in layouts), key=lambda dtype: dtype.itemsize)
        if not isinstance(capturable, bool):
            raise TypeError(f"{type(self).__name__}: expected capturable to be True or False, not {capturable!r}")
        if capturable and not layouts[0].cuda:
            raise ValueError("capturable: expected arrays on CUDA, whose graphs can capture a step, not on the CPU")
        self._capturable = capturable
        self._turn = base.turn
        self._make_batches()
        if not isinstance(per_weight, NumberedArrays):  # in a copy they are what they have become
            check_values(self._per_weight, tree, self._device)
        self._change("zero_state", self._beginning, True)
        if capturable:
            self._stepper.capture()

    def _make_batches(self):
        from .devices import module_of
        from .kernels.streams import storage_of  # here, so that importing the package loads no kernel

        cuda = self._layouts[0].cuda
        device = module_of(cuda)
        if cuda:
            device.attach()
            for found, more, path in zip(self._layouts, self._per_weight, self._tree.paths, strict=True):
                for array in (found, *more.values()):
                    device.refuse_other(array, path)
        members: dict[tuple, list[int]] = {}
        for i, found in enumerate(self._layouts):
            group = self._groups[self._chosen[i]]
            bits = group.state_bits if found.size >= group.min_quantized_size else 32
            rule = group.rule
            held = group.rounding, found.computed, rule.nonnegative, rule.full_precision, rule.terms
            weights = NARROW_TYPES.index(found.dtype) + 1 if found.dtype in NARROW_TYPES else 0, group.masters
            storage = storage_of(bits, *held, group.average is not None, tuple(self._per_weight[i]), *weights)
            kind = rule, storage, found.computed
            if bits == 8 and kind not in members:
                warn_of_signs(type(self), group)
            members.setdefault(kind, []).append(i)
        self._device, self._forks = device, threads.forks
        self._batches, self._stepper = steps_of(
            type(self), self._groups, self._layouts, self._tree.paths, members, self._capturable
        )
        self._stepper.read_along(self._per_weight)
        self._averages = Averages(self._stepper)

    def __setattr__(self, name, value):
        if name in self.defaults:
            self._groups[0].assign(name, value)
        elif name.startswith("_"):
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__}: {name} cannot be assigned")
        else:
            setattr(self._groups[0], name, value)  # which says what there is

    def __reduce_ex__(self, protocol):
        refuse_deep(self._tree)
        return _made, self._parts()

    def __copy__(self):
        return _copy(*self._parts())

    def _parts(self):
        """What a copy is made of. Its arrays are told apart by their order: keys may have other names in a copy."""
        self._averages.refuse("a copy or a pickle")
        groups = {selector: group.given(whole=False) for selector, group in self._selected.items()}
        state, hyper = self._taken(self._by_order()), self._groups[0].given(whole=True)
        arrays = by_number(self._per_weight)
        return type(self), self._params, state, groups, self._capturable, hyper, self._chosen, arrays

    def zero_state(self) -> None:
        """Begin anew: the state as before the first step, and `t` = 0."""
        self._change("zero_state", self._beginning, False)

    def _beginning(self, new):
        """The jobs of beginning anew, where the state may be new."""
        self._averages.refuse("zero_state")
        jobs = []
        for batch in self._batches:
            groups = [self._chosen[i] for i in batch.members]
            starts, seeds = [self._start(i) for i in batch.members], [self._groups[k].seed for k in groups]
            jobs += batch.beginning(groups, starts, seeds, new)
        return jobs + self._stepper.forgetting(self._chosen) + self._stepper.restarting(Counters())

    def _change(self, what, prepare, *given):
        """Do the jobs that `prepare(*given)` gives as one: no signal's handler uses the optimizer in between."""
        with STEPPING:
            self._turn.change(what, partial(prepare, *given), self._carry_out)

    def _carry_out(self, jobs):
        """Do jobs that no step may overtake."""
        if not self._cuda:
            self._device.carry_out(jobs)
            return
        with self._turn.alone():
            self._device.synchronize()
            self._device.carry_out(jobs)
            self._device.synchronize()

    def _start(self, i):
        """The first state of array `i`, a number or an array of its shape for each buffer; None where all are zero."""
        group, found = self._groups[self._chosen[i]], self._layouts[i]
        where = f"{type(self).__name__}.start: params{self._tree.paths[i]}"
        # From a GPU only what is read is copied.
        read = lambda: widened(self._device.on_host(found))  # noqa: E731
        return first_state(type(self), group, found.shape, found.computed, read, where)

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

        grads : gradients in the structure of params, each of its parameter's shape, of float32, float64 or 16 bits;
            for a complex parameter of complex64 or complex128, dL/dRe + i dL/dIm, as PyTorch gives them; autograd and
            JAX give the conjugate, of which `np.conj(g)` is that. None leaves an array, its state and its step count
            alone. On the CPU an array of either byte order, or any
            object with `__array__` or DLPack. One that shares memory with parameters or state counts as it was before
            the step
        scale : multiplies the gradients; on CUDA also an array of one float32 or float64, which a captured step reads
        max_norm, max_value : for this step, in place of the hyperparameters
        stream : for CUDA arrays, the stream to run on; without it, the one that their owner uses

        Several threads may step at once: one waits for the other. A signal's handler runs before a step or after it:
        either all arrays have taken it or none; on CUDA that is so of Ctrl-C alone. A handler may use the optimizer as
        well; on CUDA, in the middle of its step, that is an error.

        Raises
        ------
        TypeError, ValueError
            A gradient does not fit, or is not finite where `nonfinite` is "raise"; nothing was touched. The message
            names the array.
        RuntimeError
            It is in `with opt.averaged_weights():`; the step is captured into a CUDA graph, and something that it reads
            is not on the device yet; another GPU is current than when the optimizer was made; a signal's handler used
            the optimizer meanwhile, on CUDA or again and again.
        """
        place = None
        if type(scale) is not float:
            if self._cuda:
                from .engine.cuda_step import scale_of

                place = scale_of(scale)
            scale = real(scale, "step: expected scale") if place is None else 1.0
        if scale != 1.0:
            if not -inf < scale < inf:
                raise ValueError(f"step: expected scale to be finite, not {scale!r}")
            check_range("step", "scale", scale, self._narrowest)
        with STEPPING:
            if self._forks != threads.forks:
                self._stepper.forget_kernels()  # the child of a fork may have no threads
                self._forks = threads.forks
            if not self._tree.single:
                self._unchanged()
            leaves = self._tree.leaves(grads)
            if self._averages.exchanged is not None:
                self._averages.refuse("step")
            if self._cuda:
                self._step_on_cuda(leaves, scale, max_norm, max_value, place, stream)
                return
            if stream is not None:
                self._device.stream_of(self._layouts[0].array, stream)
            self._turn.cut_in()
            self._stepper.take(leaves, scale, max_norm, max_value)

    def _step_on_cuda(self, *given):
        """Take a step that is begun call by call, in the middle of which no other may be."""
        if not self._turn.denied():
            with self._turn.alone():
                self._stepper.take(*given)

    def _unchanged(self):
        """Raise ValueError if the user's containers hold other arrays than those that the optimizer updates."""
        for i, array in enumerate(self._tree.leaves(self._params, "params")):
            if array is not self._layouts[i].array:
                raise ValueError(
                    f"params{self._tree.paths[i]}: expected the array that the optimizer was made with, not another: "
                    "change it in place (`p[...] = value`), or make a new optimizer"
                )


def _made(cls, params, state, groups, capturable, hyper, chosen=None, arrays=None):
    """The optimizer that was pickled: pickles of version 0.1.0, which have a state dict, call it so too."""
    return _copy(cls, writeable(params, groups), state, groups, capturable, hyper, chosen, arrays)


def _copy(cls, params, state, groups, capturable, hyper, chosen, arrays):
    opt = made(cls, params, groups, capturable, hyper, chosen, arrays)
    if chosen is None:
        opt.load_state_dict(state)
    else:
        opt._restore(list(state.items()), opt._by_order())
    return opt
