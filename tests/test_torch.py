"""Rules as PyTorch's optimizers: as PyTorch's own say of themselves."""

import copy
import gc
import io
import pickle
import weakref

import numpy as np
import pytest

import fastadapt as fa

torch = pytest.importorskip("torch")

NAMES = ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]
CASES = [
    *((name, {}) for name in NAMES),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5, "alpha": 0.9}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"amsgrad": True, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
]
IDS = [f"{name}{''.join('-' + key for key in given)}" for name, given in CASES]


def network(dtype=torch.float32):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).to(dtype)


def data(dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(16, 4, generator=generator).to(dtype), torch.randn(16, 2, generator=generator).to(dtype)


def backward(model):
    x, y = data(next(model.parameters()).dtype)
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    return loss


def train(model, opt, steps=10):
    for _ in range(steps):
        opt.zero_grad()
        backward(model)
        opt.step()


def weights(model):
    return [p.detach().clone() for p in model.parameters()]


def assert_close(model, other, rtol=1e-5, atol=1e-6):
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=rtol, atol=atol)


def assert_same(model, other):
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_steps_and_state_are_those_of_pytorch(name, given):
    model, other = network(torch.float64), network(torch.float64)
    opt, theirs = (
        getattr(fa.torch, name)(model.parameters(), **given),
        getattr(torch.optim, name)(other.parameters(), **given),
    )
    assert isinstance(opt, getattr(torch.optim, name))
    assert opt.param_groups[0].keys() == theirs.param_groups[0].keys()
    assert opt.defaults == theirs.defaults
    train(model, opt)
    train(other, theirs)
    assert_close(model, other, 1e-6, 1e-9)
    ours, wanted = opt.state_dict(), theirs.state_dict()
    assert ours["param_groups"] == wanted["param_groups"]
    assert ours["state"].keys() == wanted["state"].keys()
    for key, entry in wanted["state"].items():
        entry = {name: value for name, value in entry.items() if value is not None}  # SGD's without momentum
        assert ours["state"][key].keys() == entry.keys()
        for part, value in entry.items():
            found = ours["state"][key][part]
            torch.testing.assert_close(found.to(value.dtype), value, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "given"), CASES, ids=IDS)
def test_state_dicts_go_to_pytorch_and_come_back(name, given):
    """Half the steps by one, the others by the other, as all by PyTorch."""
    expected = network(torch.float64)
    train(expected, getattr(torch.optim, name)(expected.parameters(), **given), 20)
    for first, second in [(torch.optim, fa.torch), (fa.torch, torch.optim)]:
        model = network(torch.float64)
        opt = getattr(first, name)(model.parameters(), **given)
        train(model, opt)
        buffer = io.BytesIO()
        torch.save(opt.state_dict(), buffer)
        buffer.seek(0)
        goes_on = getattr(second, name)(model.parameters(), **(given | {"lr": 123.0}))
        goes_on.load_state_dict(torch.load(buffer, weights_only=True))
        assert goes_on.param_groups[0]["lr"] != 123.0
        train(model, goes_on)
        assert_close(model, expected, 1e-6, 1e-9)


def test_the_variance_of_a_centered_rmsprop_is_spelled_as_pytorch_does():
    given, model, other = {"centered": True, "momentum": 0.4}, network(torch.float64), network(torch.float64)
    opt, theirs = fa.torch.RMSprop(model.parameters(), **given), torch.optim.RMSprop(other.parameters(), **given)
    train(model, opt)
    train(other, theirs)
    ours, wanted = opt.state_dict()["state"][0], theirs.state_dict()["state"][0]
    assert ours.keys() == wanted.keys()
    torch.testing.assert_close(ours["square_avg"], wanted["square_avg"])
    opt.load_state_dict(theirs.state_dict())
    train(model, opt)
    train(other, theirs)
    assert_close(model, other, 1e-6, 1e-8)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda params: fa.torch.Adam(params, amsgrad=True),
        lambda params: fa.torch.Adam(params, state_bits=8, min_quantized_size=1, average="ema"),
        lambda params: fa.torch.Adam(params, state_bits=16, min_quantized_size=1),
        lambda params: fa.torch.optimizer(fa.Prodigy)(params),
        lambda params: fa.torch.optimizer(fa.Lion)(params, betas=(0.8, 0.9)),
    ],
    ids=["amsgrad", "8 bits", "16 bits", "Prodigy", "Lion"],
)
def test_copies_and_state_dicts_go_on_to_the_bit(make, copied):
    model = network()
    opt = make(model.parameters())
    train(model, opt, 5)
    other, its = copied((model, opt))
    third = copy.deepcopy(model)
    loaded = make(third.parameters())
    loaded.load_state_dict(opt.state_dict())
    for each, its_own in ((model, opt), (other, its), (third, loaded)):
        train(each, its_own, 5)
    assert_same(model, other)
    assert_same(model, third)


