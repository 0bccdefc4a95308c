"""The stub `fastadapt/__init__.pyi`, from which editors complete the hyperparameters, says what the classes say.

`python tests/test_stub.py` writes it anew.
"""

import inspect
from pathlib import Path

from catalogue import OPTIMIZERS

import fastadapt as fa
from fastadapt.hyperparameters import AVERAGES, COMMON, FIXED, LIMITS

AROUND = COMMON | AVERAGES | LIMITS | FIXED

FILE = Path(fa.__file__).with_suffix(".pyi")

HEAD = '''\
"""{doc}"""

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
'''


def _text(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _kind(value):
    return "str | None" if value is None else type(value).__name__


def stub() -> str:
    """The text of the stub."""
    parts = [HEAD.format(doc=fa.__doc__)]
    for cls in OPTIMIZERS:
        hyper = cls.defaults.items()
        keywords = "".join(f"        {name}: {_kind(value)} = {_text(value)},\n" for name, value in hyper)
        fields = "".join(f"    {name}: {type(value).__name__}\n" for name, value in hyper if name not in AROUND)
        static = "".join(f"    @staticmethod\n{_static(cls, *function)}" for function in _functions(cls))
        parts.append(
            f"class {cls.__name__}(Optimizer):\n{fields}{static}"
            "    def __init__(\n        self,\n        params: Any,\n        *,\n        groups: dict | None = None,\n"
            "        per_weight: dict | None = None,\n        capturable: bool = False,\n"
            f"{keywords}    ) -> None: ...\n"
        )
    return "\n".join(parts)


def _static(cls, name, result):
    parameters = str(inspect.signature(getattr(cls, name)))[1:-1]
    line = f"    def {name}({parameters}) -> {result}: ...\n"
    if len(parameters) > 112:
        parameters = parameters.replace(", ", ",\n        ") + ","
    return line if len(line) <= 121 else f"    def {name}(\n        {parameters}\n    ) -> {result}: ...\n"


def _functions(cls):
    yield "coefficients", "tuple[float, ...]"
    for name in sorted(dir(cls)):
        if name.startswith(("update", "reduce")):
            yield name, "Any"
        if name == "combine":
            yield name, "tuple[tuple[float, ...], tuple[float, ...]]"
        if name.startswith("kernel"):
            yield name, "tuple[float, ...]" if cls.sums_after else "None"


def test_the_stub_is_up_to_date():
    assert FILE.read_text() == stub(), "run: python tests/test_stub.py"


if __name__ == "__main__":
    FILE.write_text(stub())
