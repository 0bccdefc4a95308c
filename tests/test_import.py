"""Importing the library costs and starts nothing, and what it shows of itself helps."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from catalogue import OFF_DEFAULT, OPTIMIZERS

import fastadapt as fa

ROOT = Path(__file__).parent.parent


def python(code, *options):
    """What `code` prints as JSON in a process of its own, where a warning is an error."""
    command = [sys.executable, "-W", "error", *options, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def imported():
    """What `import fastadapt` does beside importing Numba and NumPy."""
    return python(
        """
import gc, json, sys, threading
import numba, numpy
from numba.core import event
from numba.core.dispatcher import Dispatcher

def dispatchers():
    return sum(isinstance(thing, Dispatcher) for thing in gc.get_objects())

compiled = event.RecordingListener()
event.register("numba:compile", compiled)
modules, made, threads = set(sys.modules), dispatchers(), threading.active_count()
import fastadapt
print(json.dumps({
    "modules": sorted(set(sys.modules) - modules),
    "compiled": len(compiled.buffer),
    "dispatchers": dispatchers() - made,
    "threads": threading.active_count() - threads,
    "pool": "numba.np.ufunc.parallel" in sys.modules and bool(sys.modules["numba.np.ufunc.parallel"]._is_initialized),
}))
"""
    )


def test_importing_compiles_nothing_and_makes_no_kernel(imported):
    assert imported["compiled"] == 0
    assert imported["dispatchers"] == 0


def test_importing_brings_nothing_of_the_pages(imported):
    assert {"plotly", "matplotlib", "PIL", "http.server"}.isdisjoint(imported["modules"])


def test_importing_starts_no_thread(imported):
    assert imported["threads"] == 0
    assert not imported["pool"]


def test_importing_loads_no_other_package_and_no_cuda(imported):
    ours = {name.split(".")[0] for name in imported["modules"]} - set(sys.stdlib_module_names)
    assert ours <= {"fastadapt", "numba", "numpy", "llvmlite"}
    inner = "numba.cuda", "fastadapt.kernels.", "fastadapt.devices."
    assert not [name for name in imported["modules"] if name.startswith(inner)]
    assert not [name for name in imported["modules"] if name.startswith(("fastadapt.commands", "fastadapt.__main__"))]


def test_importing_needs_numba_and_numpy_and_nothing_else():
    blocked = ["torch", "jax", "cupy", "rich", "matplotlib", "sklearn", "scipy", "pandas", "numba_cuda", "hypothesis"]
    assert python(
        f"""
import json, sys
for name in {blocked!r}:
    sys.modules[name] = None
import numpy as np
import fastadapt as fa
p = np.ones(3)
fa.Adam(p).step(p)
print(json.dumps(True))
"""
    )


def test_the_kernels_that_a_rule_does_not_use_are_not_made():
    found = python(
        """
import gc, json
import numpy as np
import fastadapt as fa
from fastadapt.devices import cpu
fa.Adam(np.ones(3))
before = cpu.build.cache_info().currsize
fa.Adam(np.ones(3)).step(np.ones(3))
fa.Adam(np.ones((2, 2))).step(np.ones((2, 2)))
print(json.dumps([before, cpu.build.cache_info().currsize]))
"""
    )
    assert found == [0, 1]


@pytest.mark.maintainer
def test_small_state_makes_the_kernels_that_it_uses_and_no_others():
    found = python(
        """
import json
import numpy as np
import fastadapt as fa
from fastadapt.devices import cpu

made = []
def count(): made.append(cpu.build.cache_info().currsize)

def step(**hyper):
    p = {"a": np.ones(300), "b": np.ones((2, 300)), "c": np.ones(3)}
    opt = fa.Adam(p, state_bits=8, **hyper)
    count()
    for _ in range(2):
        opt.step(p)
    count()
    return opt

