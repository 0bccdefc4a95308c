"""What `bench/gpu.py` measures: each function takes the large size, and gives lines of the table."""

from statistics import median
from time import perf_counter

import numpy as np
from peers import torch_steps

import fastadapt as fa
from fastadapt.commands import gpu, timing
from fastadapt.commands.contenders import arrays

ROUNDS = 11
CALLS = 300
"""Steps of which the host's time is the mean; a GPU keeps up with small ones, so no launch waits for another."""


def row(what, ours, other, rival, aim, rounds=None, **more):
    """A line of the table: `aim` is what rival's time over ours should be at least, or None."""
    found = {"what": what, "seconds": ours, "rival": other, "rival_seconds": rival, "aim": aim, "rounds": rounds or {}}
    return found | {"ratio": rival / ours} | more


def turns(steps):
    """The median seconds of each step by the device's clock, and all rounds."""
    rounds = timing.take_turns(steps, ROUNDS, gpu.seconds)
    return {name: median(every) for name, every in rounds.items()}, rounds


def torch_on_gpu():
    """PyTorch, or None where it has no CUDA."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def rivals(p, g):
    """PyTorch's steps of Adam on the device."""
    return torch_steps("Adam", {}, p, g, "cuda") if torch_on_gpu() else {}


def large(n):
    """Adam on one large array: 28 bytes a weight."""
    p, g = arrays(n)
    given = gpu.array(g)
    opt = fa.Adam(gpu.array(p))
    steps = {"copy": gpu.copy_step(given), "ours": lambda: opt.step(given)} | rivals(p, g)
    seconds, rounds = turns(steps)
    speeds = {"gb_per_s": 28 * n / seconds["ours"] / 1e9, "copy_gb_per_s": 8 * n / seconds["copy"] / 1e9}
    name = f"Adam, {n:,} weights"
    # A copy moves 8 bytes a number: as many bytes as the step's take it 28/8 of its time.
    found = [row(name, seconds["ours"], "copy of as many bytes", 3.5 * seconds["copy"], 0.92, rounds, **speeds)]
    aims = {"torch fused": 1.0}
    names = [rival for rival in seconds if rival not in ("copy", "ours")]
    return found + [row(name, seconds["ours"], rival, seconds[rival], aims.get(rival)) for rival in names]


def grids(n):
    """Adam on one large array by how many blocks there are for each multiprocessor."""
    from fastadapt.devices import cuda_launch

    p, g = arrays(n)
    given, kept, steps = gpu.array(g), cuda_launch.BLOCKS, {}
    try:
        for blocks in (4, 8, 16, 32, 64):
            cuda_launch.BLOCKS, opt = blocks, fa.Adam(gpu.array(p))
            opt.step(given)  # which chooses the grid
            steps[blocks] = lambda opt=opt: opt.step(given)
    finally:
        cuda_launch.BLOCKS = kept
    seconds, rounds = turns(steps)
    return [row(f"Adam, {b} blocks a processor", seconds[b], f"{kept}", seconds[kept], None, rounds) for b in steps]


def small_state(n):
    """Adam with small state beside Adam with state of 32 bits."""
    p, g = arrays(n)
    given, steps = gpu.array(g), {}
    for bits in (32, 16, 8):
        opt = fa.Adam(gpu.array(p), state_bits=bits)
        steps[bits] = lambda opt=opt: opt.step(given)
    seconds, rounds = turns(steps)
    aims = {16: 28 / 20 * 0.92, 8: 1 / 0.7}
    name = "Adam, state of {} bits"
    return [row(name.format(b), seconds[b], "of 32 bits", seconds[32], aims[b], rounds) for b in (16, 8)]


