"""Gradients of any kind that NumPy can read on the CPU: other byte orders, `__array__`, DLPack."""

import gc
import re
import weakref

import numpy as np
import pytest
from conftest import SIMULATED, SLOW
from layouts import bits, numbers
from untouched import refused

import fastadapt as fa

pytestmark = pytest.mark.skipif(SIMULATED, reason="of CPU arrays")
SHAPE = (3, 4)


class ByArray:
    """An object that is an array when asked, as pandas' and JAX's are."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.array, Exception):
            raise self.array
        return self.array


class Owned(np.ndarray):
    """An array that can be asked whether it lives."""


class New(ByArray):
    """One that makes its array anew, which nobody else keeps alive."""

    def __init__(self, array, made=None):
        self.array, self.made = array, [] if made is None else made

    def __array__(self, dtype=None, copy=None):
        array = self.array.copy().view(Owned)
        self.made.append(weakref.ref(array))
        return array


class ByDlpack:
    """An object that knows DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **given):
        return self.array.__dlpack__(**given)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


KINDS = {
    "the other byte order": lambda g: g.astype(g.dtype.newbyteorder()),
    "the other byte order, turned": lambda g: g.T.astype(g.dtype.newbyteorder()).T,
    "__array__": ByArray,
    "__array__, made anew": New,
    "__array__ of the other byte order": lambda g: ByArray(g.astype(g.dtype.newbyteorder())),
    "__array__ of gaps": lambda g: ByArray(np.stack([g, g], axis=-1)[..., 0]),
    "DLPack": ByDlpack,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_any_kind_is_read_as_the_array_that_it_is(kind, dtype):
    ends = []
    for make in (lambda g: g, KINDS[kind]):
        params = [numbers(SHAPE, np.float32, 0), numbers(SHAPE, np.float64, 1), np.ones((), np.float32)]
        opt = fa.SGD(params, lr=0.5)
        for t in range(2):
            opt.step([make(numbers(p.shape, dtype, 10 * t + k)) for k, p in enumerate(params)], max_norm=2.0)
        one = fa.SGD(params[0], lr=0.5)
        one.step(make(numbers(SHAPE, dtype, 5)))
        ends.append([bits(p) for p in params])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("kind", ["the other byte order", "__array__, made anew", "DLPack"])
def test_the_kernels_take_them_as_well(kind):
    p = np.zeros(3)
    fa.SGD.kernel(p, KINDS[kind](np.ones(3)), (), fa.SGD.coefficients(1, lr=1.0))
    assert (p == -1).all()


def test_what_is_made_for_a_step_lives_until_it_is_done_and_no_longer():
    params = [np.zeros(5000, np.float32) for _ in range(4)]
    opt = fa.SGD(params, lr=1.0)
    made: list = []
    for t in range(1, 4):
        opt.step([New(np.full(5000, k, np.float32), made) for k in range(4)])
        assert [set(p) for p in params] == [{-t * k} for k in range(4)]
    gc.collect()
    assert len(made) == 12
    assert not any(array() is not None for array in made)


@pytest.mark.skipif(SLOW, reason="of PyTorch's tensors alone")
def test_pytorchs_tensors_are_read_whether_they_require_a_gradient_or_not():
    torch = pytest.importorskip("torch")
    p, g = np.zeros((3, 4), np.float32), torch.ones(3, 4)
    opt = fa.SGD(p, lr=1.0)
    for given in (g, g.clone().requires_grad_(), torch.nn.Parameter(g), g.t().contiguous().t(), g.double(), g.half()):
        opt.step(given)
    assert (p == -6).all()
    x = torch.from_numpy(p).requires_grad_()
    (x * 3).sum().backward()
    opt.step(x.grad)
    opt.step(x)  # the parameter itself
    assert (p == 0).all()
    opt.step(g.bfloat16())
    assert (p == -1).all()
    with refused(
        opt, [p], TypeError, "^params: expected a gradient that can be made a NumPy array, but Tensor says: .*Sparse"
    ):
        opt.step(g.to_sparse())


WRONG = {
    "integers": (np.ones(SHAPE, np.int64), TypeError, "float16, not int64"),
    "objects": (np.ones(SHAPE, object), TypeError, "float16, not object"),
    "another shape": (np.ones(4), ValueError, r"shape \(3, 4\), not \(4,\)"),
    "an error of its own": (KeyError("lost"), TypeError, "a NumPy array, but ByArray says: 'lost'"),
    "a list": ([1.0], TypeError, "a NumPy array, but ByArray says: .*not producing an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_object_that_makes_no_gradient_of_itself_is_refused_by_the_path_of_its_array(name):
    array, error, said = WRONG[name]
    params = {"W": np.zeros(SHAPE), "b": [np.zeros(3)]}
    opt = fa.SGD(params, lr=1.0)
    with refused(opt, [params["W"], *params["b"]], error, re.escape('params["W"]: expected ') + f".*{said}"):
        opt.step({"W": ByArray(array), "b": [np.ones(3)]})


def test_the_error_of_a_conversion_is_the_cause():
    lost = KeyError("lost")
    with pytest.raises(TypeError, match=r"^params\[0\]") as caught:
        fa.SGD([np.zeros(3)]).step([ByArray(lost)])
    assert caught.value.__cause__ is lost


def test_masked_arrays_stay_refused_by_name():
    with pytest.raises(TypeError, match=r"^params\[1\]: expected a gradient without a mask, not MaskedArray"):
        fa.SGD([np.zeros(3), np.zeros(3)]).step([np.ones(3), np.ma.ones(3)])


@pytest.mark.parametrize("kind", ["the other byte order", "__array__", "DLPack"])
def test_one_that_is_not_finite_is_named(kind):
    opt = fa.SGD([np.zeros(3)], nonfinite="raise")
    with pytest.raises(ValueError, match=r"^params\[0\]: expected a finite gradient, not nan at \[1\]$"):
        opt.step([KINDS[kind](np.array([1.0, np.nan, 1.0]))])
