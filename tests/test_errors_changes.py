"""A parameter that is no longer what the optimizer was made with is refused by name, and nothing is touched."""

import numpy as np
import pytest
from layouts import LAYOUTS, SIZE, numbers
from untouched import refused

import fastadapt as fa


def three(of=lambda base: base[:24]):
    """Parameters, the last of the given layout, and an optimizer that has taken a step."""
    params = [np.ones(5, np.float32), np.ones(6), of(numbers(SIZE, np.float32, 0))]
    opt = fa.Adam(params)
    opt.step(grads(params))
    return params, opt


def grads(params):
    """Ones for each array, in its order of axes."""
    return [np.ones_like(p) for p in params]


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("layout", ["C", "transposed", "0-d", "reversed", "inner block", "every second", "empty"])
def test_an_array_made_read_only_is_refused(layout, alone):
    params, opt = three(LAYOUTS[layout])
    p = params[2]
    if alone:
        opt = fa.Adam(p)
    p.flags.writeable = False
    match = "^params: .*read-only" if alone else r"^params\[2\]: .*read-only"
    with refused(opt, params, ValueError, match):
        opt.step(np.ones_like(p) if alone else grads(params))
    p.flags.writeable = True
    opt.step(np.ones_like(p) if alone else grads(params))


@pytest.mark.parametrize("change", [
    lambda p: p.resize(199, refcheck=False),
    lambda p: p.resize((100, 2), refcheck=False),
    lambda p: p.resize(100_000, refcheck=False),
    lambda p: setattr(p, "dtype", np.float64),
    lambda p: setattr(p, "dtype", np.int32),
], ids=["by one", "shape", "far", "float64", "int32"])  # fmt: skip
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_an_array_that_changed_its_memory_is_refused(change, alone):
    # The gradient fits the array as it is now. It is a part of a larger one, so that nothing worse than a failure
    # happens where it is read as far as the array once was.
    p = np.ones(200, np.float32)
    params = p if alone else {"a": np.ones(3, np.float32), "b": p}
    opt = fa.Adam(params)
    change(p)
    g = np.ones(200_000, np.float64 if p.dtype == np.float64 else np.float32)[: p.size].reshape(p.shape)
    name = "params" if alone else r'params\["b"\]'
    with refused(opt, [p], (ValueError, TypeError), f"^{name}: expected"):
        opt.step(g if alone else {"a": np.ones(3, np.float32), "b": g})


def test_an_element_of_a_container_that_was_replaced_is_refused():
    params, opt = three()
    kept, params[2] = params[2], params[2].copy()
    with refused(opt, [*params, kept], ValueError, r"^params\[2\]: expected the array"):
        opt.step(grads(params))
    params[2] = kept
    opt.step(grads(params))
    assert opt.t == 2


def test_a_subtraction_that_is_not_in_place_is_noticed():
    params = {"a": np.ones(3), "b": {"c": np.ones(3)}}
    opt = fa.SGD(params)
    params["b"]["c"] = params["b"]["c"] - 1
    with refused(opt, [params["a"]], ValueError, r'^params\["b"\]\["c"\]: expected the array'):
        opt.step(params)


@pytest.mark.parametrize("change", [
    lambda params: params.append(np.ones(3)),
    lambda params: params.pop(),
    lambda params: params.clear(),
    lambda params: params.reverse(),
    lambda params: params.__setitem__(0, None),
    lambda params: params.__setitem__(0, [params[0]]),
], ids=["append", "pop", "clear", "reverse", "None", "nested"])  # fmt: skip
def test_a_container_that_changed_is_refused(change):
    params, opt = three()
    arrays, g = list(params), grads(params)
    change(params)
    with refused(opt, arrays, (ValueError, TypeError), r"^params(\[0\])?: expected"):
        opt.step(g)


def test_a_dict_that_changed_is_refused():
    params = {"a": np.ones(3), "b": np.ones(3)}
    opt, arrays, g = fa.SGD(params), list(params.values()), grads(params.values())
    params["c"] = params.pop("b")
    with refused(opt, arrays, ValueError, "^params: .*"):
        opt.step({"a": g[0], "b": g[1]})
