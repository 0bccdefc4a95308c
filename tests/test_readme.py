"""The examples of the README, and of each page of the docs, run in order and in one namespace, as a reader would type
them."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import SIMULATED, for_maintainers, has_gpu

HOME = Path(__file__).parent.parent
README = HOME / "README.md"
DOCS = sorted((HOME / "docs").glob("*.md"))


def blocks_of(page):
    """The examples of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


BLOCKS = blocks_of(README)


def _torch_on_gpu():
    return not SIMULATED and find_spec("torch") and __import__("torch").cuda.is_available()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_the_examples_of_the_docs_run(tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    run(blocks_of(page), page.name)


@pytest.mark.parametrize("pages", [False, *for_maintainers(True)])
def test_the_examples_run(tmp_path, monkeypatch, pages):
    monkeypatch.chdir(tmp_path)
    run(BLOCKS, "README.md", pages)


def run(blocks, where, pages=False):
    """Run the examples for which there is what they need."""
    names = {}
    for block in blocks:
        if block.startswith("# with PyTorch") and find_spec("torch") is None:
            continue
        if block.startswith("# with SciPy") and find_spec("scipy") is None:
            continue
        drawn = pages and all(map(find_spec, ("plotly", "matplotlib", "sklearn")))
        if block.startswith("# with the extra pages") and not drawn:
            continue
        if not block.startswith("# on a GPU"):
            exec(compile(block, where, "exec"), names)


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
