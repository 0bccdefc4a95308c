"""The examples of the README run, in order and in one namespace, as a reader would type them."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import SIMULATED, for_maintainers, has_gpu

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def _torch_on_gpu():
    return not SIMULATED and find_spec("torch") and __import__("torch").cuda.is_available()


@pytest.mark.parametrize("pages", [False, *for_maintainers(True)])
def test_the_examples_run(tmp_path, monkeypatch, pages):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        if block.startswith("# with PyTorch") and find_spec("torch") is None:
            continue
        if block.startswith("# with SciPy") and find_spec("scipy") is None:
            continue
        drawn = pages and all(map(find_spec, ("plotly", "matplotlib", "sklearn")))
        if block.startswith("# with the extra pages") and not drawn:
            continue
        if not block.startswith("# on a GPU"):
            exec(compile(block, "README.md", "exec"), names)


def test_the_gpu_example_runs():
    if not has_gpu():
        pytest.skip("no CUDA device, and not in the simulator")
    names = {}
    exec(compile(BLOCKS[0], "README.md", "exec"), names)
    for block in BLOCKS:
        if block.startswith("# on a GPU") and (_torch_on_gpu() or "with PyTorch" not in block.splitlines()[0]):
            exec(compile(block, "README.md", "exec"), names)


def test_every_rule_is_in_the_readme():
    import fastadapt as fa

    table = README.read_text().split("## The rules")[1].split("## ")[0]
    for name in fa.__all__:
        if isinstance(getattr(fa, name), type) and name != "Optimizer":
            assert f"`{name}`" in table
