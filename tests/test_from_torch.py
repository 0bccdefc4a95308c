"""The state of PyTorch's optimizers, carried over: the run goes on as PyTorch's own does."""

import numpy as np
import pytest
from catalogue import ADAM
from layouts import numbers
from untouched import leaves

import fastadapt as fa

torch = pytest.importorskip("torch")

STEPS = 6
TOLERANCE = 2.0**-53 * STEPS * 8 * 4
"""In float64, of each step: weights of at most 4 are rounded twice by either, to half a unit in the last place, which
is 4 * 4; and at most 40 more operations are of the size of a step, at most 0.4, which is as much again."""

BETAS = {"lr": ADAM["lr"], "betas": (0.85, 0.98), "eps": 1e-3}
AROUND = {"weight_decay": 0.05, "maximize": True}
RMS = {"lr": 0.02, "alpha": 0.95, "eps": 1e-3}
MOMENTUM = {"lr": 0.03, "momentum": 0.8}
RULES = [
    ("SGD", "SGD", {"lr": 0.03}),
    ("SGD", "SGD", MOMENTUM | {"dampening": 0.3}),
    ("SGD", "SGD", MOMENTUM | {"nesterov": True}),
    ("AdaGrad", "Adagrad", {"lr": 0.05, "eps": 1e-3, "lr_decay": 0.02, "initial_accumulator_value": 0.4}),
    ("RMSProp", "RMSprop", RMS),
    ("RMSProp", "RMSprop", RMS | {"momentum": 0.7}),
    ("RMSProp", "RMSprop", RMS | {"centered": True}),
    ("RMSProp", "RMSprop", RMS | {"centered": True, "momentum": 0.7}),
    ("Adadelta", "Adadelta", {"lr": 0.6, "rho": 0.8, "eps": 1e-4}),
    ("Adam", "Adam", BETAS),
    ("Adam", "Adam", BETAS | {"decoupled_weight_decay": True}),
    ("AMSGrad", "Adam", BETAS | {"amsgrad": True}),
    ("AMSGrad", "AdamW", BETAS | {"amsgrad": True}),
    ("AdamW", "AdamW", BETAS),
    ("Adamax", "Adamax", BETAS),
    ("NAdam", "NAdam", BETAS | {"momentum_decay": 0.02}),
    ("NAdam", "NAdam", BETAS | {"momentum_decay": 0.02, "decoupled_weight_decay": True}),
    ("RAdam", "RAdam", BETAS),
    ("RAdam", "RAdam", BETAS | {"decoupled_weight_decay": True}),
]
every_rule = pytest.mark.parametrize(
    ("ours", "theirs", "hyper"),
    RULES,
    ids=["-".join([a, *sorted(h.keys() - {"lr", "eps", "betas", "alpha"})]) for a, _, h in RULES],
)
SHAPES = [(3, 5), (7,), (), (4,), (2, 3)]
NONE = {1: (1, 3, 4), 2: (3,), 3: (3,), 4: (3,), 5: (3,), 6: (0, 3), 8: (2,)}
"""By step the arrays that have no gradient: one has its first in the second step, and one after it was carried over."""


@pytest.fixture(autouse=True)
def _float64_scalars():
    """PyTorch keeps NAdam's product of momenta in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class Theirs:
    """PyTorch's optimizer of the arrays, in the first group three of them, in two more one each."""

    def __init__(self, name, hyper, **how):
        self.tensors = [torch.tensor(numbers(shape, np.float64, k)) for k, shape in enumerate(SHAPES)]
        groups = [{"params": self.tensors[:3]}, {"params": self.tensors[3:4], "lr": 0.015, "weight_decay": 0.01}]
        groups += [{"params": self.tensors[4:], "maximize": False}]
        if "betas" in hyper:
            groups[2]["betas"] = (0.7, 0.99)
        self.opt, self.t = getattr(torch.optim, name)(groups, **hyper | AROUND, **how), 0

    def step(self):
        """Take a step; the gradients, as ours expects them."""
        self.t += 1
        grads = [numbers(shape, np.float64, 100 * self.t + k) for k, shape in enumerate(SHAPES)]
        grads = [None if k in NONE.get(self.t, ()) else g for k, g in enumerate(grads)]
        for tensor, g in zip(self.tensors, grads, strict=True):
            tensor.grad = None if g is None else torch.tensor(g)
        self.opt.step()
        return tree(grads)

    def params(self):
        """Copies of the parameters."""
        return tree([tensor.numpy().copy() for tensor in self.tensors])