def clipping(n):
    """Adam that clips by the norm beside Adam that does not: 32 bytes a weight to 28."""
    p, g = arrays(n)
    given = gpu.array(g)
    plain, clipped = fa.Adam(gpu.array(p)), fa.Adam(gpu.array(p), max_norm=1.0)
    steps = {"plain": lambda: plain.step(given), "clipped": lambda: clipped.step(given)}
    torch = torch_on_gpu()
    if torch:
        w = torch.tensor(p, device="cuda", requires_grad=True)
        w.grad = torch.tensor(g, device="cuda")
        adam = torch.optim.Adam([w], fused=True)
        steps["torch"] = lambda: (torch.nn.utils.clip_grad_norm_([w], 1.0), adam.step())
    seconds, rounds = turns(steps)
    found = [row("Adam with max_norm", seconds["clipped"], "without", seconds["plain"], 28 / 32 / 1.1, rounds)]
    if torch:
        found.append(row("Adam with max_norm", seconds["clipped"], "torch clip + fused", seconds["torch"], 1.0))
    return found


def many(_, count=1000, size=1000):
    """A thousand arrays of a thousand weights, by the device's clock, which waits for the host where that is slower.

    Where the gradients are others in each step, the table of their addresses is sent each time.
    """
    values = [arrays(size) for _ in range(count)]
    given, others = ([gpu.array(g) for _, g in values] for _ in range(2))
    plain, turning, clipped, grouped = (
        fa.Adam([gpu.array(p) for p, _ in values], max_norm=most, groups=groups)
        for most, groups in ((np.inf, {}), (np.inf, {}), (1.0, {}), (1.0, group_by(50, count)))
    )
    pairs = [given, others]
    steps, torch = {"ours": lambda: plain.step(given)}, torch_on_gpu()
    for mode in ("fused", "foreach") if torch else ():
        tensors = [torch.tensor(p, device="cuda", requires_grad=True) for p, _ in values]
        for w, (_, g) in zip(tensors, values, strict=True):
            w.grad = torch.tensor(g, device="cuda")
        steps[f"torch {mode}"] = torch.optim.Adam(tensors, **{mode: True}).step
    more = {
        "new gradients each step": lambda: (pairs.reverse(), turning.step(pairs[0])),
        "max_norm": lambda: clipped.step(given),
        "max_norm in 50 groups": lambda: grouped.step(given),
    }
    seconds, rounds = turns(steps | more)
    name = f"Adam, {count:,} arrays of {size:,}"
    found = [row(name, seconds["ours"], other, seconds[other], 1.0, rounds) for other in steps if other != "ours"]
    found = found or [row(name, seconds["ours"], "itself", seconds["ours"], None, rounds)]
    return found + [row(f"... {other}", seconds[other], "without", seconds["ours"], None, rounds) for other in more]


def group_by(groups, count):
    """So many groups of neighbours among so many arrays, each with a norm of its own."""
    size = count // groups
    selectors = [lambda name, _, k=k: int(name) // size == k for k in range(groups)]
    return {selector: {"max_norm": 1.0} for selector in selectors}


def host_seconds(step):
    """The median over rounds of the host's mean time for a step, of which it waits for none."""
    from numba import cuda

    found = []
    for _ in range(ROUNDS):
        cuda.synchronize()
        start = perf_counter()
        for _ in range(CALLS):
            step()
        found.append((perf_counter() - start) / CALLS)
    cuda.synchronize()
    return median(found)


def one_small(_, n=1000):
    """The host's time for a step on one small array, and for the replay of one that PyTorch captured."""
    p, g = arrays(n)
    given = gpu.array(g)
    name = f"Adam, {n:,} weights, host"
    opt, captured = fa.Adam(gpu.array(p)), fa.Adam(gpu.array(p), capturable=True)
    ours = host_seconds(lambda: opt.step(given))
    found = [row(f"{name}, capturable", host_seconds(lambda: captured.step(given)), "not capturable", ours, None)]
    found += [row(name, ours, other, host_seconds(step), 1.0) for other, step in rivals(p, g).items()]
    torch = torch_on_gpu()
    if torch:
        w, grad = (torch.tensor(a, device="cuda") for a in (p, g))
        opt, graph = fa.Adam(w, capturable=True), torch.cuda.CUDAGraph()
        opt.step(grad)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            opt.step(grad)
        found.append(row(f"{name}, replay of a graph", host_seconds(graph.replay), "a step", ours, None))
    return found


MEASURES = (large, grids, small_state, clipping, many, one_small)
