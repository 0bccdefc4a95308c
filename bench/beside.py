"""Steps beside the happy path, as ratios to a plain step of the same arrays: `python bench/beside.py`.

One gradient that is unlike the others, clipping, assignments, averages, arrays by weight, and rules with sums. All
steps of a block take their turns in the same rounds; of each the median counts.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

import fastadapt as fa

SINGLE = np.float32


def arrays(count: int, shape: tuple[int, ...], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, SINGLE) for _ in range(count)]


def step_of(cls: type, count: int, shape: tuple[int, ...], first=None, each: Callable | None = None, **hyper):
    """A step of an optimizer of its own, whose first gradient may be another, with what is called before it."""
    opt, grads = cls(arrays(count, shape, 0), **hyper), arrays(count, shape, 1)
    if first is not None:
        grads[0] = first(grads[0])

    def step():
        if each is not None:
            each(opt)
        opt.step(grads)

    return step


def unlike(count, shape):
    """Steps with one gradient unlike the others, and with what every step may do besides."""
    lr = iter(float, 1.0)

    def assign(opt):
        opt.lr = 1e-3 + next(lr)

    ones = {"lr": [np.ones(shape, SINGLE) for _ in range(count)]}
    return {
        "plain": step_of(fa.Adam, count, shape),
        "one None": step_of(fa.Adam, count, shape, lambda g: None),
        "one of another order": step_of(fa.Adam, count, shape, np.asfortranarray),
        "one of float64": step_of(fa.Adam, count, shape, lambda g: g.astype(np.float64)),
        "max_norm": step_of(fa.Adam, count, shape, max_norm=1.0),
        "opt.lr = x": step_of(fa.Adam, count, shape, each=assign),
        "average": step_of(fa.Adam, count, shape, average="ema"),
        "rates by weight": step_of(fa.Adam, count, shape, per_weight=ones),
        "LAMB": step_of(fa.LAMB, count, shape),
        "Prodigy": step_of(fa.Prodigy, count, shape),
    }


def measured(steps: dict[str, Callable], seconds: float) -> dict[str, float]:
    """The median seconds of each, in rounds in which each has its turn."""
    for step in steps.values():
        step(), step()  # the first compiles
    found: dict[str, list[float]] = {name: [] for name in steps}
    end = perf_counter() + seconds
    while perf_counter() < end or len(found["plain"]) < 11:
        for name, step in steps.items():
            begin = perf_counter()
            for _ in range(5):
                step()
            found[name].append((perf_counter() - begin) / 5)
    return {name: median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each block is measured")
    seconds = parser.parse_args().seconds
    for count, shape in ((1, (1000, 1)), (6, (400, 10)), (1000, (2, 5)), (1, (1024, 1024))):
        found = measured(unlike(count, shape), seconds)
        print(f"{count} of {shape[0]} x {shape[1]}: a plain step of Adam {found['plain'] * 1e6:.1f} us")
        for name, taken in list(found.items())[1:]:
            print(f"    {name:<22}{taken / found['plain']:6.2f}x")


if __name__ == "__main__":
    main()
