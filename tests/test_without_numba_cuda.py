"""Without numba-cuda: the CPU is as ever, and what would need it says so, though `numba.cuda` can be imported."""

import sys

import numpy as np
import pytest
from numba import config
from untouched import FakeCuda

import fastadapt as fa
from fastadapt.__main__ import main
from fastadapt.commands import machine


@pytest.fixture(autouse=True)
def _no_numba_cuda(monkeypatch):
    """The distribution is not found; Numba's own `numba.cuda` still is, where Numba has one."""
    monkeypatch.setitem(sys.modules, "numba_cuda", None)


@pytest.mark.parametrize("how", [{}, {"capturable": True}, {"state_bits": 8}], ids=str)
def test_an_optimizer_of_arrays_on_cuda_says_what_to_install(how):
    with pytest.raises(ImportError, match=r"arrays on CUDA .*numba-cuda.*pip install .*\.\[cu12\]"):
        fa.Adam([FakeCuda((3,)), FakeCuda((5,), address=8192)], **how)


def test_a_kernel_called_with_arrays_on_cuda_says_what_to_install():
    p, g, m = (FakeCuda((3,), address=4096 * k) for k in (1, 2, 3))
    with pytest.raises(ImportError, match=r"arrays on CUDA .*numba-cuda.*pip install"):
        fa.Lion.kernel(p, g, (m,), fa.Lion.coefficients(1))


def test_the_commands_say_so_too(capsys):
    pytest.importorskip("rich")
    assert "numba-cuda" in machine.gpu()["missing"]
    assert main(["bench", "--device", "cuda"]) == 2
    assert 'without the package numba-cuda (of a checkout: `pip install ".[cu12]"`' in capsys.readouterr().err


@pytest.mark.parametrize("simulated", [0, 1])
def test_what_is_no_array_is_refused_as_ever_and_arrays_of_the_cpu_take_their_steps(simulated, monkeypatch):
    monkeypatch.setattr(config, "ENABLE_CUDASIM", simulated)
    for name in [name for name in sys.modules if name.startswith("numba.cuda.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TypeError, match=r"params\[1\]: expected a NumPy or CUDA array, .*, not float"):
        fa.SGD([np.ones(3), 1.0])
    p = np.ones(3, np.float32)
    fa.SGD([p], lr=1.0).step([np.ones(3, np.float32)])
    assert not p.any()
