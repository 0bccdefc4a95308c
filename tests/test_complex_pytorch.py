"""Complex parameters against PyTorch's, whose gradients are of the same convention, and carried over from there."""

import numpy as np
import pytest
from test_pytorch import THEIRS, made

import fastadapt as fa

torch = pytest.importorskip("torch")

ADAM = {"lr": 0.02, "beta1": 0.85, "beta2": 0.98, "eps": 1e-3}
RULES = {
    "SGD": {"lr": 0.03, "momentum": 0.8},
    "AdaGrad": {"lr": 0.05, "eps": 1e-3},
    "RMSProp": {"lr": 0.02, "rho": 0.95, "eps": 1e-3, "momentum": 0.7},
    "Adadelta": {"lr": 0.6, "rho": 0.8, "eps": 1e-4},
    "Adam": ADAM,
    "AMSGrad": ADAM,
    "AdamW": ADAM,
    "Adamax": ADAM,
    "NAdam": ADAM,
    "RAdam": ADAM,
}


def test_every_rule_of_pytorch_is_here():
    assert RULES.keys() == THEIRS.keys()


def loss(z):
    """A real function of complex numbers that is no polynomial."""
    return (torch.log1p((z * z).abs()) + (z * (2 - 1j)).real).sum()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_steps_as_pytorch_does_along_its_gradients(name):
    cls, rng = getattr(fa, name), np.random.default_rng(0)
    z = rng.standard_normal((5, 7)) + 1j * rng.standard_normal((5, 7))
    tensor = torch.tensor(z, requires_grad=True)
    opt = cls(z, **RULES[name])
    theirs, _ = made(cls, [tensor], cls.defaults | RULES[name])
    for _ in range(30):
        theirs.zero_grad()
        loss(tensor).backward()
        opt.step(tensor.grad)
        theirs.step()
    np.testing.assert_allclose(z, tensor.detach().numpy(), rtol=1e-9 if name != "NAdam" else 1e-6)
    carried = fa.from_torch(theirs.state_dict(), cls, z.copy())
    for state in opt.state:
        np.testing.assert_allclose(carried.state[state], opt.state[state], rtol=1e-6, atol=1e-12)
