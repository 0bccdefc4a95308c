"""From PyTorch: the state of one of its optimizers, carried over."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .checkpoint.state_dict import change_state
from .engine.counters import Counters
from .groups import Members
from .layout import parts_of, widened
from .optimizer import Optimizer
from .rules.adam import AMSGrad
from .tree import Tree

if TYPE_CHECKING:  # importing the package loads no kernel
    from .engine.step import Step

STATES = {
    "SGD": {"b": "momentum_buffer"},
    "AdaGrad": {"r": "sum"},
    "RMSProp": {"r": "square_avg", "mean": "grad_avg", "b": "momentum_buffer"},
    "Adadelta": {"r": "square_avg", "s": "acc_delta"},
    "Adam": {"m": "exp_avg", "v": "exp_avg_sq"},
    "AMSGrad": {"m": "exp_avg", "v": "exp_avg_sq", "top": "max_exp_avg_sq"},
    "AdamW": {"m": "exp_avg", "v": "exp_avg_sq"},
    "Adamax": {"m": "exp_avg", "u": "exp_inf"},
    "NAdam": {"m": "exp_avg", "v": "exp_avg_sq"},
    "RAdam": {"m": "exp_avg", "v": "exp_avg_sq"},
}
"""PyTorch's name of each state."""

VARIANCE = "variance"
"""What a centered RMSProp of ours has in place of PyTorch's `square_avg`: that, less the square of `grad_avg`."""

KEPT = {"NAdam": {"product": "mu_product"}}
"""And of the scalars."""

HYPER = {"alpha": "rho", "initial_accumulator_value": "initial_accumulator", "decoupled_weight_decay": "decoupled"}
"""Our names of hyperparameters, where they differ."""

IGNORED = {"params", "param_names", "foreach", "fused", "capturable", "differentiable"}
IGNORED |= {"initial_lr", "max_lr", "min_lr", "swa_lr", "base_momentum", "max_momentum"}
"""What PyTorch's groups hold that says nothing of the next step's numbers; the latter are its schedulers'."""


def from_torch(state_dict: dict[str, Any], cls: type[Optimizer], params: Any, **hyper: Any) -> Optimizer:
    """An optimizer that goes on where one of PyTorch's stopped.

    state_dict : of a `torch.optim` optimizer
    cls : the rule that it followed: `fa.Adam` for `torch.optim.Adam`, `fa.AMSGrad` for it with `amsgrad=True`, ...
    params : copies of its parameters, in NumPy or on CUDA, in any tree; taken in the order of PyTorch's
    hyper : hyperparameters that count in place of PyTorch's, `state_bits=8` for one

    PyTorch's first group gives the hyperparameters of the optimizer; the others become groups that follow it in all in
    which they do not differ. PyTorch's SGD does not count its steps: `t` is 1 if it has momentum, else 0.

    Raises
    ------
    TypeError, ValueError
        The rules differ, or the arrays do in number, order or shape.

    Examples
    --------
    >>> opt = fa.from_torch(torch_optimizer.state_dict(), fa.Adam, params)
    """
    if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
        raise TypeError("from_torch: expected the state_dict of a torch.optim optimizer")
    ours = isinstance(cls, type) and cls.__module__.startswith(f"{__package__}.rules.")
    if not ours or cls.__name__ not in STATES:
        raise TypeError(f"from_torch: expected one of {', '.join(STATES)}, not {cls!r}: PyTorch has no such rule")
    tree = Tree(params)
    groups = [group for group in state_dict["param_groups"] if group["params"]]
    order = [index for group in groups for index in group["params"]]
    if not order:
        raise ValueError("from_torch: expected the state_dict of an optimizer with parameters")
    if len(order) != len(tree.names):
        raise ValueError(f"from_torch: expected {len(order)} arrays, as PyTorch's optimizer has, not {len(tree.names)}")
    arrays = dict(zip(sorted(order), tree.leaves(params), strict=True))
    base, *others = [_hyper(cls, group) | hyper for group in groups]
    selected = {}
    for group, values in zip(groups[1:], others, strict=True):
        own = {name: value for name, value in values.items() if name not in base or value != base[name]}
        selected[Members([arrays[index] for index in group["params"]])] = own
    opt = cls(params, groups=selected, **base)
    states = {i: state_dict["state"].get(index, {}) for i, index in enumerate(sorted(order))}
    change_state(opt, "from_torch", lambda step: carrying(step, states, [f"from_torch: params{p}" for p in tree.paths]))
    return opt


def _hyper(cls, group):
    """Our hyperparameters of one of PyTorch's groups."""
    if group.get("amsgrad", False) != (cls is AMSGrad):
        raise ValueError(f"from_torch: expected fa.AMSGrad for amsgrad=True, and only for that, not {cls.__name__}")
    found = hyper_of({name: value for name, value in group.items() if name not in IGNORED})
    return {name: value.item() if hasattr(value, "item") else value for name, value in found.items()}


