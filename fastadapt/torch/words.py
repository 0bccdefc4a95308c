"""PyTorch's words for hyperparameters, in a group of parameters, and ours."""

from typing import Any

import numpy as np
import torch

from ..group import Group
from ..hyperparameters import AVERAGES, FIXED, LIMITS
from ..optimizer import Optimizer
from ..rules.adam import Adam, AdamW, AMSGrad
from ..torch_state import hyper_of

EXTRAS = (*LIMITS, *AVERAGES, *FIXED, "lower", "upper", "masters")
"""Hyperparameters that PyTorch's optimizers have not, and which a group has where they are given."""

WHOLE = ("nonfinite",)
"""Of these what all groups have in common."""

DTYPES = {torch.float32: np.float32, torch.float64: np.float64, torch.complex64: np.complex64}
DTYPES |= {torch.complex128: np.complex128, torch.float16: np.float32, torch.bfloat16: np.float32}
"""The types of parameters, and of the numbers in which a step computes with them."""


NARROW = torch.float16, torch.bfloat16


def defaults_of(rule: type[Optimizer]) -> dict[str, Any]:
    """The hyperparameters of a rule in PyTorch's words, with their defaults."""
    own = {name: value for name, value in rule.defaults.items() if name not in EXTRAS}
    found = {}
    for name, value in own.items():
        if name == "beta1" and "beta2" in own:
            found["betas"] = value, own["beta2"]
        elif not (name == "beta2" and "beta1" in own):
            found["decoupled_weight_decay" if name == "decoupled" else name] = value
    return found


def rule_of(rule: type[Optimizer], group: dict[str, Any]) -> type[Optimizer]:
    """The rule that a group follows."""
    return AMSGrad if rule in (Adam, AdamW) and group.get("amsgrad") else rule


def values_of(group: dict[str, Any]) -> list:
    """What a group says, as numbers that no one else can change."""
    return [_number(value) for name, value in group.items() if name != "params"]


def _number(value):
    if isinstance(value, torch.Tensor):
        return value.item()
    return tuple(map(_number, value)) if isinstance(value, list | tuple) else value


def hyper(rule: type[Optimizer], group: dict[str, Any]) -> dict[str, Any]:
    """Our hyperparameters of a group."""
    found = hyper_of({name: _number(value) for name, value in group.items() if name not in ("params", "param_names")})
    found = {name: value for name, value in found.items() if name in rule.defaults}
    for name, needed in rule.requires.items():
        if name in found and not found.get(needed, True):
            found[name] = type(found[name])(0)  # which PyTorch takes, and leaves without effect
    return found


def check_group(rule: type[Optimizer], group: dict[str, Any]) -> None:
    """Raise TypeError or ValueError for a group whose parameters or hyperparameters cannot be."""
    name, rule = rule.__name__, rule_of(rule, group)
    if group.get("differentiable"):
        raise ValueError(f"{name}: expected differentiable to be False: no gradient goes through a step")
    for k, p in enumerate(group["params"]):
        if p.device.type not in ("cpu", "cuda"):
            raise TypeError(f"{name}: params[{k}]: expected a tensor on the CPU or CUDA, not {p.device}")
        if p.is_conj() or p.is_neg():
            raise TypeError(
                f"{name}: params[{k}]: expected a tensor that is its memory, not a conjugate or negative one"
            )
        if p.dtype not in DTYPES or p.layout != torch.strided:
            kind = f"{p.dtype}" if p.layout == torch.strided else f"{p.dtype}, {p.layout}"
            raise TypeError(
                f"{name}: params[{k}]: expected a dense tensor of floating point or complex numbers, not of {kind}"
            )
        if group.get("capturable") and p.device.type == "cpu":
            raise ValueError(f"{name}: expected capturable to be False for tensors on the CPU")
    if group.get("masters") is False and not any(p.dtype in NARROW for p in group["params"]):
        raise ValueError(f"{name}: expected parameters of 16 bits with masters=False")
    Group(rule, hyper(rule, group)).holds({np.dtype(DTYPES[p.dtype]) for p in group["params"]})
