"""What an older version wrote is read for ever: checkpoints in both kinds of file, and pickles."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent / "data"
sys.path.insert(0, str(DATA))
from make import flat, made  # noqa: E402
from make import nest as tree  # noqa: E402


def weights(prefix=""):
    """The weights with which the files were written, or those one step later."""
    with np.load(DATA / "version-0.1.0-weights.npz") as found:
        return {name: found[prefix + name] for name in flat(tree(0))}


def from_pickle():
    return pickle.loads((DATA / "version-0.1.0.pickle").read_bytes())


def from_file(suffix):
    if suffix == "safetensors":
        pytest.importorskip("safetensors")
    params = tree(0)
    for name, p in flat(params).items():
        p[...] = weights()[name]
    opt = made(params)
    opt.load(DATA / f"version-0.1.0.{suffix}")
    return opt


READ = {
    "pickle": from_pickle,
    "npz": lambda: from_file("npz"),
    "safetensors": lambda: from_file("safetensors"),
}


@pytest.mark.parametrize("kind", READ)
def test_what_version_0_1_0_wrote_goes_on(kind):
    opt = READ[kind]()
    assert (opt.t, opt.counts["out"], opt.lr, opt.max_norm) == (3, [3, 2], 0.03, 4.0)
    assert (opt.state_bits, opt.min_quantized_size, opt.rounding) == (8, 256, "nearest")
    assert (opt.groups["*.b"].lr, opt.groups["*.b"].weight_decay, opt.groups["*.b"].beta1) == (0.2, 0.01, 0.9)
    assert all((p == weights()[name]).all() for name, p in flat(opt.params).items())
    opt.step(tree(40))
    for name, p in flat(opt.params).items():
        # The formulas may be rounded otherwise one day: a few units in the last place of weights and steps below 4.
        np.testing.assert_allclose(p, weights("next ")[name], rtol=0, atol=4 * 4 * np.finfo(np.float32).eps)
