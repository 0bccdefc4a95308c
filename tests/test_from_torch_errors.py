"""What cannot be carried over from PyTorch is an error that says why."""

import numpy as np
import pytest
from test_from_torch import BETAS, MOMENTUM, RMS, Theirs, torch

import fastadapt as fa


def state_dict(name, hyper, steps=2):
    there = Theirs(name, hyper)
    for _ in range(steps):
        there.step()
    return there.opt.state_dict(), there.params()


@pytest.mark.parametrize(
    ("cls", "name", "hyper", "error", "match"),
    [
        (fa.RMSProp, "Adam", BETAS, TypeError, "RMSProp: no hyperparameter 'beta1'"),
        (fa.Adam, "SGD", MOMENTUM, TypeError, "Adam: no hyperparameter '(momentum|dampening)'"),
        (fa.Adam, "NAdam", BETAS, TypeError, "Adam: no hyperparameter 'momentum_decay'"),
        (fa.Adamax, "Adam", BETAS, ValueError, r'params\["net"\]\[0\]: expected exp_avg, exp_inf in its state'),
        (fa.Adam, "Adamax", BETAS, ValueError, r'params\["net"\]\[0\]: expected exp_avg, exp_avg_sq in its state'),
        (fa.Adam, "Adam", BETAS | {"amsgrad": True}, ValueError, "expected fa.AMSGrad for amsgrad=True, .* not Adam"),
        (fa.AMSGrad, "Adam", BETAS, ValueError, "expected fa.AMSGrad for amsgrad=True, and only for that, not AMSGrad"),
        (fa.AdamW, "AdamW", BETAS | {"amsgrad": True}, ValueError, "expected fa.AMSGrad .* not AdamW"),
        (fa.Lion, "Adam", BETAS, TypeError, "expected one of SGD, .*, not .*Lion.*: PyTorch has no such rule"),
        (fa.Optimizer, "Adam", BETAS, TypeError, "expected one of SGD, .*: PyTorch has no such rule"),
        (type("Adam", (fa.Adam,), {}), "Adam", BETAS, TypeError, "PyTorch has no such rule"),
    ],
)
def test_another_rule_is_named(cls, name, hyper, error, match):
    found, params = state_dict(name, hyper)
    with pytest.raises(error, match=match):
        fa.from_torch(found, cls, params)


def test_too_few_and_too_many_arrays_are_counted():
    found, params = state_dict("Adam", BETAS)
    with pytest.raises(ValueError, match="expected 5 arrays, as PyTorch's optimizer has, not 2"):
        fa.from_torch(found, fa.Adam, params["net"])
    with pytest.raises(ValueError, match="expected 5 arrays, as PyTorch's optimizer has, not 6"):
        fa.from_torch(found, fa.Adam, params | {"more": np.ones(3)})


def test_an_array_of_another_shape_is_named():
    found, params = state_dict("RMSprop", RMS)
    params["net"][1]["b"] = np.ones((7, 1))
    with pytest.raises(ValueError, match=r'params\["net"\]\[1\]\["b"\]: expected state of shape \(7, 1\), not \(7,\)'):
        fa.from_torch(found, fa.RMSProp, params)


@pytest.mark.parametrize("thing", [None, 3, {}, {"state": {}}, []], ids=repr)
def test_what_is_no_state_dict_is_refused(thing):
    with pytest.raises(TypeError, match=r"expected the state_dict of a torch.optim optimizer"):
        fa.from_torch(thing, fa.Adam, np.ones(3))


def test_hyperparameters_that_we_have_not_are_refused():
    found, params = state_dict("Adam", BETAS)
    with pytest.raises(TypeError, match="no hyperparameter 'beta3'"):
        fa.from_torch(found, fa.Adam, params, beta3=0.5)
    with pytest.raises(ValueError, match="expected beta1 to be at least 0 and below 1"):
        fa.from_torch(found, fa.Adam, params, beta1=1.5)


def test_arrays_whose_names_are_written_alike_have_their_own_groups():
    tensors = [torch.ones(2), torch.ones(2)]
    theirs = torch.optim.SGD([{"params": tensors[:1]}, {"params": tensors[1:], "lr": 0.5}], lr=0.25)
    params = {"a": {"b": np.ones(2)}, "a.b": np.ones(2)}
    fa.from_torch(theirs.state_dict(), fa.SGD, params).step({"a": {"b": np.ones(2)}, "a.b": np.ones(2)})
    assert (params["a"]["b"].tolist(), params["a.b"].tolist()) == ([0.75] * 2, [0.5] * 2)


def test_a_group_without_arrays_is_none():
    tensor = torch.ones(2)
    theirs = torch.optim.SGD([{"params": [tensor]}, {"params": [], "lr": 0.5}], lr=0.25)
    p = np.ones(2)
    fa.from_torch(theirs.state_dict(), fa.SGD, p).step(np.ones(2))
    assert p.tolist() == [0.75] * 2


def test_what_schedulers_leave_in_a_group_is_no_hyperparameter_and_what_is_unknown_is_named():
    w = [torch.zeros(3, requires_grad=True) for _ in range(2)]
    theirs = torch.optim.Adam([{"params": w[:1]}, {"params": w[1:]}], lr=0.1)
    torch.optim.lr_scheduler.OneCycleLR(theirs, max_lr=0.5, total_steps=10)
    found = theirs.state_dict()
    assert fa.from_torch(found, fa.Adam, [np.zeros(3), np.zeros(3)]).lr == pytest.approx(0.02)
    found["param_groups"][1]["lr_scale"] = 0.5
    with pytest.raises(TypeError, match="no hyperparameter 'lr_scale'"):
        fa.from_torch(found, fa.Adam, [np.zeros(3), np.zeros(3)])
    found["param_groups"] = []
    with pytest.raises(ValueError, match="with parameters"):
        fa.from_torch(found, fa.Adam, [])