def test_the_state_is_shared_memory_and_what_is_put_there_counts():
    p = torch.nn.Parameter(torch.zeros(3))
    opt = fa.torch.SGD([p], lr=1.0, momentum=0.5)
    assert len(opt.state) == 0
    p.grad = torch.ones(3)
    opt.step()
    buffer = opt.state[p]["momentum_buffer"]
    assert buffer.tolist() == [1, 1, 1]
    buffer.zero_()
    opt.step()  # buffer 1
    assert opt.state[p]["momentum_buffer"] is buffer
    assert p.tolist() == [-2, -2, -2]
    opt.state[p]["momentum_buffer"] = torch.full((3,), 10.0)
    opt.step()  # buffer 6
    assert p.tolist() == [-8, -8, -8]
    opt.state[p] = {"momentum_buffer": torch.full((3,), 4.0)}
    opt.step()  # buffer 3
    assert p.tolist() == [-11, -11, -11]
    opt.state.clear()
    opt.step()  # buffer 1
    assert p.tolist() == [-12, -12, -12]
    opt.state = torch.optim.SGD([p], lr=1.0).state
    opt.step()
    assert p.tolist() == [-13, -13, -13]


def test_a_parameter_whose_data_was_replaced_is_updated_where_it_now_is():
    first, second = torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2))
    opt = fa.torch.Adam([{"params": first}, {"params": second, "amsgrad": True}], lr=0.1)
    for p in (first, second):
        p.grad = torch.ones_like(p)
    opt.step()
    before = first.data
    for p in (first, second):
        p.data = p.data.clone()
        opt.step()
    assert before.tolist() == pytest.approx([-0.1] * 3)
    assert first.tolist() == pytest.approx([-0.3] * 3)
    assert second.tolist() == pytest.approx([-0.3] * 2)
    assert opt.state[first]["step"] == 3


def test_a_parameter_of_another_shape_is_refused_by_its_state():
    p = torch.nn.Parameter(torch.zeros(3))
    opt = fa.torch.Adam([p])
    p.grad = torch.ones(3)
    opt.step()
    p.grad = None
    p.data = torch.zeros(4)
    p.grad = torch.ones(4)
    with pytest.raises(ValueError, match=r"Adam: the state of parameter 0, of shape \(4,\).* not \(3,\)"):
        opt.step()


def test_only_parameters_with_gradients_take_part_and_have_state():
    p, q, frozen = (torch.nn.Parameter(torch.zeros(2), requires_grad=k < 2) for k in range(3))
    opt = fa.torch.Adam([p, q, frozen], lr=0.1)
    opt.step()
    assert len(opt.state) == 0
    p.grad = torch.ones(2)
    opt.step()
    assert list(opt.state) == [p]
    q.grad = torch.ones(2)
    opt.step()
    p.grad = None
    opt.step()
    assert [opt.state[each]["step"].item() for each in (p, q)] == [2, 2]
    assert list(opt.state_dict()["state"]) == [0, 1]
    assert p.tolist() == pytest.approx([-0.2, -0.2])
    opt.zero_grad()
    assert q.grad is None


