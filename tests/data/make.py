"""Makes the files of this folder: what version 0.1.0 wrote, and every later one must read.

They were made once, by `python tests/data/make.py` with version 0.1.0 (NumPy 2.4, safetensors 0.8, Python 3.11), and
stay as they are: a later version makes files of its own under another name, and keeps reading these.
"""

import pickle
from pathlib import Path

import numpy as np

import fastadapt as fa

FOLDER = Path(__file__).parent


def numbers(shape, seed):
    """Numbers between -2 and 2, the same under every version of NumPy."""
    k = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    return ((k * 37 + seed * 11) % 101 - 50).astype(np.float32) / 25


def nest(seed):
    """Weights or gradients; W is large enough for state of 8 bits, the biases keep theirs in 32."""
    return {
        "layer1": {"W": numbers((10, 30), seed), "b": numbers((30,), seed + 1)},
        "out": [numbers((30, 2), seed + 2), numbers((2,), seed + 3)],
    }


def made(params):
    """The optimizer that the files are of, before its first step."""
    # When the files were made, min_quantized_size was called small_from.
    small = {"state_bits": 8, "min_quantized_size": 256, "rounding": "nearest"}
    return fa.Adam(params, lr=0.05, max_norm=4.0, groups={"*.b": {"lr": 0.2, "weight_decay": 0.01}}, **small)


def main():
    params = nest(0)
    opt = made(params)
    opt.step(nest(10))
    opt.step({"layer1": nest(20)["layer1"], "out": [nest(20)["out"][0], None]})
    opt.step(nest(30), scale=0.5)
    opt.lr = 0.03
    opt.save(FOLDER / "version-0.1.0.npz")
    opt.save(FOLDER / "version-0.1.0.safetensors")
    (FOLDER / "version-0.1.0.pickle").write_bytes(pickle.dumps(opt, protocol=4))
    before = {name: p.copy() for name, p in flat(params).items()}
    opt.step(nest(40))
    after = {f"next {name}": p for name, p in flat(params).items()}
    np.savez(FOLDER / "version-0.1.0-weights.npz", **before, **after)


def flat(params):
    """The weights by name."""
    layer, (w, b) = params["layer1"], params["out"]
    return {"layer1.W": layer["W"], "layer1.b": layer["b"], "out.0": w, "out.1": b}


if __name__ == "__main__":
    main()
