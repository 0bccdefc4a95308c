"""The machine code of the CUDA kernels, compiled here for GPUs that need not be there."""

import inspect
import re
import shutil
import subprocess
from collections import Counter
from functools import cache

import numpy as np
import pytest
from catalogue import OPTIMIZERS
from conftest import INTERPRETED, SIMULATED, needs_numba_cuda
from runs import KERNEL_IDS, KERNELS

import fastadapt as fa

pytestmark = [
    pytest.mark.maintainer,
    pytest.mark.skipif(SIMULATED or INTERPRETED, reason="nothing is compiled in the simulator or as Python"),
    needs_numba_cuda,
]

RULES = [(cls, rule) for cls in OPTIMIZERS for rule in cls.rules.values() if not rule.terms]
"""Those whose steps leave sums have kernels of their own: see the last test."""
IDS = [f"{cls.__name__}.{rule.name}" for cls, rule in RULES]
KINDS = [
    (cls, cls.rules[frozenset(name for name in cls.declaration.switches if hyper.get(name))]) for cls, hyper in KERNELS
]
CAPABILITIES = [(8, 0), (9, 0)]

STATEFUL = {rule.update: (name, rule) for name, (_, rule) in zip(IDS, RULES, strict=True) if rule.states}.values()
SMALL = [(rule, bits) for _, rule in STATEFUL for bits in (16, 8)]
SMALL_IDS = [f"{name}-{bits}" for name, _ in STATEFUL for bits in (16, 8)]

REGISTERS = 88
"""A multiprocessor's 65,536 registers then hold two blocks of 256 threads or, up to 80, three: enough 16-byte loads in
flight. `ptxas` of CUDA 13.0 gives 80 or fewer to all but AMSGrad on sm_80, which takes 81."""
SMALL_REGISTERS = 112
"""They then hold two blocks. `ptxas` of CUDA 13.0 gives these kernels 56 to 72 for one state, 80 to 92 for two, 96 to
108 for three."""
SUMMING_REGISTERS = 168
NORM_REGISTERS = 64
"""They then hold four blocks."""
SUMS = 4
"""Numbers of float64 that each thread of the norm's kernels has in shared memory."""
GROUPS = 2
"""Groups of four neighbours that each of a warp's 32 threads has of a tile of 256 weights."""
WEIGHTS = 4 * GROUPS
"""Weights of a thread, one by one where the tile is not whole or does not lie well."""


@pytest.fixture(scope="module")
def ptx_of():
    """The function `(kernel, capability, signature)` that gives the PTX of a kernel, which else is told integers."""
    from numba import cuda, types

    class Device:
        """Stands in for a GPU: all that the compiler asks of one."""

        compute_capability = None

    def compiled(kernel, capability, signature=None):
        Device.compute_capability = capability
        signature = signature or types.void(*[types.int64] * len(inspect.signature(kernel).parameters))
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


@pytest.fixture(scope="module")
def compile_ptx(ptx_of):
    """The function `(rule, dtype, g_dtype, capability, bits, rounding, more)` that gives the PTX of a rule's kernel.

    `more` are other arguments of `storage_of`.
    """
    from fastadapt.devices.cuda import kernel_of
    from fastadapt.kernels.streams import storage_of

    @cache
    def compiled(rule, dtype, g_dtype, capability, bits=32, rounding="stochastic", more=()):
        storage = storage_of(bits, rounding, np.dtype(dtype), rule.nonnegative, rule.full_precision, **dict(more))
        return ptx_of(kernel_of(rule.update, storage, rule.coefs, np.dtype(dtype), np.dtype(g_dtype)), capability)

    return compiled


def count(pattern, text):
    return len(re.findall(pattern, text))


def compare_with_streams(rule, ptx):
    """A 16-byte load for p, g and each state, and a 16-byte store for p and each state, in the global space."""
    assert count(r"\bld\.global\.v4\.", ptx) >= len(rule.states) + 2
    assert count(r"\bst\.global\.v4\.", ptx) >= len(rule.states) + 1


def inspect_binary(ptx, capability, folder):
    """What `ptxas` says of registers, of stack and spills, and of shared memory, in bytes."""
    (folder / "kernel.ptx").write_text(ptx)
    arch = "sm_{}{}".format(*capability)
    command = ["ptxas", "-v", f"-arch={arch}", str(folder / "kernel.ptx"), "-o", str(folder / "kernel.cubin")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stderr
    spilled = [int(n) for n in re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", said)]
    shared = sum(map(int, re.findall(r"(\d+) bytes smem", said)))
    return max(map(int, re.findall(r"Used (\d+) registers", said))), spilled, shared


@pytest.mark.parametrize(("cls", "rule"), RULES, ids=IDS)
def test_the_float32_kernel_is_float32_moves_16_bytes_at_a_time_and_fits_in_registers(cls, rule, compile_ptx, tmp_path):
    ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0])
    assert ".f64" not in ptx
    compare_with_streams(rule, ptx)
    # Parameters of the kernel are read by ld.param; all else that it reads and writes is named global.
    assert count(r"\b(ld|st)\.(?!global|param)", ptx) == 0
    for capability in CAPABILITIES if shutil.which("ptxas") else ():
        registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
        assert len(spilled) >= 3
        assert not any(spilled)
        assert registers <= REGISTERS
        assert shared == 0


