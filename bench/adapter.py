"""Whole `optimizer.step()` calls through PyTorch: ours beside PyTorch's own, each in a process of its own.

`python bench/adapter.py` prints for every rule our median and that of the best of PyTorch's implementations, which is
named; `--train` times whole training steps of a network like ResNet-18 with fused Adam and with ours.
"""

import argparse
import platform
import subprocess
import sys
import time
from statistics import median, quantiles

CASES = {"1 x 4194304": (1, 2**22), "1000 x 1000": (1000, 1000)}
RULES = ["Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "Adadelta", "NAdam", "RAdam", "Adamax"]
MODES = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}
OPTIONS = {"SGD": {"momentum": 0.9}}


def resnet(torch):
    """A network like ResNet-18 for images of 32 by 32: 11 million weights in 62 tensors."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, inside, outside, stride):
            super().__init__()
            self.first = nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
                nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
            )  # fmt: skip
            same = stride == 1 and inside == outside
            self.second = (
                nn.Identity()
                if same
                else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
            )

        def forward(self, x):
            return torch.relu(self.first(x) + self.second(x))

    layers, inside = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for outside, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        layers.append(Block(inside, outside, stride))
        inside = outside
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def stepper(torch, fa, what, rule, mode):
    """The function that takes one step."""
    torch.manual_seed(0)
    if what == "train":
        model = resnet(torch)
        params = list(model.parameters())
    else:
        count, size = CASES[what]
        params = [torch.nn.Parameter(torch.randn(size)) for _ in range(count)]
        for p in params:
            p.grad = torch.randn(size) * 0.1
    made = getattr(fa.torch if mode == "ours" else torch.optim, rule)
    opt = made(params, lr=1e-4, **OPTIONS.get(rule, {}), **MODES.get(mode, {}))
    if what != "train":
        return opt.step
    images, labels = torch.randn(16, 3, 32, 32), torch.randint(10, (16,))

    def step():
        opt.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        opt.step()

    return step


def work(what, rule, mode, threads):
    """A contender: for each line that it reads, so many steps, of which it writes the seconds that one took."""
    import numba
    import torch

    import fastadapt as fa

    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        step = stepper(torch, fa, what, rule, mode)
        step()
    except Exception as error:  # PyTorch has no such implementation
        print(f"none: {error}".splitlines()[0], flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        times = int(line)
        start = time.perf_counter()
        for _ in range(times):
            step()
        print((time.perf_counter() - start) / times, flush=True)


def contend(what, rule, modes, rounds, threads):
    """Seconds of a step by mode, of rounds in turn."""
    made = {
        mode: subprocess.Popen(
            [sys.executable, __file__, "--work", what, rule, mode, "--threads", str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for mode in modes
    }  # fmt: skip
    running = {mode: one for mode, one in made.items() if one.stdout.readline().startswith("ready")}

    def ask(one, times):
        one.stdin.write(f"{times}\n")
        one.stdin.flush()
        return float(one.stdout.readline())

    counts = {}
    for mode, one in running.items():
        ask(one, 3)
        counts[mode] = max(1, int(0.15 / ask(one, 2)))
        ask(one, counts[mode])
    times = {mode: [] for mode in running}
    for _ in range(rounds):
        for mode, one in running.items():
            times[mode].append(ask(one, counts[mode]))
    for one in running.values():
        one.stdin.close()
        one.wait()
    return times


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rules", nargs="+", default=RULES)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--train", action="store_true", help="whole training steps of a network like ResNet-18")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(*args.work, args.threads)
        return
    from importlib.metadata import version

    print(f"{platform.processor() or platform.machine()}, {args.threads} threads, {args.rounds} rounds in turn, ms")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy")))
    print(f"{'':22}{'ours':>9}{'PyTorch':>9}  {'by':8}{'ratio':>6}  10% to 90% of rounds")
    for what in ["train"] if args.train else CASES:
        for rule in ["Adam"] if args.train else args.rules:
            modes = ["ours", "fused"] if args.train else ["ours", *MODES]
            times = contend(what, rule, modes, args.rounds, args.threads)
            ours = times.pop("ours")
            best = min(times, key=lambda mode: median(times[mode]))
            each = quantiles([b / a for a, b in zip(ours, times[best], strict=True)], n=10)
            a, b = median(ours) * 1e3, median(times[best]) * 1e3
            print(
                f"{what:12}{rule:10}{a:9.3f}{b:9.3f}  {best:8}{b / a:6.2f}  {each[0]:.2f} to {each[-1]:.2f}", flush=True
            )


if __name__ == "__main__":
    main()