def hyper_of(group: dict[str, Any]) -> dict[str, Any]:
    """What a group says in PyTorch's words, in ours."""
    found = {HYPER.get(name, name): value for name, value in group.items() if name != "amsgrad"}
    if "betas" in found:
        found["beta1"], found["beta2"] = found.pop("betas")
    return found


def words_of(cls: type[Optimizer]) -> tuple[dict[str, str], dict[str, str]]:
    """PyTorch's names of a rule's states, and of its sums and scalars; of others than PyTorch's they are our own."""
    ours = cls.__module__.startswith(f"{__package__}.rules.")
    states = {name: name for rule in cls.rules.values() for name in rule.states}
    found = cls.declaration.reductions
    kept = {name: name for name in found.names[len(found.before) :]} if found else {}
    return (states | STATES.get(cls.__name__, {}), kept | KEPT.get(cls.__name__, {})) if ours else (states, kept)


def carrying(step: "Step", states: dict[int, dict[str, Any]], where: list[str]) -> list[Callable[[], Any]]:
    """The jobs of putting the state of each array, by its number and in PyTorch's words, into the optimizer; errors
    begin with what is there in `where`."""
    (names, scalars), counts, jobs = words_of(step.cls), {}, []
    found = step.reductions
    for batch in step.batches:
        for at, i in enumerate(batch.members):
            theirs, param = states[i], batch.params[at]
            counts[i] = _count(step.cls, theirs, where[i])
            jobs += _states(batch, at, theirs, names, where[i]) if theirs else []
            for k in range(len(found.before), len(found.names)) if found and theirs else ():
                rows, row = (step.kept.rows, 0) if found.over_all[k] else (batch.kept.rows, at)
                if (value := theirs.get(scalars[found.names[k]])) is not None:
                    jobs.append(partial(rows.__setitem__, (row, k), float(value)))
            if batch.master is not None and (master := _numpy(theirs.get("master"), param, where[i])) is not None:
                jobs.append(batch.state.writing(batch.master, at, master))
            if batch.average is not None:
                mean = _numpy(theirs.get("averaged"), param, where[i])
                mean = widened(batch.device.on_host(param)) if mean is None else mean
                jobs.append(batch.state.writing(batch.average, at, mean))
    t = max(counts.values())
    for batch in step.batches:
        jobs += batch.missing([t - counts[i] for i in batch.members])
    return jobs + step.restarting(Counters(t))


def _count(cls, theirs, where):
    """How many steps an array has taken."""
    if not theirs:
        return 0
    if "step" not in theirs and cls.__name__ == "SGD":
        return 1  # SGD does not count: what it has is not its first
    found = theirs.get("step")
    try:
        number = float(found)
    except (TypeError, ValueError, RuntimeError):
        number = -1.0
    if not 0 <= number < 2**62 or number % 1:
        raise ValueError(f"{where}: expected the number of its steps as step, not {found!r}")
    return int(number)


def _states(batch, at, theirs, names, where):
    """The jobs of putting the states of array `at` of a batch into the optimizer."""
    values = {name: theirs.get(names[name]) for name in batch.rule.states}
    if VARIANCE in theirs:
        values["r"] = theirs[VARIANCE]
    if any(value is None for value in values.values()):
        raise ValueError(f"{where}: expected {', '.join(names[name] for name in values)} in its state")
    jobs, arrays = [], {}
    for k, (name, value) in enumerate(values.items()):
        if batch.state.storage.codecs[k].headed and str(value.dtype).endswith("uint8"):  # our codes
            jobs.append(batch.state.copying(k, at, value.numpy(), where))
        else:
            arrays[name] = k, _numpy(value, batch.params[at], where)
    if "mean" in arrays and "r" in arrays and VARIANCE not in theirs:  # our r is the variance itself
        (k, r), (_, mean) = arrays["r"], arrays["mean"]
        arrays["r"] = k, np.maximum(r - mean**2, 0)
    return jobs + [batch.state.writing(k, at, value) for k, value in arrays.values()]


def _numpy(tensor, param, where):
    """A tensor, on any device and of any float type, in NumPy, or its parts; it has the shape of its parameter."""
    if tensor is None:
        return None
    if not hasattr(tensor, "dtype") or np.ndim(tensor) != len(param.given_shape):
        shape = tuple(tensor.shape) if hasattr(tensor, "shape") else repr(tensor)
        raise ValueError(f"{where}: expected state of shape {param.given_shape}, not {shape}")
    if not param.complex and str(tensor.dtype).removeprefix("torch.").startswith("complex"):
        raise ValueError(f"{where}: expected state of real numbers, not {tensor.dtype}")
    wide = np.complex128 if param.complex else np.float64
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor if tensor.is_complex() else tensor.double()).numpy()
    array = np.asarray(tensor, wide)
    if array.shape != param.given_shape:
        raise ValueError(f"{where}: expected state of shape {param.given_shape}, not {array.shape}")
    return parts_of(array)