@pytest.mark.parametrize(("cls", "rule"), KINDS, ids=KERNEL_IDS)
def test_float64_weights_with_float32_gradients_compile(cls, rule, compile_ptx):
    ptx = compile_ptx(rule, "f8", "f4", CAPABILITIES[0])
    assert "cvt.f64.f32" in ptx
    assert count(r"\bst\.global\.f64|\bst\.global\.[bu]64", ptx) >= len(rule.states) + 1


@pytest.mark.parametrize(("cls", "rule"), KINDS, ids=KERNEL_IDS)
def test_float16_gradients_are_read_as_16_bits_and_widened_to_float32(cls, rule, compile_ptx):
    ptx = compile_ptx(rule, "f4", "u2", CAPABILITIES[0])
    assert ".f64" not in ptx
    assert count(r"\bld\.global\.[bus]16", ptx) >= 1
    assert count(r"\bst\.global\.f32|\bst\.global\.[bu]32", ptx) >= len(rule.states) + 1


def accesses(ptx, kind, space):
    """The types of those loads or stores, and how often each stands there."""
    return Counter(re.findall(rf"\b{kind}\.{space}\.([a-z]+\d+)\b", ptx))


def widths(ptx, kind):
    """The bits of each load or store in global memory, `v4.32` for four times 32, and how often it stands there."""
    found = re.findall(rf"\b{kind}\.global\.(v[24]\.)?[bfsu](\d+)\b", ptx)
    return Counter(vector + bits for vector, bits in found)


@pytest.mark.parametrize(("rule", "bits"), SMALL, ids=SMALL_IDS)
def test_small_state_moves_four_weights_at_a_time_stays_in_registers_and_waits_at_no_barrier(
    rule, bits, compile_ptx, tmp_path
):
    ptx, states = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits), len(rule.states)
    headers = states if bits == 8 else 0
    assert ".f64" not in ptx
    assert count(r"\b(ld|st)\.(?!global|param)", ptx) == 0
    assert count(r"\b(atom|red|bar|barrier)\.", ptx) == 0
    # The two ends of each range go through a warp of 32 in 5 exchanges.
    assert count(r"\bshfl\.sync\.", ptx) <= 2 * 5 * headers
    code, four_codes = str(bits), str(4 * bits)
    loads, stores = widths(ptx, "ld"), widths(ptx, "st")
    assert stores["v4.32"] >= GROUPS
    assert stores[four_codes] >= GROUPS * states
    # All others: weights and codes one by one, and headers.
    assert stores.total() <= GROUPS + WEIGHTS + (GROUPS + WEIGHTS) * states + headers
    assert loads["v4.32"] >= 2 * GROUPS  # of p and of g
    assert loads[code] <= WEIGHTS * states
    # There are others of that width as well: of p and g one by one, of coefficients, and of the table.
    assert loads[four_codes] >= GROUPS * states + headers
    assert set(loads) <= {"v4.32", "32", "64", code}
    for capability in CAPABILITIES if shutil.which("ptxas") else ():
        registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
        assert len(spilled) >= 3
        assert not any(spilled)
        assert registers <= SMALL_REGISTERS
        assert shared == 0


@pytest.mark.parametrize("bits", [16, 8])
def test_the_loads_of_a_tile_stand_before_all_arithmetic_on_it(bits, compile_ptx):
    (rule,) = fa.Adam.rules.values()
    ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits)
    last_load = max(found.start() for found in re.finditer(r"\bld\.global\.v4\.", ptx))
    first_root = min(found.start() for found in re.finditer(r"\bsqrt\.rn\.f32\b", ptx))
    first_store = min(found.start() for found in re.finditer(r"\bst\.global\.", ptx))
    assert last_load < first_root < first_store