def test_groups_say_what_they_say_at_each_step():
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    opt = fa.torch.SGD([{"params": params[0]}, {"params": params[1], "lr": 2.0}], lr=1.0)
    for p in params:
        p.grad = torch.ones(1)
    opt.step()
    opt.param_groups[0]["lr"] = torch.tensor(10.0)
    opt.step()
    opt.param_groups[0]["lr"].fill_(20.0)
    opt.param_groups[1]["weight_decay"] = 0.5
    opt.add_param_group({"params": [params[2]], "lr": 3.0, "name": "of its own"})
    opt.step()
    assert [p.item() for p in params] == [-31, -4 - 2 * (1 - 2), -3]
    opt.param_groups[2]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr to be at least 0"):
        opt.step()


def test_a_group_may_begin_to_have_momentum():
    p = torch.nn.Parameter(torch.zeros(1))
    opt = fa.torch.SGD([p], lr=1.0)
    p.grad = torch.ones(1)
    opt.step()
    opt.param_groups[0]["momentum"] = 0.5
    opt.step()
    opt.step()
    assert p.item() == -(1 + 1 + 1.5)


def test_named_parameters_and_names_in_state_dicts():
    model = network()
    opt = fa.torch.Adam(model.named_parameters())
    train(model, opt, 2)
    names = [name for name, _ in model.named_parameters()]
    assert opt.state_dict()["param_groups"][0]["param_names"] == names
    fresh = fa.torch.Adam(model.named_parameters())
    fresh.load_state_dict(opt.state_dict())
    assert fresh.state_dict()["param_groups"] == opt.state_dict()["param_groups"]


def test_closures_and_hooks_run():
    model, seen = network(), []
    opt = fa.torch.Adam(model.parameters())
    opt.register_step_pre_hook(lambda *_: seen.append("before"))
    opt.register_step_post_hook(lambda *_: seen.append("after"))
    opt.register_state_dict_post_hook(lambda _, found: seen.append("state"))
    opt.register_load_state_dict_post_hook(lambda _: seen.append("loaded"))

    def closure():
        opt.zero_grad()
        assert torch.is_grad_enabled()
        seen.append("closure")
        return backward(model)

    before = weights(model)
    with torch.no_grad():
        loss = opt.step(closure)
    assert loss.item() > 0
    assert not any(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))
    opt.load_state_dict(opt.state_dict())
    assert seen == ["before", "closure", "after", "state", "loaded"]


def test_a_second_backward_through_weights_that_were_written_is_an_error():
    model = network()
    opt = fa.torch.Adam(model.parameters())
    x, _ = data()
    loss = model(x).sum()
    loss.backward(retain_graph=True)
    opt.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_optimizer_lets_go_of_its_parameters():
    model = network()
    opt = fa.torch.Adam(model.parameters())
    train(model, opt, 1)
    gone = weakref.ref(next(model.parameters()))
    del model, opt
    gc.collect()
    assert gone() is None


def test_channels_last_and_gradients_of_another_order_and_sizes_of_zero():
    torch.manual_seed(0)
    tensors = [torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last), torch.zeros(0, 3), torch.tensor(1.5)]
    tensors += [torch.randn(6, 4)[::2, 1:3], torch.randn(3, 4, dtype=torch.complex64), torch.randn((2,) * 7)]
    pairs = [(torch.nn.Parameter(t.clone()), torch.nn.Parameter(t.clone())) for t in tensors[:3]]
    pairs += [(t.clone().requires_grad_(), t.clone().requires_grad_()) for t in tensors[4:]]
    base = torch.randn(6, 4)
    pairs.append((base.clone()[::2, 1:3].detach().requires_grad_(), base[::2, 1:3].clone().requires_grad_()))
    opt, theirs = fa.torch.Adam([p for p, _ in pairs]), torch.optim.Adam([q for _, q in pairs])
    for k in range(3):
        for p, q in pairs:
            g = torch.randn_like(q) if k else torch.randn(q.shape, dtype=q.dtype)
            p.grad, q.grad = g.to(p.dtype), g.to(q.dtype)
        opt.step()
        theirs.step()
    for p, q in pairs:
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)


