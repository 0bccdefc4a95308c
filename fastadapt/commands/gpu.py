"""The GPU: what it is, its clock and its ceiling. Only what is asked to look at the GPU imports this."""

from collections.abc import Callable

import numpy as np
from numba import config, cuda

from .ceiling import ITEMS


def facts() -> dict[str, str | float]:
    """The GPU's name, memory and compute capability, or under "missing" why there is none."""
    if config.ENABLE_CUDASIM:
        return {"missing": "a simulator in its place (NUMBA_ENABLE_CUDASIM)"}
    if not cuda.is_available():
        return {"missing": "none with a CUDA driver that works"}
    device = cuda.get_current_device()
    name = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
    memory = cuda.current_context().get_memory_info()[1]
    return {"name": name, "memory_gb": memory / 1e9, "capability": ".".join(map(str, device.compute_capability))}


def array(values: np.ndarray):
    """A copy of an array on the GPU."""
    return cuda.to_device(values)


def seconds(step: Callable[[], None], times: int) -> float:
    """Seconds that a step takes between two events on the default stream: a launch returns before its work is done."""
    start, end = cuda.event(), cuda.event()
    start.record()
    for _ in range(times):
        step()
    end.record()
    end.synchronize()
    return cuda.event_elapsed_time(start, end) / 1000 / times


@cuda.jit
def add(g, targets):
    i = cuda.grid(1)
    if i < g.size:
        x = g[i]
        for a in targets:
            a[i] += x


@cuda.jit
def touch(g, p, states):
    i = cuda.grid(1)
    if i < g.size:
        p[i] += g[i]
        for a in states:
            a[i] = ~a[i]


def ceiling_step(states: int, g, bits: int = 32) -> Callable[[], None]:
    """A step of the trivial kernel, a thread a weight: `g` is added to the weights, and each state is changed."""
    p, changed = array(np.ones(g.size, np.float32)), [array(np.ones(g.size, ITEMS[bits])) for _ in range(states)]
    blocks = (g.size + 255) // 256
    if bits == 32 or not states:
        return lambda: add[blocks, 256](g, (p, *changed))
    return lambda: touch[blocks, 256](g, p, tuple(changed))


def copy_step(g) -> Callable[[], None]:
    """A copy from the GPU's memory to the GPU's memory: 8 bytes a weight."""
    target = cuda.device_array_like(g)
    return lambda: target.copy_to_device(g)
