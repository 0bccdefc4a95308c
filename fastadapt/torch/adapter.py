"""An optimizer of PyTorch whose steps are ours."""

from collections.abc import Callable, Iterable
from functools import cache
from inspect import signature
from typing import Any, ClassVar

import torch

from ..optimizer import Optimizer
from .engines import Engines
from .entries import entry_of, plain_entry
from .words import EXTRAS, check_group, defaults_of


class Adapter(torch.optim.Optimizer):
    """A rule as an optimizer of PyTorch. Its state is in the memory of our optimizers, which its tensors share.

    What is not said here is as PyTorch says of its own optimizers. `foreach` and `fused` choose one of PyTorch's
    implementations, and here have no effect, but that with `fused=True` a GradScaler leaves it to the step to unscale
    the gradients, and to skip those that are not finite.

    Raises
    ------
    TypeError
        A parameter that is neither float32 nor float64, real or complex; a hyperparameter of the wrong kind.
    ValueError
        `differentiable=True`; `capturable=True` on the CPU; a hyperparameter out of range.
    """

    rule: ClassVar[type[Optimizer]]
    """The rule; `amsgrad=True` is another."""

    def __init__(self, params: Iterable, *given: Any, **named: Any):
        self._begin({name: named.pop(name) for name in EXTRAS if name in named})
        super().__init__(params, *given, **named)

    def _begin(self, extras):
        self._extras: dict[str, Any] = extras
        self._engines: Engines | None = None
        self._begun: dict[torch.Tensor, None] = {}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As PyTorch's; a group may have all hyperparameters of its own."""
        for name, value in self._extras.items():
            self.defaults.setdefault(name, value)
        super().add_param_group(param_group)
        try:
            check_group(self.rule, param_group)
        except Exception:
            self.param_groups.pop()
            raise
        self._engines = None

    @torch._disable_dynamo
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step with the gradients of all parameters that have one; returns what the closure does.

        Raises
        ------
        RuntimeError
            A gradient is sparse.
        TypeError, ValueError
            A gradient or a hyperparameter does not fit. Nothing was touched, unless the groups differ in `amsgrad` or
            device: those are stepped one after the other.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        found, scale = getattr(self, "found_inf", None), getattr(self, "grad_scale", None)  # of a GradScaler
        if found is None or not found.item():
            if self._engines is None or not self._engines.fit(self.param_groups, self.state):
                self._make(stepping=True)
            self._engines.step(1.0 if scale is None else 1.0 / scale.item())
        return loss

    def _make(self, stepping):
        """Make engines of the groups and the state as they are."""
        made = Engines(self.rule, self.param_groups, self.state, self._begun, stepping)
        self._engines, self.state = made, made.state

    def state_dict(self) -> dict[str, Any]:
        """As PyTorch's; its own class of that name can load it."""
        found = super().state_dict()
        return found | {"state": {key: plain_entry(value) for key, value in found["state"].items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As PyTorch's, whose own class of that name may have made it; state is not cast to the parameters' dtype.

        Raises
        ------
        TypeError, ValueError
            It does not fit; nothing was loaded.
        """
        taken: list[dict] = []
        handle = self.register_load_state_dict_pre_hook(lambda _, found: taken.append(found))
        before = {name: self.__dict__[name] for name in ("param_groups", "state", "_engines", "_begun", "_extras")}
        try:
            super().load_state_dict(state_dict)
            params = [p for group in self.param_groups for p in group["params"]]
            order = [index for group in taken[-1]["param_groups"] for index in group["params"]]
            for index, p in zip(order, params, strict=True):
                if index in taken[-1]["state"]:
                    self.state[p] = entry_of(taken[-1]["state"][index], index)
            for group in self.param_groups:
                check_group(self.rule, group)
            self._make(stepping=False)
        except BaseException:
            self.__dict__.update(before)
            raise
        finally:
            handle.remove()

    def __getstate__(self) -> dict[str, Any]:
        state = {p: plain_entry(entry, spelled=False) for p, entry in self.state.items()}
        return super().__getstate__() | {"state": state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._begin({name: self.defaults[name] for name in EXTRAS if name in self.defaults})
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)
        if self.defaults.get("fused"):
            self._step_supports_amp_scaling = True


def named(name: str, rule: type[Optimizer], theirs: type[torch.optim.Optimizer]) -> type[Adapter]:
    """The class of a rule that PyTorch has as well, by PyTorch's name."""
    doc = f"`torch.optim.{name}` with the steps of `fa.{rule.__name__}`.\n\n{Adapter.__doc__}"
    own = {"rule": rule, "__doc__": doc, "__module__": __package__, "__signature__": signature(theirs)}
    made = _known[rule] = type(name, (Adapter, theirs), own)
    return made


_known: dict[type, type[Adapter]] = {}


def optimizer(rule: type[Optimizer]) -> type[Adapter]:
    """The class of PyTorch's optimizers that step by any rule: `optimizer(fa.Lion)(model.parameters(), lr=1e-4)`.

    Its arguments are the rule's hyperparameters, `betas` in place of beta1 and beta2, and `decoupled_weight_decay`.

    Raises
    ------
    TypeError
        It is no rule.
    """
    if not isinstance(rule, type) or not issubclass(rule, Optimizer) or rule is Optimizer:
        raise TypeError(f"fa.torch.optimizer: expected a rule, such as fa.Lion, not {rule!r}")
    return _known.get(rule) or _made_of(rule)


@cache
def _made_of(rule):
    defaults = defaults_of(rule)

    def __init__(self, params, *given, **hyper):  # noqa: N807
        if len(given) > len(defaults):
            raise TypeError(f"{rule.__name__}: expected at most {len(defaults)} hyperparameters, not {len(given)}")
        hyper = dict(zip(defaults, given, strict=False)) | hyper
        if unknown := [name for name in hyper if name not in defaults and name not in EXTRAS]:
            raise TypeError(
                f"{rule.__name__}: no hyperparameter {unknown[0]!r}; it has {', '.join([*defaults, *EXTRAS])}"
            )
        self._begin({name: hyper.pop(name) for name in EXTRAS if name in hyper})
        torch.optim.Optimizer.__init__(self, params, defaults | hyper)

    def __reduce_ex__(self, protocol):  # noqa: N807
        return _revived, (rule,), self.__getstate__()

    doc = f"An optimizer of PyTorch with the steps of `{rule.__name__}`.\n\n{Adapter.__doc__}"
    own = {"rule": rule, "__doc__": doc, "__module__": rule.__module__, "__init__": __init__}
    return type(rule.__name__, (Adapter,), own | {"__reduce_ex__": __reduce_ex__})


def _revived(rule):
    """The optimizer of a rule that is to be given its state."""
    made = optimizer(rule)
    return made.__new__(made)