step(min_quantized_size=601)  # no array has so many weights
opt = step(min_quantized_size=300)
opt.nbytes, opt.counts, repr(opt)
opt.zero_state()
count()
for name in ("v", "v", "m"):
    opt.state[name]
    count()
step(min_quantized_size=600, seed=1)
print(json.dumps(made))
"""
    )
    # The last of 32 bits, one of 8; none to begin anew; and one for each code of a state that is read.
    assert found == [0, 1, 1, 2, 2, 3, 3, 4, 4, 4]


def test_all_names_what_is_there_and_nothing_else():
    assert len(set(fa.__all__)) == len(fa.__all__)
    assert all(hasattr(fa, name) for name in fa.__all__)
    public = {name for name, thing in vars(fa).items() if not name.startswith("_") and not inspect.ismodule(thing)}
    assert public | {"pages"} == set(fa.__all__)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", fa.__version__)


TREES = "params", "groups", "per_weight"
"""What is no hyperparameter, and no number."""


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_signature_shows_every_hyperparameter_with_its_default_and_type(cls):
    parameters = inspect.signature(cls).parameters
    assert next(iter(parameters)) == "params"
    shown = {name: one for name, one in parameters.items() if name not in TREES}
    expected = {name for hyper in OFF_DEFAULT[cls.__name__] for name in hyper}
    expected |= {"weight_decay", "decoupled", "maximize", "state_bits", "rounding", "min_quantized_size", "seed"}
    assert expected <= set(shown) | ({"decoupled"} if cls.declaration.decays_itself else set())
    for name, one in shown.items():
        assert one.kind is one.KEYWORD_ONLY, name
        assert one.annotation in (float, bool, int, str, str | None), name
        assert isinstance(one.default, one.annotation), name
        assert type(one.default) is one.annotation or one.annotation == str | None, name


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_defaults_that_are_shown_are_those_that_are_used(cls):
    import numpy as np

    opt = cls(np.ones(3))
    shown = inspect.signature(cls).parameters
    assert {name: getattr(opt, name) for name in shown if name not in TREES} == {
        name: one.default for name, one in shown.items() if name not in TREES
    }


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_docstring_has_the_formula_the_state_and_the_paper(cls):
    text = cls.__dict__["__doc__"]
    lines = [line.strip() for line in text.splitlines()]
    assert re.match(r"\S.*\.$", text.splitlines()[0]), "a first line that is a sentence"
    formula = [line for line in text.splitlines() if re.match(r" {8,}p = ", line)]
    assert formula, "the formula of p"
    states = {name for rule in cls.rules.values() for name in rule.states}
    said = next(line for line in lines if line.startswith("State"))
    assert all(re.search(rf"\b{name}\b", said) for name in states), said
    assert "References" in lines
    assert re.search(r"\(\d{4}\)", text[text.index("References") :])


def test_everything_public_has_a_docstring():
    for name in fa.__all__:
        thing = getattr(fa, name)
        assert inspect.getdoc(thing), name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if inspect.isfunction(value) and not member.startswith(("_", "update", "coefficients", "start")):
                assert inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_every_kernel_says_what_it_takes(cls):
    for rule in cls.rules.values():
        kernel = getattr(cls, rule.name.replace("update", "kernel"))
        assert kernel.__qualname__ == f"{cls.__name__}.{rule.name.replace('update', 'kernel')}"
        assert all(name in kernel.__doc__ for name in ("p, g", "state", "coef", "scale", "decay", "keep", *rule.states))


def test_without_pytorch_the_adapter_is_no_attribute_and_says_what_to_install():
    found = python(
        """
import json, sys
sys.modules["torch"] = None
import fastadapt as fa
message = ""
try:
    fa.torch
except AttributeError as error:
    message = str(error)
print(json.dumps([hasattr(fa, "torch"), message, hasattr(fa, "nothing")]))
"""
    )
    assert found == [False, "fastadapt.torch: it needs PyTorch: `pip install torch`", False]
