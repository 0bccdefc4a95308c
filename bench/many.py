"""Adam from 512 × 512 starts, 300 steps on Himmelblau's function: one fused loop, beside NumPy and JAX.

    python bench/many.py [--side 512] [--steps 300] [--rounds 7] [--contender NAME]

Each contender runs in a process of its own, for some bring threads that go on spinning; the rounds go in turn. NumPy
does a step of all starts at once, with `out=` and its arrays made before; JAX jits `vmap` of a `fori_loop` of optax's
Adam. All are float32, and all have to end at the same minima. The median and the spread of the rounds after the first,
which compiles.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import perf_counter

import numpy as np

from fastadapt.commands.machine import processor, threads, versions

LR, BETA1, BETA2, EPS = 0.05, 0.9, 0.999, 1e-8
MINIMA = np.array([[3.0, 2.0], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848126]])


def fastadapt(starts: np.ndarray, steps: int) -> Callable:
    """The library's fused loop."""
    import fastadapt as fa

    def himmelblau(x, g):
        a, b = x[0] * x[0] + x[1] - 11, x[0] + x[1] * x[1] - 7
        g[0], g[1] = 4 * x[0] * a + 2 * b, 2 * a + 4 * x[1] * b
        return a * a + b * b

    return lambda: fa.minimize_many(himmelblau, starts, fa.Adam, steps=steps, lr=LR).x


def numpy(starts: np.ndarray, steps: int) -> Callable:
    """All starts at once, with `out=` everywhere."""
    shape = starts[:, 0].shape

    def run():
        x, y = starts[:, 0].copy(), starts[:, 1].copy()
        a, b, t, g = (np.empty(shape, np.float32) for _ in range(4))
        state = [np.zeros(shape, np.float32) for _ in range(4)]
        for k in range(1, steps + 1):
            np.multiply(x, x, out=a), np.add(a, y, out=a), np.subtract(a, 11, out=a)
            np.multiply(y, y, out=b), np.add(b, x, out=b), np.subtract(b, 7, out=b)
            step, rescale = np.float32(LR / (1 - BETA1**k)), np.float32(1 / np.sqrt(1 - BETA2**k))
            grads = [(a, x, b), (b, y, a)]
            moved = []
            for one, z, other in grads:
                gradient = g if z is x else t
                np.multiply(one, z, out=gradient), np.multiply(gradient, 2, out=gradient)
                np.add(gradient, other, out=gradient), np.multiply(gradient, 2, out=gradient)
                moved.append(gradient)
            for z, gradient, m, v in zip((x, y), moved, state[:2], state[2:], strict=True):
                room = a if z is x else b
                np.multiply(m, np.float32(BETA1), out=m), np.multiply(gradient, np.float32(1 - BETA1), out=room)
                np.add(m, room, out=m), np.multiply(v, np.float32(BETA2), out=v)
                np.multiply(gradient, gradient, out=room), np.multiply(room, np.float32(1 - BETA2), out=room)
                np.add(v, room, out=v), np.sqrt(v, out=room), np.multiply(room, rescale, out=room)
                np.add(room, np.float32(EPS), out=room), np.divide(m, room, out=room)
                np.multiply(room, step, out=room), np.subtract(z, room, out=z)
        return np.stack([x, y], axis=1)

    return run


def jax(starts: np.ndarray, steps: int) -> Callable:
    """`jax.vmap` over an optax loop, jitted."""
    import jax
    import optax

    adam = optax.adam(LR, BETA1, BETA2, EPS)

    def himmelblau(x):
        return (x[0] * x[0] + x[1] - 11) ** 2 + (x[0] + x[1] * x[1] - 7) ** 2

    def step(_, carry):
        x, state = carry
        updates, state = adam.update(jax.grad(himmelblau)(x), state)
        return optax.apply_updates(x, updates), state

    run = jax.jit(jax.vmap(lambda x: jax.lax.fori_loop(0, steps, step, (x, adam.init(x)))[0]))
    return lambda: np.asarray(run(starts).block_until_ready())


CONTENDERS = {"fastadapt": fastadapt, "NumPy": numpy, "JAX": jax}


def contend(name: str, side: int, steps: int) -> None:
    """Run a contender once for each line that comes in; print its seconds, and how many starts reached a minimum."""
    line = np.linspace(-5, 5, side, dtype=np.float32)
    starts = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    run = CONTENDERS[name](starts, steps)
    for _ in sys.stdin:
        began = perf_counter()
        found = run()
        seconds = perf_counter() - began
        near = np.linalg.norm(found[:, None] - MINIMA, axis=2).min(axis=1) < 0.05
        print(json.dumps([seconds, float(near.mean())]), flush=True)


def ask(process: subprocess.Popen) -> list[float]:
    """One round of a contender."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--contender", choices=CONTENDERS)
    args = parser.parse_args()
    if args.contender:
        contend(args.contender, args.side, args.steps)
        return
    names = [name for name in CONTENDERS if name != "JAX" or (find_spec("jax") and find_spec("optax"))]
    command = [sys.executable, __file__, "--side", str(args.side), "--steps", str(args.steps), "--contender"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = {name: subprocess.Popen([*command, name], **pipes) for name in names}
    first = {name: ask(process)[0] for name, process in processes.items()}
    rounds = [{name: ask(process) for name, process in processes.items()} for _ in range(args.rounds)]
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print(f"{processor()}, {threads()['threads']} threads; {args.side}² starts, {args.steps} steps of Adam, float32")
    print(", ".join(f"{name} {version}" for name, version in versions("numpy", "numba", "jax", "optax").items()))
    ours = [each["fastadapt"][0] for each in rounds]
    for name in names:
        seconds = [each[name][0] for each in rounds]
        ratio = median(theirs / own for theirs, own in zip(seconds, ours, strict=True))
        spread, arrived = f"{min(seconds):.3f} to {max(seconds):.3f}", rounds[-1][name][1]
        print(
            f"{name:>9} {median(seconds):7.3f} s ({spread}), {ratio:.2f} times ours; first {first[name]:.1f} s", end=""
        )
        print(f"; {arrived:.2%} arrived")


if __name__ == "__main__":
    main()
