"""What a step costs the loop that it is in: a perceptron is trained in NumPy, under several settings of threads.

`python bench/loop.py` runs each setting in a process of its own, because threads that spin or sleep are a property of
the process, and each also beside another process that keeps a core busy. The settings take turns in rounds.
"""

import argparse
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise, product
from operator import truediv
from statistics import mean, median, quantiles
from time import perf_counter

import numba
import numpy as np

import fastadapt as fa
from fastadapt.commands import machine
from fastadapt.commands.inplace import Inplace

SETTINGS = {
    "default": {},
    "one thread": {"NUMBA_NUM_THREADS": "1"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "active": {"OMP_WAIT_POLICY": "active"},
    "NumPy out=": {},
}
"""The environment of each contender. `active` is how GNU OpenMP's threads would wait by themselves, or longer."""

OURS = [name for name in SETTINGS if name != "NumPy out="]

BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"

BATCH = 128

WARM = 20
"""Steps that are not timed: the first compile, and try with threads and without."""


def initial(widths, rng):
    """Weights and biases `[W1, b1, W2, b2, ...]`."""
    params = []
    for rows, columns in pairwise(widths):
        params += [rng.standard_normal((rows, columns), np.float32) / np.float32(rows**0.5), np.zeros(columns, "f4")]
    return params


def gradients(params, X, y):
    """The gradients of the mean cross-entropy, by backpropagation through layers with ReLU."""
    layers = [X]
    for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ W + b, 0))
    scores = layers[-1] @ params[-2] + params[-1]
    delta = np.exp(scores - scores.max(axis=1, keepdims=True))
    delta /= delta.sum(axis=1, keepdims=True)
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    grads = []
    for W, h in zip(params[-2::-2], reversed(layers), strict=True):
        grads += [delta.sum(axis=0), h.T @ delta]
        if h is not X:
            delta = (delta @ W.T) * (h > 0)
    return grads[::-1]


def train(setting, widths, steps):
    """Print, as JSON, the seconds of the gradients and of the step in each turn of the loop."""
    rng = np.random.default_rng(0)
    params = initial(widths, rng)
    X, y = rng.random((64 * BATCH, widths[0]), np.float32), rng.integers(widths[-1], size=64 * BATCH)
    optimizer = (fa.Adam if setting in OURS else lambda params: Inplace("Adam", params))(params)
    times = []
    for k in range(WARM + steps):
        rows = slice(k % 64 * BATCH, (k % 64 + 1) * BATCH)
        start = perf_counter()
        grads = gradients(params, X[rows], y[rows])
        between = perf_counter()
        optimizer.step(grads)
        times.append((between - start, perf_counter() - between))
    print(json.dumps({"times": times[WARM:], "threads": threads() if setting in OURS else ""}))


def threads():
    """How many threads a step may use, and Numba's layer if they were started."""
    try:
        layer = numba.threading_layer()
    except ValueError:
        return "1"
    return f"{numba.get_num_threads()} {layer}"


@contextmanager
def busy_process(wanted):
    """Another process that keeps a core busy, if wanted."""
    process = subprocess.Popen([sys.executable, "-c", BUSY]) if wanted else None
    try:
        yield
    finally:
        if process:
            process.kill()
            process.wait()


def run(setting, widths, steps):
    """What `train` prints, in a process of its own."""
    command = [sys.executable, __file__, "--child", setting, "--steps", str(steps), "--layers", *map(str, widths)]
    env = os.environ | SETTINGS[setting]
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)


def measure(settings, widths, args):
    """For each setting, quiet and beside a busy process, what its rounds say."""
    found = {case: [] for case in product((False, True), settings)}
    for _ in range(args.rounds):
        for busy, setting in found:
            with busy_process(busy):
                found[busy, setting].append(run(setting, widths, args.steps))
    return found


def samples(runs):
    """Milliseconds of the gradients, of the step and of both, in all turns of these runs."""
    times = 1e3 * np.concatenate([run["times"] for run in runs])
    return {"gradients": times[:, 0], "step": times[:, 1], "whole loop": times.sum(axis=1)}


def report(found, widths, args):
    count = sum((rows + 1) * columns for rows, columns in pairwise(widths))
    print(f"\nperceptron {' - '.join(map(str, widths))}, {count:,} float32 weights, batch {BATCH}; ms")
    for busy in (False, True):
        title = "beside a busy process" if busy else "alone"
        print(f"\n{title:23}{'gradients':>18}{'step':>18}{'whole loop':>18}")
        print(f"{'setting':11}{'threads':12}" + "   med  mean   p90" * 3)
        for setting, runs in ((s, runs) for (b, s), runs in found.items() if b == busy):
            cells = ""
            for x in samples(runs).values():
                cells += "".join(f"{digits(v):>6}" for v in (median(x), mean(x), quantiles(x, n=10)[-1]))
            print(f"{setting:11}{runs[0]['threads']:12}{cells}")
    print("\ndefault over the best of the others, paired by rounds:")
    others = [name for name in OURS if name != "default"]
    ratios(found, False, "whole loop", others, 1.15)
    ratios(found, True, "whole loop", others, None)
    ratios(found, True, "step", ["one thread"], 1.5)


def ratios(found, busy, part, others, aim):
    """Print how much longer the default takes than the best of the others: paired, the median over the rounds."""
    others = [setting for setting in others if (busy, setting) in found]
    if (busy, "default") not in found or not others:
        return
    said = []
    for name, of in (("median", median), ("mean", mean)):
        taken = {s: [of(samples([run])[part]) for run in found[busy, s]] for s in ["default", *others]}
        over = {s: median(map(truediv, taken["default"], taken[s])) for s in others}
        best = max(over, key=over.get)
        said.append(f"{over[best]:.2f} by the {name} ({best})")
    print(f"{part}, {'beside a busy process' if busy else 'alone'}" + (f" (aim: at most {aim})" if aim else ""))
    print(f"    {', '.join(said)}", flush=True)


def digits(x):
    return f"{x:.1f}" if x >= 9.95 else f"{x:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="that are timed in each process")
    parser.add_argument(
        "--layers", type=int, nargs="+", action="append", help="widths; may be given again for another network"
    )
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--child", choices=SETTINGS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    networks = args.layers or [[784, 512, 512, 10]]
    if args.child:
        return train(args.child, networks[0], args.steps)
    print(f"{machine.processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(", ".join(f"{name} {number}" for name, number in machine.versions("numpy", "numba").items()), end="; ")
    print(f"{args.rounds} rounds of {args.steps} steps")
    for name in sorted(os.environ):
        if name.startswith(("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "NUMBA_", "MKL_")):
            print(f"{name}={os.environ[name]}")
    for widths in networks:
        report(measure(args.settings, widths, args), widths, args)


if __name__ == "__main__":
    main()
