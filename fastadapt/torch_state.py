"""From PyTorch: the state of one of its optimizers, carried over."""

from functools import partial
from typing import Any

import numpy as np

from .checkpoint.state_dict import change_state
from .engine.counters import Counters
from .groups import Members
from .layout import parts_of
from .optimizer import Optimizer
from .rules.adam import AMSGrad
from .tree import Tree

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
    change_state(opt, "from_torch", lambda step: _jobs(step, states, tree.paths))
    return opt


def _hyper(cls, group):
    """Our hyperparameters of one of PyTorch's groups."""
    found = {name: value for name, value in group.items() if name not in IGNORED}
    found = {HYPER.get(name, name): value for name, value in found.items()}
    if found.pop("amsgrad", False) != (cls is AMSGrad):
        raise ValueError(f"from_torch: expected fa.AMSGrad for amsgrad=True, and only for that, not {cls.__name__}")
    if "betas" in found:
        found["beta1"], found["beta2"] = found.pop("betas")
    return {name: value.item() if hasattr(value, "item") else value for name, value in found.items()}


def _jobs(step, states, paths):
    """The jobs of putting the state of each array, by its number, into the optimizer."""
    names, counts, jobs = STATES[step.cls.__name__], {}, []
    for batch in step.batches:
        for at, i in enumerate(batch.members):
            theirs, where = states[i], f"from_torch: params{paths[i]}"
            values = {name: _numpy(theirs.get(names[name]), batch.params[at], where) for name in batch.rule.states}
            if theirs and any(value is None for value in values.values()):
                raise ValueError(f"{where}: expected {', '.join(names[name] for name in values)} in its state")
            if "mean" in values and theirs:  # our r is the variance itself
                values["r"] = np.maximum(values["r"] - values["mean"] ** 2, 0)
            jobs += [batch.state.writing(k, at, value) for k, value in enumerate(values.values()) if theirs]
            if theirs and "mu_product" in theirs:  # NAdam's scalar
                jobs.append(partial(batch.kept.rows.__setitem__, (at, 0), float(theirs["mu_product"])))
            if batch.average is not None:
                jobs.append(batch.state.writing(batch.average, at, batch.device.on_host(batch.params[at])))
            counts[i] = int(theirs.get("step", 1)) if theirs else 0  # SGD does not count: what it has is not its first
    t = max(counts.values())
    for batch in step.batches:
        jobs += batch.missing([t - counts[i] for i in batch.members])
    return jobs + step.restarting(Counters(t))


def _numpy(tensor, param, where):
    """A tensor, on any device and of any float type, in NumPy, or its parts; it has the shape of its parameter."""
    if tensor is None:
        return None
    wide = np.complex128 if param.complex else np.float64
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor if tensor.is_complex() else tensor.double()).numpy()
    array = np.asarray(tensor, wide)
    if array.shape != param.given_shape:
        raise ValueError(f"{where}: expected state of shape {param.given_shape}, not {array.shape}")
    return parts_of(array)