SCHEDULERS = {
    "LambdaLR": {"lr_lambda": lambda epoch: 0.9**epoch},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.9},
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [2, 4]},
    "ConstantLR": {},
    "LinearLR": {},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "PolynomialLR": {"total_iters": 4},
    "CyclicLR": {"base_lr": 1e-3, "max_lr": 1e-2, "step_size_up": 2, "cycle_momentum": True},
    "OneCycleLR": {"max_lr": 1e-2, "total_steps": 10},
    "ReduceLROnPlateau": {"patience": 1},
}


@pytest.mark.parametrize("rule", ["Adam", "SGD"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_of_each_kind_steer_it(name, rule):
    given = {"momentum": 0.8} if rule == "SGD" else {}
    runs = []
    for module in (fa.torch, torch.optim):
        model = network(torch.float64)
        opt = getattr(module, rule)(model.parameters(), lr=1e-2, **given)
        scheduler = getattr(torch.optim.lr_scheduler, name)(opt, **SCHEDULERS[name])
        for _ in range(6):
            train(model, opt, 1)
            scheduler.step(*[1.0] * (name == "ReduceLROnPlateau"))
        runs.append((model, opt.param_groups[0]["lr"]))
    assert runs[0][1] == runs[1][1]
    assert_close(runs[0][0], runs[1][0], 1e-6, 1e-9)


def test_chained_and_sequential_schedulers_and_swa():
    model = network()
    opt = fa.torch.AdamW(model.parameters(), lr=0.1)
    schedulers = torch.optim.lr_scheduler
    both = schedulers.ChainedScheduler([schedulers.ExponentialLR(opt, 0.5), schedulers.ConstantLR(opt, 0.1)])
    train(model, opt, 1)
    both.step()
    assert opt.param_groups[0]["lr"] == pytest.approx(0.1 * 0.1 * 0.5)
    swa = torch.optim.swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=1)
    train(model, opt, 1)
    swa.step()
    assert opt.param_groups[0]["lr"] == pytest.approx(0.05)


@pytest.mark.parametrize("fused", [False, True])
def test_a_gradient_scaler_scales_and_skips(fused):
    models = network(), network()
    opts = fa.torch.Adam(models[0].parameters(), fused=fused), torch.optim.Adam(models[1].parameters(), fused=fused)
    scalers = [torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2) for _ in opts]
    for k in range(6):
        for model, opt, scaler in zip(models, opts, scalers, strict=True):
            opt.zero_grad()
            x, y = data()
            x = x * float("inf") if k == 2 else x
            scaler.scale(((model(x) - y) ** 2).mean()).backward()
            if k == 4:
                scaler.unscale_(opt)
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            scaler.step(opt)
            scaler.update()
    assert_close(*models)
    assert scalers[0].get_scale() == scalers[1].get_scale()
    step = [opt.state[next(model.parameters())]["step"].item() for opt, model in zip(opts, models, strict=True)]
    assert step == [5, 5]


def test_a_rule_of_ones_own_is_an_optimizer(tmp_path):
    class Signs(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1, beta1=0.9):
            return lr, beta1

        @staticmethod
        def update(p, g, m, /, lr, b):
            m = b * m + (1 - b) * g
            return p - lr * (1 if m > 0 else -1 if m < 0 else 0), m

    p = torch.nn.Parameter(torch.zeros(2))
    opt = fa.torch.optimizer(Signs)([p], lr=0.5, max_norm=1.0)
    p.grad = torch.tensor([3.0, -4.0])
    opt.step()
    assert p.tolist() == [-0.5, 0.5]
    torch.testing.assert_close(opt.state[p]["m"], torch.tensor([0.06, -0.08]))
    assert fa.torch.optimizer(Signs) is type(opt)
    assert fa.torch.optimizer(fa.RMSProp) is fa.torch.RMSprop
    assert "max_norm: 1.0" in repr(opt)


