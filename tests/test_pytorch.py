"""Every rule that PyTorch has against PyTorch's, with every hyperparameter off its default."""

import inspect

import numpy as np
import pytest
from catalogue import CASES, IDS, OPTIMIZERS
from paths import assert_followed, flat, path

from fastadapt.hyperparameters import AVERAGES, FIXED, LIMITS

torch = pytest.importorskip("torch")

THEIRS = {
    "SGD": torch.optim.SGD,
    "AMSGrad": torch.optim.Adam,
    "AdaGrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "Adamax": torch.optim.Adamax,
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
    "RMSProp": torch.optim.RMSprop,
}
EXTRA = {"AMSGrad": {"amsgrad": True}}
NAMES = {
    "initial_accumulator": "initial_accumulator_value",
    "decoupled": "decoupled_weight_decay",
    "rho": "rho alpha",
}


def known(cls):
    """The arguments of PyTorch's class, with their defaults."""
    return {name: p.default for name, p in inspect.signature(THEIRS[cls.__name__]).parameters.items()}


def spelled(cls, hyper):
    """Hyperparameters of ours in PyTorch's words."""
    words = {}
    for name, value in hyper.items():
        there = [word for word in NAMES.get(name, name).split() if word in known(cls)]
        words[there[0] if there else NAMES.get(name, name)] = value
    if "betas" in known(cls):
        words["betas"] = words.pop("beta1"), words.pop("beta2")
    return words | EXTRA.get(cls.__name__, {})


def made(cls, tensors, hyper, **how):
    """PyTorch's optimizer, and what to multiply the weights by before each of its steps."""
    words, keep = spelled(cls, hyper), 1.0
    # Into the group afterwards: dampening with nesterov, and AdamW's coupled decay, which they can but do not take.
    given = {word: value for word, value in words.items() if word in known(cls) and word != "dampening"}
    opt = THEIRS[cls.__name__](tensors, **given, **how, foreach=False)
    group = opt.param_groups[0]
    if words["decoupled_weight_decay"] and "decoupled_weight_decay" not in group:
        keep, words["weight_decay"] = 1 - words["lr"] * words["weight_decay"], 0.0
    group.update(words)
    return opt, keep


@pytest.fixture
def _float64_scalars():
    """PyTorch keeps NAdam's product of momenta in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


RUNS = [
    pytest.param(case, dtype, how, id=f"{name}-{np.dtype(dtype)}{'-fused' if how else ''}")
    for case, name in enumerate(IDS)
    for dtype, how in [(np.float64, {}), (np.float32, {}), (np.float32, {"fused": True})]
    if CASES[case][0].__name__ in THEIRS and how.keys() <= known(CASES[case][0]).keys()
]


@pytest.mark.usefixtures("_float64_scalars")
@pytest.mark.parametrize(("case", "dtype", "how"), RUNS)
def test_a_rule_steps_as_pytorch_does(case, dtype, how):
    way = path(case)
    mine = [p.astype(dtype) for p in way.start]
    tensors = [torch.tensor(p.astype(dtype)) for p in way.start]
    opt = way.cls(mine, **way.hyper)
    their_opt, keep = made(way.cls, tensors, way.hyper, **how)
    distances = []
    for grads, scale in zip(way.grads, way.scales, strict=True):
        scaled = [(g.astype(np.float64) * scale).astype(dtype) for g in grads]
        opt.step(scaled)
        for tensor, g in zip(tensors, scaled, strict=True):
            tensor.grad = torch.tensor(g)
            tensor *= keep
        their_opt.step()
        distances.append(flat(mine) - flat([tensor.numpy() for tensor in tensors]))
    # Both are rounded, and PyTorch's steps have no more roundings than ours.
    assert_followed(way.weights, way.weights[1:] + np.array(distances), dtype, sources=2)


@pytest.mark.parametrize("cls", [cls for cls in OPTIMIZERS if cls.__name__ in THEIRS])
def test_defaults_are_those_of_pytorch(cls):
    theirs = known(cls) | EXTRA.get(cls.__name__, {})
    ours = {*AVERAGES, *LIMITS, *FIXED, "lower", "upper", "masters"}
    words = spelled(cls, {name: value for name, value in cls.defaults.items() if name not in ours})
    decoupled = words.pop("decoupled_weight_decay")
    assert words == {word: theirs[word] for word in words}
    assert decoupled == theirs.get("decoupled_weight_decay", THEIRS[cls.__name__] is torch.optim.AdamW)
