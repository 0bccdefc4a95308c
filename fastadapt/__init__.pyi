"""Adaptive optimizers for NumPy and CUDA arrays, compiled by Numba from one pair of pure functions a rule."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import inf
from typing import Any, ClassVar, NamedTuple

import numpy as np

from . import pages as pages
from . import torch as torch

__version__: str

def check_gradient(
    fun: Callable, x0: Any, args: Sequence = (), *, most: int = 1000, seed: int = 0
) -> GradientCheck: ...
def flatten(params: Any) -> tuple[np.ndarray, Any]: ...
def from_torch(
    state_dict: dict[str, Any], cls: type[Optimizer], params: Any, **hyper: float | bool | str | None
) -> Any: ...
def method(rule: type[Optimizer], **hyper: Any) -> Callable[..., Any]: ...
def minimize(
    fun: Callable,
    x0: Any,
    rule: type[Optimizer],
    *,
    jac: bool | Callable = True,
    args: Sequence = (),
    bounds: Any = None,
    maxiter: int = 1000,
    gtol: float = 1e-5,
    ftol: float = 0.0,
    xtol: float = 0.0,
    patience: int = 10,
    best: bool = True,
    callback: Callable | None = None,
    check: bool = False,
    **hyper: Any,
) -> Result: ...
def minimize_many(
    fun: Callable,
    x0s: Any,
    rule: type[Optimizer],
    *,
    steps: int,
    args: Sequence = (),
    shared: Sequence = (),
    bounds: Any = None,
    gtol: float = 0.0,
    record: int | None = None,
    **hyper: Any,
) -> Result: ...

class Difference(NamedTuple):
    relative: float
    place: tuple[int, ...]
    given: float
    expected: float

class GradientCheck(dict[str, Difference]):
    @property
    def largest(self) -> float: ...

class Result(dict[str, Any]):
    x: Any
    fun: Any
    nit: Any
    success: Any
    path: Any
    jac: Any
    nfev: int
    njev: int
    status: int
    message: str

class Skipped(NamedTuple):
    total: int
    in_a_row: int

class Optimizer:
    groups: dict[str | Callable[[str, Any], bool], Any]
    weight_decay: float
    decoupled: bool
    maximize: bool
    lower: float
    upper: float
    average: str | None
    average_decay: float
    average_warmup: bool
    average_from: int
    max_norm: float
    max_value: float
    nonfinite: str
    state_bits: int
    rounding: str
    min_quantized_size: int
    seed: int
    nonnegative: tuple[str, ...]
    full_precision: tuple[str, ...]
    since: ClassVar[dict[str, int]]
    renamed: ClassVar[dict[str, str]]
    requires: ClassVar[dict[str, str]]
    in_common: ClassVar[tuple[str, ...]]
    sums_before: ClassVar[dict[str, str]]
    sums_after: ClassVar[dict[str, str]]
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict[str, Any] | None = None,
        capturable: bool = False,
        **hyper: float | bool | str | None,
    ) -> None: ...
    @staticmethod
    def start(p: Any, /) -> tuple: ...
    @property
    def params(self) -> Any: ...
    @property
    def t(self) -> int: ...
    @property
    def per_weight(self) -> dict[str, Any]: ...
    @property
    def capturable(self) -> bool: ...
    @property
    def grad_norm(self) -> float: ...
    @property
    def skipped(self) -> Skipped: ...
    @property
    def counts(self) -> Any: ...
    @property
    def state(self) -> Mapping[str, Any]: ...
    @property
    def scalars(self) -> dict[str, Any]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def averaged(self) -> Any: ...
    def averaged_weights(self) -> AbstractContextManager[Any]: ...
    def zero_state(self) -> None: ...
    def step(
        self,
        grads: Any,
        scale: float | Any = 1.0,
        *,
        max_norm: float | None = None,
        max_value: float | None = None,
        stream: Any = None,
    ) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...
    def save(self, path: str | os.PathLike) -> None: ...
    def load(self, path: str | os.PathLike) -> None: ...

class LAMB(Optimizer):
    beta1: float
    beta2: float
    eps: float
    lr: float
    @staticmethod
    def coefficients(t, beta1=0.9, beta2=0.999, eps=1e-06, weight_decay=0.0) -> tuple[float, ...]: ...
    @staticmethod
    def combine(t, pp, uu, lr=0.001) -> tuple[tuple[float, ...], tuple[float, ...]]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def reduce(p, g, m, v, /, correct, b1, a1, b2, a2, rescale, eps, decay) -> Any: ...
    @staticmethod
    def update(p, g, m, v, /, correct, b1, a1, b2, a2, rescale, eps, decay, step) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        lr: float = 0.001,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class SGD(Optimizer):
    lr: float
    momentum: float
    dampening: float
    nesterov: bool
    @staticmethod
    def coefficients(t, lr=0.001, momentum=0.0, dampening=0.0, nesterov=False) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def kernel_momentum(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def kernel_momentum_nesterov(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, /, lr, momentum, a) -> Any: ...
    @staticmethod
    def update_momentum(p, g, b, /, lr, momentum, a) -> Any: ...
    @staticmethod
    def update_momentum_nesterov(p, g, b, /, lr, momentum, a) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.001,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class AMSGrad(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    @staticmethod
    def coefficients(t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, v, top, /, step, b1, a1, b2, a2, rescale, eps) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class AdaGrad(Optimizer):
    lr: float
    eps: float
    lr_decay: float
    initial_accumulator: float
    @staticmethod
    def coefficients(t, lr=0.01, eps=1e-10, lr_decay=0.0) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, r, /, lr, eps) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.01,
        eps: float = 1e-10,
        lr_decay: float = 0.0,
        initial_accumulator: float = 0.0,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class Adadelta(Optimizer):
    lr: float
    rho: float
    eps: float
    @staticmethod
    def coefficients(t, lr=1.0, rho=0.9, eps=1e-06) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, r, s, /, lr, rho, a, least) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class Adam(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    @staticmethod
    def coefficients(t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, v, /, step, b1, a1, b2, a2, rescale, eps) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class AdamW(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    @staticmethod
    def coefficients(t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, v, /, step, b1, a1, b2, a2, rescale, eps) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.01,
        decoupled: bool = True,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class Adamax(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    @staticmethod
    def coefficients(t, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, u, /, step, b1, a1, b2, least) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class Lion(Optimizer):
    lr: float
    beta1: float
    beta2: float
    @staticmethod
    def coefficients(t, lr=0.0001, beta1=0.9, beta2=0.99) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, /, lr, b1, a1, b2, a2) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.0001,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        decoupled: bool = True,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class NAdam(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    momentum_decay: float
    @staticmethod
    def coefficients(t, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def combine(t, product, beta1=0.9, momentum_decay=0.004) -> tuple[tuple[float, ...], tuple[float, ...]]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, v, /, step, b1, a1, b2, a2, rescale, eps, on_g, on_m) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        momentum_decay: float = 0.004,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class Prodigy(Optimizer):
    beta1: float
    beta2: float
    beta3: float
    lr: float
    eps: float
    d0: float
    d_coef: float
    growth: float
    @staticmethod
    def coefficients(t, beta1=0.9, beta2=0.999, beta3=0.0) -> tuple[float, ...]: ...
    @staticmethod
    def combine(
        t,
        gained,
        size,
        d,
        d_max,
        num,
        lr=1.0,
        beta1=0.9,
        beta2=0.999,
        beta3=0.0,
        eps=1e-08,
        d0=1e-06,
        d_coef=1.0,
        growth=inf,
        weight_decay=0.0,
    ) -> tuple[tuple[float, ...], tuple[float, ...]]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> tuple[float, ...]: ...
    @staticmethod
    def update(p, g, m, v, s, p0, /, b1, a1, b2, a2, b3, most, d, step, k, eps, keep) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        beta1: float = 0.9,
        beta2: float = 0.999,
        beta3: float = 0.0,
        lr: float = 1.0,
        eps: float = 1e-08,
        d0: float = 1e-06,
        d_coef: float = 1.0,
        growth: float = inf,
        weight_decay: float = 0.0,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class RAdam(Optimizer):
    lr: float
    beta1: float
    beta2: float
    eps: float
    @staticmethod
    def coefficients(t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, m, v, /, plain, adapted, b1, a1, b2, a2, eps) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...

class RMSProp(Optimizer):
    lr: float
    rho: float
    eps: float
    momentum: float
    centered: bool
    @staticmethod
    def coefficients(t, lr=0.01, rho=0.99, eps=1e-08, momentum=0.0, centered=False) -> tuple[float, ...]: ...
    @staticmethod
    def kernel(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def kernel_centered(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def kernel_centered_momentum(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def kernel_momentum(
        p, g, state, coef, scale=1.0, decay=0.0, keep=1.0, bound=inf, lower=-inf, upper=inf, *, stream=None
    ) -> None: ...
    @staticmethod
    def update(p, g, r, /, lr, rho, a, c, eps, momentum) -> Any: ...
    @staticmethod
    def update_centered(p, g, r, mean, /, lr, rho, a, c, eps, momentum) -> Any: ...
    @staticmethod
    def update_centered_momentum(p, g, r, mean, b, /, lr, rho, a, c, eps, momentum) -> Any: ...
    @staticmethod
    def update_momentum(p, g, r, b, /, lr, rho, a, c, eps, momentum) -> Any: ...
    def __init__(
        self,
        params: Any,
        *,
        groups: dict | None = None,
        per_weight: dict | None = None,
        capturable: bool = False,
        lr: float = 0.01,
        rho: float = 0.99,
        eps: float = 1e-08,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        lower: float = -inf,
        upper: float = inf,
        masters: bool = True,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        max_norm: float = inf,
        max_value: float = inf,
        nonfinite: str = "propagate",
        state_bits: int = 32,
        rounding: str = "stochastic",
        min_quantized_size: int = 4096,
        seed: int = 0,
    ) -> None: ...