NARROW = [torch.bfloat16, torch.float16]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_weights_of_16_bits_are_their_masters_rounded(name, dtype):
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.randn(3, 50).to(dtype))
    q = torch.nn.Parameter(p.detach().float())
    opt, other = getattr(fa.torch, name)([p]), getattr(fa.torch, name)([q])
    for _ in range(10):
        p.grad = torch.randn(3, 50).to(dtype)
        q.grad = p.grad.float()
        opt.step()
        other.step()
        assert torch.equal(p, q.to(dtype))
    assert torch.equal(opt.state[p]["master"], q)
    assert all(value.dtype != dtype for value in opt.state[p].values())
    assert opt.state[p].keys() - {"master"} == other.state[q].keys()


@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_masters_are_loaded_as_they_are_and_changed_weights_count(dtype):
    torch.manual_seed(0)
    model = network(dtype)
    opt = fa.torch.AdamW(model.parameters(), lr=1e-4)
    train(model, opt, 5)
    other = copy.deepcopy(model)
    loaded = fa.torch.AdamW(other.parameters())
    loaded.load_state_dict(copy.deepcopy(opt.state_dict()))
    third, its = pickle.loads(pickle.dumps((model, opt)))
    for each, own in ((model, opt), (other, loaded), (third, its)):
        train(each, own, 5)
    assert_same(model, other)
    assert_same(model, third)
    first = next(model.parameters())
    assert torch.equal(opt.state[first]["master"], loaded.state[next(other.parameters())]["master"])
    with torch.no_grad():
        first.fill_(2.0)
    train(model, opt, 1)
    assert (opt.state[first]["master"] - 2).abs().max() < 1e-2
    theirs = torch.optim.AdamW(model.parameters())
    theirs.load_state_dict(opt.state_dict())
    train(model, theirs, 1)
    opt.load_state_dict(theirs.state_dict())
    train(model, opt, 1)
    assert torch.equal(opt.state[first]["master"].to(dtype), first)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_without_masters_weights_of_16_bits_move_by_chance(dtype):
    p = torch.nn.Parameter(torch.ones(40_000, dtype=dtype))
    opt = fa.torch.SGD([p], lr=1e-5, masters=False)
    p.grad = torch.ones(40_000, dtype=dtype)
    for _ in range(50):
        opt.step()
    assert abs(p.double().mean().item() - (1 - 5e-4)) < 1e-4
    assert not opt.state
    with pytest.raises(ValueError, match="masters"):
        fa.torch.SGD(parameters(torch.float32), masters=False)


def parameters(*dtypes):
    return [torch.nn.Parameter(torch.zeros(2, dtype=dtype)) for dtype in dtypes]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda p: fa.torch.Adam(p, differentiable=True), ValueError, "Adam: expected differentiable to be False"),
        (lambda p: fa.torch.Adam(p, capturable=True), ValueError, "capturable to be False for tensors on the CPU"),
        (lambda p: fa.torch.Adam(p, fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
        (lambda p: fa.torch.Adam(p, lr=-1), ValueError, "Invalid learning rate"),
        (lambda p: fa.torch.Adam(p, state_bits=7), ValueError, "state_bits to be 8 or 16 or 32"),
        (lambda p: fa.torch.Adam(p, learning_rate=1), TypeError, "learning_rate"),
        (
            lambda p: fa.torch.optimizer(fa.Lion)(p, rate=1),
            TypeError,
            "Lion: no hyperparameter 'rate'; it has lr, betas",
        ),
        (lambda p: fa.torch.optimizer(fa.Lion)(p, lr=-1), ValueError, "lr to be at least 0"),
        (lambda p: fa.torch.optimizer(3), TypeError, "expected a rule"),
        (lambda p: fa.torch.Adam([]), ValueError, "empty parameter list"),
        (lambda p: fa.torch.Adam([p[0] * 2]), ValueError, "non-leaf"),
        (lambda p: fa.torch.Adam([torch.zeros(2, dtype=torch.int32)]), TypeError, r"params\[0\].* not of torch.int32"),
        (lambda p: fa.torch.Adam([torch.zeros(2).to_sparse()]), TypeError, "sparse_coo"),
        (lambda p: fa.torch.Adam([{"params": p, "lower": 2.0, "upper": 1.0}]), ValueError, "lower to be no more than"),
    ],
)
def test_what_cannot_be_is_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make(parameters(torch.float32))