@pytest.mark.parametrize("bits", [16, 8])
def test_small_state_of_float64_weights_is_computed_in_float64_and_of_float16_gradients_in_float32(bits, compile_ptx):
    (rule,) = fa.Adam.rules.values()
    code, states = str(bits), 2
    ptx = compile_ptx(rule, "f8", "f4", CAPABILITIES[0], bits)
    loads, stores = widths(ptx, "ld"), widths(ptx, "st")
    assert "cvt.f64.f32" in ptx
    assert min(loads["v2.64"], stores["v2.64"]) >= 2 * GROUPS  # 16 bytes are two weights
    assert loads["v4.32"] >= GROUPS
    assert max(loads[code], stores[code]) <= WEIGHTS * states
    ptx = compile_ptx(rule, "f4", "u2", CAPABILITIES[0], bits)
    loads, stores = widths(ptx, "ld"), widths(ptx, "st")
    assert ".f64" not in ptx
    assert min(loads["v4.32"], stores["v4.32"], loads["v4.16"]) >= GROUPS
    assert loads["8"] + loads["16"] <= WEIGHTS * (states + 1)  # of the codes and of g


@pytest.mark.parametrize("bits", [16, 8])
def test_a_state_in_full_precision_moves_four_weights_at_a_time_beside_those_in_codes(bits, compile_ptx, tmp_path):
    from test_full_precision import Between

    (rule,) = Between.rules.values()
    ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits)
    loads, stores = widths(ptx, "ld"), widths(ptx, "st")
    assert ".f64" not in ptx
    assert loads["v4.32"] >= 3 * GROUPS  # of p, g and z
    assert stores["v4.32"] >= 2 * GROUPS
    assert min(loads[str(4 * bits)], stores[str(4 * bits)]) >= 2 * GROUPS  # of m and v
    for capability in CAPABILITIES if shutil.which("ptxas") else ():
        registers, spilled, _ = inspect_binary(ptx, capability, tmp_path)
        assert not any(spilled)
        assert registers <= SMALL_REGISTERS


BESIDE = {"average": {"averages": True}, "rates": {"reads": ("lr",)}, "bounds": {"reads": ("lower", "upper")}}
BESIDE["all"] = {"averages": True, "reads": ("lr", "lower", "upper")}
"""Streams beside the states."""
BESIDE_REGISTERS = 128
"""They then hold two blocks."""


@pytest.mark.parametrize("more", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("bits", [32, 8])
def test_streams_beside_the_states_move_16_bytes_at_a_time_and_fit_in_registers(bits, more, compile_ptx, tmp_path):
    (rule,) = fa.Adam.rules.values()
    ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits, more=tuple(more.items()))
    states, groups = (2, 1) if bits == 32 else (0, GROUPS)
    written, read = more.get("averages", False), len(more.get("reads", ()))
    assert ".f64" not in ptx
    assert count(r"\b(ld|st)\.(?!global|param)", ptx) == 0
    assert widths(ptx, "ld")["v4.32"] >= groups * (2 + states + written + read)
    assert widths(ptx, "st")["v4.32"] >= groups * (1 + states + written)
    for capability in CAPABILITIES if shutil.which("ptxas") else ():
        registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
        assert not any(spilled)
        assert registers <= BESIDE_REGISTERS
        assert shared == 0


@pytest.mark.parametrize("bits", [16, 8])
def test_rounding_to_the_nearest_makes_no_random_word(bits, compile_ptx):
    (rule,) = fa.Adam.rules.values()
    for rounding, hashed in (("stochastic", True), ("nearest", False)):
        ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits, rounding)
        assert (str(0x7FEB352D) in ptx) == hashed  # by which the hash multiplies


