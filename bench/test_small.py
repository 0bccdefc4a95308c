"""Small state beside float32, and beside bitsandbytes: one step on one array, by bits."""

import pytest
from conftest import weights
from peers import bitsandbytes_steps

import fastadapt as fa

SIZES = {"1e3": 10**3, "1e5": 10**5, "1e6": 10**6, "1e7": 10**7, "2**26": 2**26}


@pytest.mark.parametrize("rounding", ["stochastic", "nearest"])
@pytest.mark.parametrize("bits", [32, 16, 8])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", ["Adam", "AMSGrad", "AdaGrad", "Lion"])
def test_small_state(record, benchmark, rule, size, bits, rounding):
    if (bits, rounding) == (32, "nearest"):
        pytest.skip("nothing is rounded")
    benchmark.group = f"{rule} {size}"
    p, g = weights(SIZES[size])
    optimizer = getattr(fa, rule)(p, state_bits=bits, rounding=rounding, min_quantized_size=0)
    rounds = 9 if SIZES[size] >= 10**7 else 0
    record(lambda: optimizer.step(g), len(optimizer.state), SIZES[size], rounds, bits)


@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", ["Adam", "AdamW", "Lion", "RMSProp", "AdaGrad"])
def test_bitsandbytes(record, benchmark, rule, size, bits):
    pytest.importorskip("bitsandbytes")
    benchmark.group = f"{rule} {size}"
    p, g = weights(SIZES[size])
    step = bitsandbytes_steps(rule, {}, p, g, "cpu")[f"bnb {bits} bits"]
    states = len(getattr(fa, rule)(p[:1]).state)
    record(step, states, SIZES[size], rounds=3 if SIZES[size] >= 10**7 else 0, bits=bits)
