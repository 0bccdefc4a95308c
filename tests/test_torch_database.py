"""PyTorch's own database of what optimizers have to take, run through ours and PyTorch's in turn."""

import warnings

import pytest

import fastadapt as fa

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="which the database imports")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

KNOWN = [info for info in optim_db if info.optim_cls.__name__ in fa.torch.__all__]
INPUTS = [
    pytest.param(info, k, id=f"{info.optim_cls.__name__}-{given.desc.replace(' ', '_')}")
    for info in KNOWN
    for k, given in enumerate(info.optim_inputs_func("cpu"))
]
ERRORS = [
    pytest.param(info, k, id=f"{info.optim_cls.__name__}-{given.optimizer_error_input.desc.replace(' ', '_')}")
    for info in KNOWN
    for k, given in enumerate(info.optim_error_inputs_func("cpu", torch.float32))
]


def ours(info):
    return getattr(fa.torch, info.optim_cls.__name__)


def test_all_that_pytorch_has_of_our_rules_are_known():
    assert {info.optim_cls.__name__ for info in KNOWN} == set(fa.torch.__all__) - {"optimizer"}


@pytest.mark.parametrize("fused", [False, True], ids=["", "fused"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("info", "k"), INPUTS)
def test_what_pytorch_takes_steps_as_there(info, k, dtype, fused):
    given = dict(info.optim_inputs_func("cpu")[k].kwargs)
    if given.get("capturable") or given.get("differentiable"):
        with pytest.raises(ValueError, match="expected"):
            ours(info)([torch.nn.Parameter(torch.ones(1))], **given)
        return
    if fused and "fused" not in info.supported_impls:
        pytest.skip("PyTorch has no such implementation")
    given |= {"fused": True} if fused else {"foreach": False}
    generator = torch.Generator().manual_seed(0)
    shapes = [(), (1,), (7, 3), (2, 3, 4), (300,)]
    starts = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    params = [[torch.nn.Parameter(p.clone()) for p in starts] for _ in range(2)]
    opts = [ours(info)(params[0], **given), info.optim_cls(params[1], **given)]
    for t in range(12):
        grads = [torch.randn(p.shape, generator=generator, dtype=dtype) for p in params[0]]
        for opt, each in zip(opts, params, strict=True):
            for k, (p, g) in enumerate(zip(each, grads, strict=True)):
                p.grad = None if t == 5 and k == 2 else g.clone()
            opt.step()
    for p, q in zip(*params, strict=True):
        tight = {torch.float32: (2e-5, 2e-6), torch.float64: (1e-6, 1e-9)}[dtype]
        torch.testing.assert_close(p, q, rtol=tight[0], atol=tight[1])
    states = [opt.state_dict()["state"] for opt in opts]
    for key, entry in states[1].items():
        for name, value in entry.items():
            if value is not None:
                torch.testing.assert_close(states[0][key][name].to(value.dtype), value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("info", "k"), ERRORS)
def test_what_pytorch_refuses_is_refused_with_its_words(info, k):
    error = info.optim_error_inputs_func("cpu", torch.float32)[k]
    given = error.optimizer_error_input
    params = [torch.nn.Parameter(torch.ones(1))] if given.params is None else given.params
    check = pytest.warns if issubclass(error.error_type, Warning) else pytest.raises
    with check(error.error_type, match=error.error_regex):
        ours(info)(params, **given.kwargs)