def test_a_group_that_cannot_be_is_not_added():
    p, q = parameters(torch.float32, torch.float32)
    opt = fa.torch.Adam([p])
    with pytest.raises(ValueError, match="eps"):
        opt.add_param_group({"params": [q], "eps": -1.0})
    assert len(opt.param_groups) == 1


def test_sparse_gradients_are_refused_as_pytorch_does():
    p = torch.nn.Parameter(torch.zeros(3))
    opt = fa.torch.Adam([p])
    p.grad = torch.ones(3).to_sparse()
    with pytest.raises(RuntimeError, match="Adam does not support sparse gradients"):
        opt.step()


def test_a_state_that_does_not_fit_is_refused_by_name():
    p = torch.nn.Parameter(torch.zeros(3))
    opt = fa.torch.Adam([p])
    p.grad = torch.ones(3)
    opt.step()
    found = opt.state_dict()
    found["state"][0]["exp_avg"] = torch.zeros(2)
    with pytest.raises(ValueError, match=r"parameter 0, of shape \(3,\): expected state of shape \(3,\), not \(2,\)"):
        opt.load_state_dict(found)
    del found["state"][0]["exp_avg"]
    with pytest.raises(ValueError, match="expected exp_avg, exp_avg_sq in its state"):
        opt.load_state_dict(found)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        opt.load_state_dict({"state": {}, "param_groups": []})


def begun(opt_of=None):
    p = torch.nn.Parameter(torch.zeros(3))
    opt = (opt_of or fa.torch.Adam)([p])
    p.grad = torch.ones(3)
    opt.step()
    return p, opt


BROKEN = {
    "another shape": ({"exp_avg": torch.zeros(5)}, "expected state of shape"),
    "none": ({"exp_avg": None}, "expected exp_avg, exp_avg_sq in its state"),
    "text": ({"exp_avg": "x"}, r"state\[0\]\['exp_avg'\]: expected a tensor, not str"),
    "complex": ({"exp_avg": torch.zeros(3, dtype=torch.complex64)}, "real numbers, not torch.complex64"),
    "a step of NaN": ({"step": torch.tensor(float("nan"))}, "number of its steps"),
    "steps": ({"step": torch.zeros(2)}, "number of its steps"),
    "a step before 0": ({"step": -5}, "number of its steps"),
    "half a step": ({"step": 2.5}, "number of its steps"),
}


@pytest.mark.filterwarnings("ignore:Casting complex values")  # by PyTorch, before we see them
@pytest.mark.parametrize("name", BROKEN)
def test_after_a_state_dict_that_does_not_fit_all_is_as_before(name):
    p, opt = begun()
    entry, message = BROKEN[name]
    found = copy.deepcopy(opt.state_dict())
    found["state"][0] |= entry
    kept, groups = opt.state[p]["exp_avg"], opt.param_groups
    with pytest.raises(ValueError, match=message):
        opt.load_state_dict(found)
    assert opt.param_groups is groups
    opt.step()
    assert opt.state[p]["exp_avg"] is kept
    assert opt.state[p]["step"] == 2
    found = copy.deepcopy(opt.state_dict())
    found["param_groups"][0]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr"):
        opt.load_state_dict(found)
    assert opt.param_groups[0]["lr"] == 1e-3


def test_what_is_written_into_counts_and_numbers_and_tensors_counts():
    p, opt = begun()
    opt.step()
    for value in opt.state[p].values():
        value.zero_()
    before = p.detach().clone()
    opt.step()
    torch.testing.assert_close(p.detach() - before, torch.full((3,), -1e-3))
    assert opt.state[p]["step"] == 1
    opt.state[p]["exp_avg"].data = torch.full((3,), 5.0)
    p.grad.zero_()
    opt.step()
    torch.testing.assert_close(opt.state[p]["exp_avg"], torch.full((3,), 4.5))
    opt = fa.torch.optimizer(fa.Prodigy)([p])
    p.grad = torch.ones(3)
    opt.step()
    for name in ("d", "d_max"):
        opt.state[p][name].fill_(0.5)
    opt.step()
    assert opt.state[p]["d"] == 0.5


