"""State on the device and back, in Numba's real CUDA target, under a stand-in for the driver: no kernel runs there."""

import pytest
from driver import with_driver

pytestmark = [pytest.mark.maintainer, with_driver]

OPTIMIZER = """
import copy, pickle
shapes = {"a": (300,), "b": (3, 5), "c": (70, 100), "d": (), "e": (0,)}
params = {name: device(shape, i) for i, (name, shape) in enumerate(shapes.items())}

from fastadapt.checkpoint.paths import flat

def same(a, b):
    a, b = dict(flat(a)), dict(flat(b))
    assert a.keys() == b.keys()
    for path in a:
        np.testing.assert_array_equal(a[path], b[path], err_msg=str(path))

def filled(opt):
    '''The optimizer, with bytes in its state that no step made.'''
    random = np.random.default_rng(7)
    given = opt.state_dict()
    def fill(tree):
        for name, leaf in tree.items():
            if isinstance(leaf, dict):
                fill(leaf)
            elif leaf.dtype.kind == "f":
                leaf[...] = random.uniform(0.25, 0.5, leaf.shape)
            elif name != "order":
                leaf[...] = random.integers(1, 100, leaf.shape)
    fill(given["state"])
    opt.load_state_dict(given)
    same(opt.state_dict(), given)
    return opt
"""
bits = pytest.mark.parametrize("bits", [32, 16, 8])


@bits
def test_state_dict_and_files_bring_the_state_back(host, bits, tmp_path):
    host(f"""{OPTIMIZER}
opt = filled(fa.Adam(params, lr=0.5, state_bits={bits}))
opt.step(params)
taken = opt.state_dict()
assert taken["t"] == 1
assert all(isinstance(leaf, np.ndarray) for path, leaf in flat(taken["state"]))
for suffix in ("npz", "safetensors"):
    opt.save({str(tmp_path)!r} + "/kept." + suffix)
    other = fa.Adam(params, state_bits={bits})
    other.load({str(tmp_path)!r} + "/kept." + suffix)
    same(other.state_dict(), taken)
    assert (other.t, other.lr) == (1, 0.5)
other = fa.Adam(params, state_bits={bits})
other.load_state_dict(pickle.loads(pickle.dumps(taken)))
same(other.state_dict(), taken)
""")


@bits
def test_zero_state_makes_all_state_zero(host, bits):
    host(f"""{OPTIMIZER}
opt = filled(fa.Adam(params, state_bits={bits}))
opt.step(params)
found = [call.name for call in calls(opt.zero_state)]
assert found[0] == found[-1] == "cuCtxSynchronize"
assert "cuLaunchKernel" not in found
fresh = fa.Adam(params, state_bits={bits})
same(opt.state_dict(), fresh.state_dict())
assert opt.t == 0
""")


def test_the_state_is_views_on_the_device_that_the_optimizer_uses(host):
    host(f"""{OPTIMIZER}
opt = filled(fa.Adam(params))
for name, arrays in opt.state.items():
    for path, view in arrays.items():
        assert type(view) is type(params[path])
        assert view.shape == shapes[path]
        np.testing.assert_array_equal(view.copy_to_host(), opt.state_dict()["state"][name][path])
given = np.arange(15, dtype=np.float32).reshape(3, 5)
opt.state["m"]["b"].copy_to_device(given)
np.testing.assert_array_equal(opt.state_dict()["state"]["m"]["b"], given)
view = opt.state["v"]["c"]
del opt
import gc
gc.collect()
assert view.copy_to_host().shape == (70, 100)  # it keeps the memory alive
""")


@bits
def test_small_state_can_be_read(host, bits):
    host(f"""{OPTIMIZER}
opt = filled(fa.Adam(params, min_quantized_size=0, state_bits={bits}))
for name, arrays in opt.state.items():
    for path, view in arrays.items():
        assert view.shape == shapes[path]
""")


def test_a_first_state_is_put_on_the_device(host):
    host(f"""{OPTIMIZER}
opt = fa.AdaGrad(params, initial_accumulator=0.25)
for name, view in opt.state["r"].items():
    np.testing.assert_array_equal(view.copy_to_host(), np.full(shapes[name], 0.25, np.float32))
""")


def test_an_optimizer_of_numbas_arrays_cannot_be_pickled_because_they_cannot(host):
    host(f"""{OPTIMIZER}
opt = fa.Adam(params)
for what in (params["a"], opt):
    for function in (pickle.dumps, copy.deepcopy):
        try:
            function(what)
        except TypeError as error:
            assert "__reduce__" in str(error)
        else:
            raise AssertionError("Numba's arrays can be pickled now")
""")
