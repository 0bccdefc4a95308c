"""The command line: what it prints, what it writes, and how it fails."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from conftest import SLOW, has_gpu, needs_numba_cuda

from fastadapt import commands
from fastadapt.__main__ import main
from fastadapt.reference import Reference

pytestmark = pytest.mark.skipif(SLOW, reason="commands measure compiled kernels")

PNG = b"\x89PNG"


@pytest.fixture
def extra():
    """Skips where the packages of the extra `race` are not installed."""
    for name in ("rich", "matplotlib", "sklearn"):
        pytest.importorskip(name)


def hide(monkeypatch, *packages):
    """Make these packages look as if they were not installed, to commands that are imported anew."""
    for name in [name for name in sys.modules if name.startswith("fastadapt.commands.")]:
        monkeypatch.delitem(sys.modules, name)
    inside = [name for name in sys.modules if name.partition(".")[0] in packages]
    for name in (*packages, *inside):
        monkeypatch.setitem(sys.modules, name, None)


def race(tmp_path, *more):
    return main(["race", "--epochs", "2", "--hidden", "16", "--plot", str(tmp_path / "race.png"), *more])


def bench(tmp_path, *more, run=lambda given: main(["bench", *given])):
    """The exit code of a small bench, and what it wrote."""
    files = ["--json", str(tmp_path / "bench.json"), "--plot", str(tmp_path / "bench.png")]
    code = run(["--sizes", "1000", "2**12", "--rounds", "2", *files, *more])
    return code, json.loads((tmp_path / "bench.json").read_text())


def test_without_a_command_the_help_names_them_all(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("race", "bench", "info"))


@pytest.mark.parametrize("command", ["race", "bench"])
def test_a_missing_extra_is_one_line_that_says_what_to_install(command, monkeypatch, capsys):
    hide(monkeypatch, "rich")
    assert main([command]) == 2
    printed = capsys.readouterr().err.splitlines()
    assert printed == [f'python -m fastadapt {command}: rich is not installed: pip install "fastadapt[race]"']


def test_info_needs_no_extra(monkeypatch, capsys):
    hide(monkeypatch, "rich", "matplotlib", "sklearn")
    assert main(["info", "--size", "1000"]) == 0
    printed = capsys.readouterr().out
    for fact in ("numba ", "threads ", "GPU ", "cache ", "GB/s"):
        assert fact in printed


def test_info_says_when_no_folder_for_the_cache_can_be_written(monkeypatch, capsys):
    from numba.core.caching import FunctionCache

    from fastadapt.kernels.cache import kernel_cache

    monkeypatch.setattr(kernel_cache(FunctionCache)._impl_class, "_locator_classes", [])
    assert main(["info", "--size", "1000"]) == 0
    assert "set NUMBA_CACHE_DIR" in capsys.readouterr().out


def test_the_race_ends_in_agreement_and_a_picture(tmp_path, capsys, extra):
    assert race(tmp_path) == 0
    printed = capsys.readouterr().out
    assert f"all {len(commands.optimizers())} agree" in printed.replace("\n", " ")
    assert all(name in printed for name in commands.optimizers())
    assert (tmp_path / "race.png").read_bytes().startswith(PNG)


def test_an_optimizer_that_leaves_the_reference_fails_the_race(tmp_path, capsys, monkeypatch, extra):
    from fastadapt.commands import race as module

    def wrong(name, params, **hyper):
        return Reference(name, params, weight_decay=1e-3, **hyper)

    monkeypatch.setattr(module, "Reference", wrong)
    assert race(tmp_path, "--optimizers", "Adam", "RMSProp") == 1
    assert "do NOT agree: Adam" in capsys.readouterr().out


@pytest.mark.maintainer
@pytest.mark.parametrize("bits", ["16", "8"])
def test_the_race_of_small_state_says_how_near_to_float32_it_stays(bits, tmp_path, capsys, extra):
    rules = ["--optimizers", "Adam", "AMSGrad", "Lion"]
    assert race(tmp_path, *rules, "--hidden", "128", "--state-bits", bits, "--seed", "3", "5") == 0
    printed = capsys.readouterr().out
    assert "medians of seeds 3, 5" in printed
    assert "trains as float32 does: all 3" in printed
    adam = next(line for line in printed.splitlines() if "Adam" in line).split()
    # W of 64 x 128 is small; both biases and W of 128 x 10, 1,418 weights in all, are not. An array's part of a state
    # ends on a cache line.
    small = 64 * 128 * 2 * int(bits) / 8 + (2 * 4 * 32 if bits == "8" else 0)
    assert float(adam[5]) == pytest.approx((small + 1418 * 8) / 9610, abs=0.03)
    assert max(map(len, printed.splitlines())) <= 80


def test_a_race_in_which_no_state_would_be_small_is_refused(tmp_path, capsys, extra):
    assert race(tmp_path, "--state-bits", "8") == 2
    assert "--hidden" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "1.5", "4294967296"])
def test_a_seed_is_a_whole_number_below_two_to_the_32(seed, capsys):
    with pytest.raises(SystemExit):
        main(["race", "--seed", seed])
    assert "below 2**32" in capsys.readouterr().err


def test_small_state_that_trains_worse_fails_the_race(tmp_path, capsys, monkeypatch, extra):
    from fastadapt.commands import race as module

    def wrong(name, params, **hyper):
        return Reference(name, params, **hyper | {"lr": 2e-3})

    monkeypatch.setattr(module, "Reference", wrong)
    assert race(tmp_path, "--optimizers", "Adam", "--state-bits", "8", "--hidden", "128") == 1
    assert "NOT train as float32 does: Adam" in capsys.readouterr().out.replace("\n", " ")


def test_the_gradients_of_the_network_are_those_of_its_loss(extra):
    from fastadapt.commands import digits

    rng = np.random.default_rng(0)
    X, y = rng.random((5, 64)), np.arange(5)
    params = [p.astype(np.float64) for p in digits.initial([64, 7, 6, 10], rng)]
    directions = [rng.standard_normal(p.shape) for p in params]
    slope = sum((g * d).sum() for g, d in zip(digits.gradients(params, X, y), directions, strict=True))
    step = 1e-5
    up, down = ([p + s * d for p, d in zip(params, directions, strict=True)] for s in (step, -step))
    # A central difference is wrong by step² and by the rounding 1e-16 / step: about 1e-10.
    difference = (digits.loss(up, X, y) - digits.loss(down, X, y)) / (2 * step)
    assert slope == pytest.approx(difference, rel=1e-7)


@pytest.mark.maintainer
def test_the_bench_times_every_optimizer_beside_numpy_and_the_ceiling(tmp_path, capsys, extra):
    code, written = bench(tmp_path)
    assert code == 0
    assert {row["optimizer"] for row in written["results"]} == {*commands.optimizers(), *commands.VARIANTS}
    assert {row["size"] for row in written["results"]} == {1000, 4096}
    assert {row["contender"] for row in written["results"]} == {"fastadapt", "ceiling", "NumPy", "NumPy out="}
    assert {"python", "numpy", "numba"} <= written["machine"]["versions"].keys()
    for row in written["results"]:
        assert len(row["rounds"]) == 2
        assert row["gb_per_s"] == pytest.approx(row["bytes_per_weight"] * row["size"] / row["seconds"] / 1e9)
    assert (tmp_path / "bench.png").read_bytes().startswith(PNG)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.maintainer
def test_the_bytes_of_a_step_follow_from_the_state(tmp_path, extra):
    names = ["SGD", "AdaGrad", "Adam", "AMSGrad"]
    rows = bench(tmp_path, "--optimizers", *names)[1]["results"]
    assert {row["optimizer"]: row["bytes_per_weight"] for row in rows} == dict(
        zip(names, [12, 20, 28, 36], strict=True)
    )


@pytest.mark.maintainer
def test_the_bench_of_small_state_times_32_bits_as_well(tmp_path, capsys, extra):
    names = ["SGD", "AdaGrad", "Adam", "AMSGrad"]
    code, written = bench(tmp_path, "--optimizers", *names, "--state-bits", "8")
    assert code == 0
    assert {row["contender"] for row in written["results"]} == {
        "fastadapt", "ceiling", "32 bits", "NumPy", "NumPy out=",
    }  # fmt: skip
    assert {row["optimizer"]: row["bytes_per_weight"] for row in written["results"]} == {
        name: 12 + k * 2 * (1 + 4 / 256) for k, name in enumerate(names)
    }
    assert "state in 8 bits" in capsys.readouterr().out


@pytest.fixture
def peers(monkeypatch, extra):
    """The script that times other libraries, as a module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    yield import_module("peers")
    del sys.modules["peers"]


