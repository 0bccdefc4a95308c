"""Who takes part in a bench: one step of the same rule on the same arrays, by each implementation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np

import fastadapt as fa
from fastadapt.reference import Reference

from . import VARIANTS, ceiling, timing
from .inplace import Inplace

Steps = dict[str, Callable[[], None]]
"""Functions that take a step, by the names of who takes it."""


@dataclass(frozen=True)
class Rivals:
    """Other libraries that take part, none at first."""

    names: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    """Those whose versions are told."""
    missing: dict[str, str] = field(default_factory=dict)
    """Why others do not take part, by their names."""
    steps: Callable[..., Steps] = lambda *given: {}
    """The function `(rule, hyper, p, g, device)` that makes a step of each."""


def copy_speed(size, rounds):
    """GB/s of a copy within the GPU, which reads and writes 4 bytes for each number."""
    from . import gpu

    steps = {"copy": gpu.copy_step(gpu.array(arrays(size)[1]))}
    return 8 * size / median(timing.take_turns(steps, rounds, gpu.seconds)["copy"]) / 1e9


def place(device):
    """How an array gets there, a step of the ceiling there, and the clock there."""
    if device == "cuda":
        from . import gpu

        return gpu.array, gpu.ceiling_step, gpu.seconds
    return np.copy, ceiling.cpu_step, timing.cpu_seconds


STEADY = {"Prodigy": {"growth": 1.0}}
"""Hyperparameters of rules that else would go ever farther where every step has the same gradient."""


def arrays(size):
    """Weights and a gradient, the same every time; no gradient is zero."""
    rng = np.random.default_rng(size)
    p = rng.standard_normal(size, np.float32)
    g = (rng.random(size, np.float32) + np.float32(0.5)) * np.float32(1e-2)
    g[::2] *= -1
    return p, g


def contenders(rule, size, device, rivals, bits=32):
    """A step of each by its name, fastadapt's first, and how many states the rule has."""
    (p, g), (put, ceiling_step, _) = arrays(size), place(device)
    gradient = put(g)
    name, hyper = VARIANTS.get(rule, (rule, STEADY.get(rule, {})))

    def ours(bits):
        optimizer = getattr(fa, name)(put(p), state_bits=bits, min_quantized_size=0, **hyper)
        return optimizer, lambda: optimizer.step(gradient)

    optimizer, step = ours(bits)
    states = len(optimizer.state)
    steps = {"fastadapt": step, "ceiling": ceiling_step(states, gradient, bits)}
    if bits != 32:
        steps["32 bits"] = ours(32)[1]
    if device == "cpu":
        inplace, written = Inplace(name, [p.copy()], **hyper), Reference(name, [p.copy()], **hyper)
        steps |= {"NumPy out=": lambda: inplace.step([g]), "NumPy": lambda: written.step([g])}
    return steps | rivals.steps(name, hyper, p, g, device), states