def tree(arrays):
    return {"net": [arrays[0], {"b": arrays[1]}], "a": tuple(arrays[2:4]), "z": arrays[4]}


def carried(ours, theirs, hyper, **more):
    """PyTorch's optimizer after some steps, and ours, made of it."""
    there = Theirs(theirs, hyper)
    for _ in range(STEPS):
        there.step()
    return there, fa.from_torch(there.opt.state_dict(), getattr(fa, ours), there.params(), **more)


def distance(opt, there):
    """The largest difference of a weight."""
    pairs = zip(leaves(opt.params), there.tensors, strict=True)
    return max(np.abs(p - tensor.numpy()).max() for p, tensor in pairs)


@every_rule
def test_a_run_goes_on_as_pytorch_does(ours, theirs, hyper):
    there, opt = carried(ours, theirs, hyper)
    start = [p.copy() for p in leaves(opt.params)]
    for _ in range(STEPS):
        opt.step(there.step())
        assert distance(opt, there) <= TOLERANCE
    assert all((p != q).all() for p, q in zip(leaves(opt.params), start, strict=True))
    assert type(opt) is getattr(fa, ours)
    assert [group.lr for group in (opt, *opt.groups.values())] == [hyper["lr"], 0.015, hyper["lr"]]


@every_rule
def test_a_run_that_has_not_begun_goes_on_as_pytorch_does(ours, theirs, hyper):
    there = Theirs(theirs, hyper)
    opt = fa.from_torch(there.opt.state_dict(), getattr(fa, ours), there.params())
    assert opt.t == 0
    opt.step(there.step())
    opt.step(there.step())
    assert distance(opt, there) <= TOLERANCE


def test_counts_are_those_of_pytorch():
    _, opt = carried("Adam", "Adam", BETAS)
    assert (opt.t, leaves(opt.counts)) == (6, [5, 5, 6, 0, 5])


@pytest.mark.parametrize("bits", [16, 8])
def test_a_hyperparameter_may_be_given_in_place_of_pytorchs(bits):
    how = {"state_bits": bits, "min_quantized_size": 0, "rounding": "nearest"}
    there, opt = carried("Adam", "Adam", BETAS, **how, lr=0.5)
    _, exact = carried("Adam", "Adam", BETAS)
    assert (opt.lr, opt.state_bits, [group.lr for group in opt.groups.values()]) == (0.5, bits, [0.5, 0.5])
    assert leaves(opt.counts) == leaves(exact.counts)
    for name in "mv":
        for now, was in zip(leaves(opt.state[name]), leaves(exact.state[name]), strict=True):
            assert now.dtype == np.float32
            # A code's step is largest beside a root: (2 * sqrt(x) + 1/127) / 127 of the largest x = 1.
            np.testing.assert_allclose(now, was, rtol=2.0**-7, atol=0.017 * np.abs(was).max() if bits == 8 else 0)
    for name in ("lr", "state_bits"):
        assert getattr(exact, name) != getattr(opt, name)
    opt.step(there.step())


def test_state_in_bfloat16_and_hyperparameters_in_tensors_are_taken():
    there, _ = carried("Adam", "Adam", BETAS)
    found, wanted = there.opt.state_dict(), {}
    for index, state in found["state"].items():
        for name in ("exp_avg", "exp_avg_sq"):
            state[name] = state[name].bfloat16()
        wanted[index] = state["exp_avg"].double().numpy()
    found["param_groups"][0]["lr"] = torch.tensor(0.25)
    opt = fa.from_torch(found, fa.Adam, there.params())
    assert opt.lr == 0.25
    m = leaves(opt.state["m"])
    for index in (0, 1, 2, 4):
        np.testing.assert_array_equal(m[index], wanted[index])


def test_the_optimizer_that_was_carried_over_can_be_saved_and_copied(tmp_path):
    import pickle

    there, opt = carried("AMSGrad", "Adam", BETAS | {"amsgrad": True})
    other = pickle.loads(pickle.dumps(opt))
    opt.save(tmp_path / "a.npz")
    again = fa.from_torch(Theirs("Adam", BETAS | {"amsgrad": True}).opt.state_dict(), fa.AMSGrad, there.params())
    again.load(tmp_path / "a.npz")
    g = there.step()
    for each in (opt, other, again):
        each.step(g)
        assert distance(each, there) <= TOLERANCE
