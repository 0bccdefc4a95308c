"""How far small state takes Adam from a float64 run on the same gradients, beside bitsandbytes.

`python bench/accuracy.py` prints, for several kinds of gradients, the root of the mean squared distance of the weights
after 300 steps, in percent of the way that they went.
"""

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import fastadapt as fa
from fastadapt.reference import Reference


def kinds(n: int) -> dict[str, Callable]:
    """The gradient of step t by the kind of gradients, from random numbers of that step."""
    size = np.exp(np.random.default_rng(1).standard_normal(n))
    return {
        "random": lambda t, rng: rng.standard_normal(n),
        "random, with a mean": lambda t, rng: rng.standard_normal(n) + 0.3 * np.sign(size - 1),
        "of sizes over 8 decades": lambda t, rng: (rng.standard_normal(n) + 0.1) * size**2,
        "heavy-tailed, t of 2": lambda t, rng: rng.standard_t(2, n),
        "heavy-tailed, t of 1.2": lambda t, rng: rng.standard_t(1.2, n),
        "sparse (5%)": lambda t, rng: rng.standard_normal(n) * (rng.random(n) < 0.05),
        "sparse, in rows of 64": lambda t, rng: rng.standard_normal(n) * np.repeat(rng.random(n // 64) < 0.05, 64),
        "decaying, 0.97**t": lambda t, rng: rng.standard_normal(n) * 0.97**t,
        "0.98**t, with a mean": lambda t, rng: (0.1 * rng.standard_normal(n) + size) * 0.98**t,
        "0.9**t, constant": lambda t, rng: size * 0.9**t,
    }


def gradients(kind: str, n: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    return (kinds(n)[kind](t, rng).astype(np.float32) for t in range(1, 1 + steps))


def start(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(n, np.float32)


def exact(grads, n):
    """The weights of the float64 reference."""
    p = start(n).astype(np.float64)
    reference = Reference("Adam", p)
    for g in grads:
        reference.step(g.astype(np.float64))
    return p


def ours(**held):
    def run(grads, n):
        p = start(n)
        optimizer = fa.Adam(p, **held)
        for g in grads:
            optimizer.step(g)
        return p

    return run


def bitsandbytes(grads, n):
    import torch
    from bitsandbytes import optim

    p = torch.nn.Parameter(torch.tensor(start(n)))
    optimizer = optim.Adam8bit([p])
    for g in grads:
        p.grad = torch.tensor(g)
        optimizer.step()
    return p.detach().numpy()


RUNS = {
    "32 bits": ours(),
    "16": ours(state_bits=16),
    "16\nnearest": ours(state_bits=16, rounding="nearest"),
    "8": ours(state_bits=8),
    "8\nnearest": ours(state_bits=8, rounding="nearest"),
}
if find_spec("bitsandbytes"):
    RUNS["bnb\nAdam8bit"] = bitsandbytes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=int, default=2**16)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7, help="of the gradients")
    args = parser.parse_args()
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("gradients")
    for name in RUNS:
        table.add_column(name, justify="right")
    for kind in kinds(args.weights):
        case = kind, args.weights, args.steps, args.seed
        expected = exact(gradients(*case), args.weights)
        way = root_mean_square(expected - start(args.weights))
        apart = [root_mean_square(run(gradients(*case), args.weights) - expected) / way for run in RUNS.values()]
        table.add_row(kind, *(f"{share:.2g}%" for share in 100 * np.array(apart)))
    Console().print(table)


def root_mean_square(x):
    return np.sqrt(np.mean(np.square(x, dtype=np.float64)))


if __name__ == "__main__":
    main()