def test_a_peer_is_timed_in_the_same_rounds(tmp_path, peers):
    pytest.importorskip("torch")
    code, written = bench(tmp_path, "--optimizers", "Adam", "Lion", "--peers", "torch", run=peers.main)
    timed = {row["contender"] for row in written["results"] if row["optimizer"] == "Adam"}
    assert code == 0
    assert {"torch fused", "torch foreach", "torch loop"} <= timed
    assert not any("torch" in row["contender"] for row in written["results"] if row["optimizer"] == "Lion")


def test_peers_that_are_not_installed_are_one_line_that_says_what_to_install(monkeypatch, capsys, peers):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.main(["--peers", "torch", "optax"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'pip install "fastadapt[peers]"' in line


def test_who_asks_the_bench_for_peers_is_told_in_one_line_where_they_are(capsys):
    for asked in ([], ["torch", "optax"]):
        with pytest.raises(SystemExit) as exit:
            main(["bench", "--peers", *asked])
        assert exit.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "python bench/peers.py --peers" in line


@pytest.mark.skipif(has_gpu(), reason="there is a GPU")
def test_a_bench_on_a_gpu_that_is_not_there_says_so(capsys, extra):
    assert main(["bench", "--device", "cuda"]) == 2
    assert "--device cuda needs a GPU" in capsys.readouterr().err


GPU_BENCH = """
from fastadapt.commands.contenders import Rivals, contenders
steps, states = contenders("Adam", 1000, "cuda", Rivals())
for step in steps.values():
    step()
print(*steps, states)
steps, states = contenders("Adam", 1000, "cuda", Rivals(), 8)
for step in steps.values():
    step()
print(*(name.replace(" ", "_") for name in steps))
"""


@needs_numba_cuda
def test_the_steps_of_a_gpu_bench_run_in_the_simulator(extra):
    simulated = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    ran = subprocess.run([sys.executable, "-c", GPU_BENCH], env=simulated, capture_output=True, text=True)
    assert ran.stdout.split() == ["fastadapt", "ceiling", "2", "fastadapt", "ceiling", "32_bits"], ran.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--sizes", "0"],
        ["--sizes", "2**x"],
        ["--sizes", "2**-1"],
        ["--plot", "no/such/folder.png"],
        ["--optimizers", "X"],
    ],
)
def test_a_wrong_option_is_refused_before_the_work(wrong, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["bench", *wrong])
    assert exit.value.code == 2
    assert "usage:" in capsys.readouterr().err
