"""Rules as optimizers of PyTorch, with its names and arguments: `fa.torch.Adam(model.parameters())`.

`optimizer(rule)` makes one of any rule. They are true `torch.optim.Optimizer`s: schedulers, closures, hooks,
GradScaler, `state_dict` to and from PyTorch's own class. Beside PyTorch's arguments, which `foreach` and `fused` are
for it alone, each takes ours that say what else happens in the pass: `state_bits`, `average`, `max_norm`, ...
"""

try:
    import torch as _torch
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("it needs PyTorch: `pip install torch`", name=error.name) from None

from .. import SGD as _SGD
from .. import Adadelta as _Adadelta
from .. import AdaGrad as _AdaGrad
from .. import Adam as _Adam
from .. import Adamax as _Adamax
from .. import AdamW as _AdamW
from .. import NAdam as _NAdam
from .. import RAdam as _RAdam
from .. import RMSProp as _RMSProp
from .adapter import named, optimizer

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "optimizer"]

SGD = named("SGD", _SGD, _torch.optim.SGD)
Adagrad = named("Adagrad", _AdaGrad, _torch.optim.Adagrad)
RMSprop = named("RMSprop", _RMSProp, _torch.optim.RMSprop)
Adadelta = named("Adadelta", _Adadelta, _torch.optim.Adadelta)
Adam = named("Adam", _Adam, _torch.optim.Adam)
AdamW = named("AdamW", _AdamW, _torch.optim.AdamW)
Adamax = named("Adamax", _Adamax, _torch.optim.Adamax)
NAdam = named("NAdam", _NAdam, _torch.optim.NAdam)
RAdam = named("RAdam", _RAdam, _torch.optim.RAdam)