def test_groups_may_be_edited_by_hand():
    a, b, c = (torch.nn.Parameter(torch.zeros(1)) for _ in range(3))
    opt = fa.torch.SGD([{"params": [a]}, {"params": [b]}], lr=1.0)
    for p in (a, b, c):
        p.grad = torch.ones(1)
    opt.step()
    del opt.param_groups[1]
    opt.param_groups[0]["params"].append(c)
    opt.step()
    assert [p.item() for p in (a, b, c)] == [-2, -1, -1]
    opt.param_groups[0]["params"][0] = b
    opt.step()
    assert [p.item() for p in (a, b, c)] == [-2, -2, -2]
    opt.param_groups = torch.optim.SGD([a], lr=2.0).param_groups
    opt.step()
    assert [p.item() for p in (a, b, c)] == [-4, -2, -2]


def test_a_parameter_that_took_no_step_has_no_state_and_its_first_is_the_first():
    p = torch.nn.Parameter(torch.zeros(1))
    opt = fa.torch.SGD([p], lr=1.0, momentum=0.9, dampening=0.5)
    p.grad = torch.ones(1)
    for _ in range(2):
        opt.load_state_dict(opt.state_dict())
    assert not opt.state_dict()["state"]
    opt.step()
    assert p.item() == -1
    opt.state.clear()
    p.grad = None
    opt.step()
    opt.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
    opt.step()
    assert not opt.state_dict()["state"]
    p.grad = torch.ones(1)
    opt.step()
    assert p.item() == -2


def test_dampening_without_momentum_has_no_effect_as_in_pytorch():
    p = torch.nn.Parameter(torch.zeros(1))
    opt = fa.torch.SGD([p], lr=1.0, momentum=0.9, dampening=0.5)
    p.grad = torch.ones(1)
    opt.step()
    opt.param_groups[0]["momentum"] = 0
    opt.step()
    assert p.item() == -2


def test_data_may_become_another_view_of_the_same_memory():
    p = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    q = torch.nn.Parameter(p.detach().clone())
    opts = fa.torch.SGD([p], lr=1.0), torch.optim.SGD([q], lr=1.0)
    for each, opt in zip((p, q), opts, strict=True):
        each.grad = torch.ones(2, 3)
        opt.step()
        each.grad = None
        each.data = each.data.t()
        each.grad = torch.arange(6.0).reshape(3, 2)
        opt.step()
    assert torch.equal(p, q)


def test_a_storage_may_be_freed_and_come_back_and_a_freed_gradient_is_refused():
    p, opt = begun()
    p.grad.untyped_storage().resize_(0)
    with pytest.raises(TypeError, match="storage was freed"):
        opt.step()
    p.grad = torch.ones(3)
    p.untyped_storage().resize_(0)
    p.untyped_storage().resize_(12)
    p.data.fill_(1.0)
    opt.step()
    assert (p < 1).all()
    assert (p > 0.9).all()


def test_engines_of_two_kinds_refuse_what_is_about_all_gradients():
    a, b = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    opt = fa.torch.Adam([{"params": [a]}, {"params": [b], "amsgrad": True}], max_norm=1.0)
    a.grad, b.grad = torch.ones(1), torch.ones(1)
    with pytest.raises(ValueError, match="groups of one device and one amsgrad with max_norm"):
        opt.step()
    opt = fa.torch.Adam([{"params": [a]}, {"params": [b], "amsgrad": True}])
    b.grad = torch.ones(1).to_sparse()
    with pytest.raises(RuntimeError, match="sparse"):
        opt.step()
    assert a.item() == 0


