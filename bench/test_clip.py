"""A step that clips by the global norm beside one that does not, and beside PyTorch's two calls."""

import pytest
from conftest import weights

import fastadapt as fa

SIZES = {"1e3": 10**3, "1e6": 10**6, "2**26": 2**26}


def fastadapt_step(p, g, clips):
    """Adam's step; clipping scales the gradients down by half."""
    opt = fa.Adam(p)
    most = float((g.astype("f8") ** 2).sum() ** 0.5 / 2) if clips else None
    return lambda: opt.step(g, max_norm=most)


def torch_step(p, g, clips):
    """PyTorch's fused Adam, behind its `clip_grad_norm_`, which writes the gradients."""
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.from_numpy(p))
    weight.grad = torch.from_numpy(g.copy())
    opt = torch.optim.Adam([weight], fused=True)

    def step():
        if clips:
            torch.nn.utils.clip_grad_norm_([weight], 1.0)
        opt.step()

    return step


@pytest.mark.parametrize("clips", [False, True], ids=["plain", "clipped"])
@pytest.mark.parametrize("make", [fastadapt_step, torch_step])
@pytest.mark.parametrize("size", SIZES)
def test_clipped_step(record, benchmark, size, make, clips):
    benchmark.group = f"Adam {size}, clipped or not"
    record(make(*weights(SIZES[size]), clips), 2, SIZES[size], rounds=9 if SIZES[size] >= 10**7 else 0)