@pytest.mark.parametrize("g_dtype", ["f4", "f8", "u2"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_kernel_of_the_norm_sums_in_float64_reads_16_bytes_at_a_time_and_fits_in_registers(
    dtype, g_dtype, ptx_of, tmp_path
):
    from fastadapt.kernels.cuda_squares import squares_kernel

    kernel = squares_kernel(np.dtype(dtype), np.dtype(g_dtype), 256)
    ptx = ptx_of(kernel, CAPABILITIES[0])
    for capability in CAPABILITIES:
        assert count(r"\badd\.(?:rn\.)?f64|\bfma\.rn\.f64", ptx) > 0
        assert (count(r"\bld\.global\.v4\.f32", ptx) > 0) == (dtype == g_dtype == "f4")
        assert accesses(ptx, "st", "global").keys() <= {"f64"}
        assert count(r"\b(ld|st)\.(?!global|shared|param)", ptx) == 0
        if shutil.which("ptxas"):
            registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
            assert not any(spilled)
            assert registers <= NORM_REGISTERS
            assert shared <= SUMS * 8 * 256


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_kernel_that_decides_computes_coefficients_in_float64_and_keeps_nothing_in_local_memory(
    cls, ptx_of, tmp_path
):
    from fastadapt.kernels.cuda_decide import decide_kernel

    kernel = decide_kernel(cls.declaration.coefficients, cls.declaration.count, 256)
    ptx = ptx_of(kernel, CAPABILITIES[0])
    for capability in CAPABILITIES:
        # Rows of either dtype, of which some are constants, book and numbers.
        assert accesses(ptx, "st", "global").keys() <= {"f32", "u32", "f64", "u64"}
        assert count(r"\b(ld|st)\.(?!global|shared|param)", ptx) == 0
        if shutil.which("ptxas"):
            registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
            assert not any(spilled)
            assert registers <= 65536 // 256  # it is one block
            assert shared <= SUMS * 8 * 256


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_the_loop_over_many_problems_keeps_all_in_registers(capability, apart, ptx_of, tmp_path):
    from numba import float32, float64, int64, types
    from test_minimize_many import bowls

    from fastadapt.kernels.cuda_problems import kernel_of
    from fastadapt.kernels.problems import BEFORE, Kind

    (rule,) = fa.Adam.rules.values()
    function = fa.Adam.declaration.at_first if apart else None
    kind = Kind(bowls.py_func, False, True, rule.update, rule.coefs, 2, 4, function, apart, np.dtype(np.float32))
    rates = (
        (float64[:, ::1],) * (BEFORE + len(fa.Adam.declaration.names)) if apart else (float32[:, ::1], float64[:, ::1])
    )
    arrays = (
        float32[:, ::1],
        float32[::1],
        float32[:, ::1],
        float64,
        float32[:, :, ::1],
        float32[::1],
        float32[::1],
        *rates,
    )
    numbers = types.Tuple((int64, int64, float64, float64))
    out = types.Tuple((float32[:, ::1], float64[::1], int64[::1], types.bool_[::1], float32[:, :, ::1]))
    work = float32[:, ::1], float64[:, ::1], float32[:, ::1]
    signature = types.void(int64, *work, types.Tuple(arrays), numbers, out)
    ptx = ptx_of(kernel_of(kind, 2, 2), capability, signature)
    if apart:  # coefficients are float64, as on the host; the step is not
        assert count(r"\bsqrt\.rn\.f32\b", ptx) >= 1
    else:
        assert count(r"\bsqrt\.\w+\.f64\b", ptx) == 0
    if shutil.which("ptxas"):
        registers, spilled, _ = inspect_binary(ptx, capability, tmp_path)
        assert registers <= 255
        assert not any(spilled)


@pytest.mark.parametrize("bits", [32, 16, 8])
def test_a_step_that_leaves_sums_moves_four_weights_at_a_time_and_sums_in_float64(bits, compile_ptx, tmp_path):
    (rule,) = fa.Prodigy.rules.values()
    ptx = compile_ptx(rule, "f4", "f4", CAPABILITIES[0], bits, more=(("terms", rule.terms),))
    loads, stores = widths(ptx, "ld"), widths(ptx, "st")
    coded = 0 if bits == 32 else 3  # all but the first weights
    assert min(loads["v4.32"], stores["v4.32"]) >= GROUPS * (1 + len(rule.states) - coded)
    assert count(r"\badd\.(rn\.)?f64", ptx) >= 2 * rule.terms
    assert count(r"\b(atom|red|bar|barrier)\.", ptx) == 0
    for capability in CAPABILITIES if shutil.which("ptxas") else ():
        registers, spilled, shared = inspect_binary(ptx, capability, tmp_path)
        assert not any(spilled)
        assert registers <= SUMMING_REGISTERS
        assert shared == 0


def test_the_kernels_around_a_step_with_sums_compile(ptx_of, tmp_path):
    from fastadapt.kernels.cuda_reductions import combine_kernel, fold_kernel, reduce_kernel, total_kernel
    from fastadapt.kernels.streams import storage_of
    from fastadapt.kernels.weight import AROUND

    (rule,), single = fa.LAMB.rules.values(), np.dtype(np.float32)
    kernels = [fold_kernel(256), total_kernel]
    for bits in (32, 16, 8):
        storage = storage_of(bits, "stochastic", single, rule.nonnegative)
        given = rule.reduce, rule.sums, storage, AROUND + rule.coefs, single, single, 256, 32
        kernels.append(reduce_kernel(*given))
    for cls in (fa.LAMB, fa.Prodigy, fa.NAdam):
        found = cls.declaration.reductions
        names, scalars = len(found.names), len(found.scalars)
        kernels.append(combine_kernel(found.combine, len(cls.declaration.names), names, scalars, found.picks))
    for kernel in kernels:
        for capability in CAPABILITIES:
            ptx = ptx_of(kernel, capability)
            assert count(r"\badd\.(rn\.)?f64|\bfma\.rn\.f64|\bst\.global\.[bfu]64", ptx) >= 1
            if shutil.which("ptxas"):
                _, spilled, _ = inspect_binary(ptx, capability, tmp_path)
                assert not any(spilled) or "combine" in ptx