def test_squares_of_complex_numbers_are_those_of_their_parts_in_state_dicts():
    p = torch.nn.Parameter(torch.zeros(2, dtype=torch.complex128))
    q = torch.nn.Parameter(p.detach().clone())
    opts = fa.torch.RMSprop([p], centered=True), torch.optim.RMSprop([q], centered=True)
    for t in range(3):
        p.grad = q.grad = torch.tensor([1 + 2j, 0.5 - t], dtype=torch.complex128)
        for opt in opts:
            opt.step()
    found, wanted = (opt.state_dict()["state"][0]["square_avg"] for opt in opts)
    torch.testing.assert_close(found, wanted)


@pytest.mark.filterwarnings("ignore")  # of what PyTorch's compiler looks at
def test_a_compiled_function_may_take_steps():
    model = network()
    opt = fa.torch.Adam(model.parameters())

    @torch.compile(backend="eager")
    def step(x):
        loss = model(x).sum()
        loss.backward()
        opt.step()
        return loss

    before = weights(model)
    step(data()[0])
    assert not torch.equal(before[0], next(model.parameters()))


def test_an_average_of_the_weights_is_in_the_state():
    p = torch.nn.Parameter(torch.zeros(1))
    opt = fa.torch.SGD([p], lr=1.0, average="polyak")
    p.grad = torch.ones(1)
    for _ in range(3):
        opt.step()
    assert opt.state[p]["averaged"].item() == -2


def test_tensors_are_parameters_of_every_optimizer_in_place():
    p = torch.nn.Parameter(torch.zeros(2, 3))
    x = torch.zeros(2, dtype=torch.float64)
    opt = fa.Adam({"p": p, "x": x}, lr=0.1)
    g = torch.ones(3, 2).T
    opt.step({"p": g, "x": np.ones(2)})
    assert p.detach().flatten().tolist() == pytest.approx([-0.1] * 6)
    assert x.tolist() == pytest.approx([-0.1] * 2)
    assert isinstance(opt.state["m"]["p"], np.ndarray)
    opt.step({"p": g.bfloat16(), "x": None})
    assert opt.counts == {"p": 2, "x": 1}
    before = copy.deepcopy(opt)
    for each in (before, opt):
        each.step({"p": torch.ones(2, 3).to(torch.float16), "x": x.clone()})
    assert torch.equal(before.params["p"], p)
    with pytest.raises(TypeError, match=r'params\["p"\].*Sparse'):
        opt.step({"p": g.contiguous().to_sparse(), "x": None})
    p.data = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r'params\["p"\]: expected the array as it was'):
        opt.step({"p": g, "x": None})


def test_conjugated_and_negated_gradients_are_read_as_what_they_mean():
    z = torch.zeros(2, dtype=torch.complex64)
    g = torch.tensor([1 + 2j, 3 - 1j])
    fa.SGD(z, lr=1.0).step(g.conj())
    assert z.tolist() == [-1 + 2j, -3 - 1j]
    p = torch.zeros(2)
    assert g.conj().imag.is_neg()
    fa.SGD(p, lr=1.0).step(g.conj().imag)
    assert p.tolist() == [2, -1]


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(3).to_sparse(),
        torch.zeros(3, device="meta"),
        torch.zeros(3, dtype=torch.int64),
        torch.zeros(3, dtype=torch.complex64).conj(),
    ],
    ids=lambda p: f"{p.dtype} {p.layout} {p.device}",
)
def test_other_tensors_are_refused_as_parameters(bad):
    with pytest.raises(TypeError, match=r"params\[0\]: expected .* tensor"):
        fa.Adam([bad])


def test_headers_that_are_not_known_leave_it_to_python(monkeypatch):
    monkeypatch.setattr("fastadapt.devices.check_tensors.trusted", lambda: None)
    p = torch.nn.Parameter(torch.zeros(3))
    opt = fa.torch.SGD([p], lr=1.0)
    p.grad = torch.ones(3)
    opt.step()
    p.grad = None
    opt.step()
    p.grad = torch.ones(3, dtype=torch.float32)
    p.data = torch.ones(3)
    opt.step()
    assert p.tolist() == [0, 0, 0]


def test_headers_of_tensors_are_known_here():
    from fastadapt.devices import check_tensors

    assert check_tensors.trusted() is not None
