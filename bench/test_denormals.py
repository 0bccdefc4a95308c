"""A step on state that has decayed into the denormal range beside one on fresh state: they should be as fast."""

import numpy as np
import pytest

import fastadapt as fa

STATES = {
    "fresh": (1e-2, 1e-4),
    "nearly denormal": (3e-38, 1e-36),  # whose products with 1 - beta are
    "denormal": (1e-40, 1e-40),
}


@pytest.mark.parametrize("size", [2**16, 2**22], ids=["2**16", "2**22"])
@pytest.mark.parametrize("state", STATES)
def test_step_on_decayed_state(benchmark, state, size):
    benchmark.group = f"Adam {size:,}, without gradients"
    p, g = np.ones(size, np.float32), np.zeros(size, np.float32)
    opt = fa.Adam(p)
    m, v = opt.state["m"], opt.state["v"]
    opt.step(g)

    def decay():
        m[...], v[...] = STATES[state]

    benchmark.pedantic(lambda: opt.step(g), setup=decay, rounds=51, warmup_rounds=2)
