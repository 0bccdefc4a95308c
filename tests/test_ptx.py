"""The machine code of the CUDA kernels, compiled here for GPUs that need not be there."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from conftest import INTERPRETED, SIMULATED

pytestmark = pytest.mark.skipif(SIMULATED or INTERPRETED, reason="nothing is compiled in the simulator or as Python")

RULES = [(cls, rule) for cls in OPTIMIZERS for rule in cls.rules.values()]
IDS = [f"{cls.__name__}.{rule.name}" for cls, rule in RULES]
CAPABILITIES = [(8, 0), (9, 0)]

REGISTERS = 80
"""A multiprocessor's 65,536 registers then hold three blocks of 256 threads: enough 16-byte loads in flight."""


@pytest.fixture(scope="module")
def compile_ptx():
    """The function `(rule, dtype, g_dtype, capability)` that gives the PTX of a rule's kernel."""
    cuda = pytest.importorskip("numba.cuda", reason="the CUDA target is not installed")
    from numba import types

    from fastadapt.kernels.cuda import kernel_of

    signature = types.void(*[types.int64] * 5)

    class Device:
        """Stands in for a GPU: all that the compiler asks of one."""

        compute_capability = None

    def compiled(rule, dtype, g_dtype, capability):
        Device.compute_capability = capability
        kernel = kernel_of(rule.update, len(rule.states), rule.coefs, np.dtype(dtype), np.dtype(g_dtype))
        ptx = cuda.compile_ptx(kernel, signature, cc=capability)
        return ptx[0] if isinstance(ptx, tuple) else ptx

    with pytest.MonkeyPatch.context() as patch:
        for module in ("dispatcher", "compiler"):
            patch.setattr(f"numba.cuda.{module}.get_current_device", lambda: Device)
        try:
            cuda.compile_ptx(lambda x: None, types.void(types.int64), cc=CAPABILITIES[0])
        except Exception as error:
            pytest.skip(f"no compiler to PTX here: {error!r}")
        yield compiled


def count(pattern, text):
    return len(re.findall(pattern, text))


def compare_with_streams(rule, ptx):
    """A 16-byte load for p, g and each state, and a 16-byte store for p and each state, in the global space."""
    assert count(r"\bld\.global\.v4\.", ptx) == len(rule.states) + 2
    assert count(r"\bst\.global\.v4\.", ptx) == len(rule.states) + 1


def inspect_binary(ptx, capability, folder):
    """What `ptxas` says of registers, stack and spills."""
    (folder / "kernel.ptx").write_text(ptx)
    arch = "sm_{}{}".format(*capability)
    command = ["ptxas", "-v", f"-arch={arch}", str(folder / "kernel.ptx"), "-o", str(folder / "kernel.cubin")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stderr
    spilled = [int(n) for n in re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", said)]
    return max(map(int, re.findall(r"Used (\d+) registers", said))), spilled


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda capability: "sm_{}{}".format(*capability))
@pytest.mark.parametrize(("cls", "rule"), RULES, ids=IDS)
def test_the_float32_kernel_is_float32_moves_16_bytes_at_a_time_and_fits_in_registers(
    cls, rule, capability, compile_ptx, tmp_path
):
    ptx = compile_ptx(rule, "f4", "f4", capability)
    assert ".f64" not in ptx
    compare_with_streams(rule, ptx)
    # Parameters of the kernel are read by ld.param; all else that it reads and writes is named global.
    assert count(r"\b(ld|st)\.(?!global|param)", ptx) == 0
    if shutil.which("ptxas"):
        registers, spilled = inspect_binary(ptx, capability, tmp_path)
        assert len(spilled) >= 3
        assert not any(spilled)
        assert registers <= REGISTERS


@pytest.mark.parametrize(("cls", "rule"), RULES, ids=IDS)
def test_float64_weights_with_float32_gradients_compile(cls, rule, compile_ptx):
    ptx = compile_ptx(rule, "f8", "f4", CAPABILITIES[0])
    assert "cvt.f64.f32" in ptx
    assert count(r"\bst\.global\.f64|\bst\.global\.[bu]64", ptx) == len(rule.states) + 1


@pytest.mark.parametrize(("cls", "rule"), RULES, ids=IDS)
def test_float16_gradients_are_read_as_16_bits_and_widened_to_float32(cls, rule, compile_ptx):
    ptx = compile_ptx(rule, "f4", "u2", CAPABILITIES[0])
    assert ".f64" not in ptx
    assert count(r"\bld\.global\.[bus]16", ptx) == 1
    assert count(r"\bst\.global\.f32|\bst\.global\.[bu]32", ptx) == len(rule.states) + 1
