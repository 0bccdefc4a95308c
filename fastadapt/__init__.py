"""Adaptive optimizers for NumPy and CUDA arrays, compiled by Numba from one pair of pure functions a rule."""

from . import pages
from .flat import flatten
from .minimizing.gradient_check import check_gradient
from .minimizing.many import minimize_many
from .minimizing.scipy_method import method
from .minimizing.single import minimize
from .optimizer import Optimizer
from .rules.adadelta import Adadelta
from .rules.adagrad import AdaGrad
from .rules.adam import Adam, AdamW, AMSGrad
from .rules.adamax import Adamax
from .rules.lamb import LAMB
from .rules.lion import Lion
from .rules.nadam import NAdam
from .rules.prodigy import Prodigy
from .rules.radam import RAdam
from .rules.rmsprop import RMSProp
from .rules.sgd import SGD
from .torch_state import from_torch

__version__ = "0.1.0"


def __getattr__(name):
    """`fa.torch`, imported when it is first asked for, because PyTorch takes its time."""
    if name == "torch":
        try:
            from importlib import import_module

            return import_module(f"{__name__}.torch")
        except ModuleNotFoundError as error:
            raise AttributeError(f"fastadapt.torch: {error}", name=name) from None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


__all__ = [
    "LAMB",
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "Prodigy",
    "RAdam",
    "RMSProp",
    "check_gradient",
    "flatten",
    "from_torch",
    "method",
    "minimize",
    "minimize_many",
    "pages",
]
