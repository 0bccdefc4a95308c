"""What `python -m fastadapt bench` prints, with other libraries beside NumPy, in the same rounds.

`python bench/peers.py --peers torch` takes the options of that command, and the names of the libraries: without them,
all that are installed.
"""

import argparse
import inspect
import os
import sys
from importlib.util import find_spec

import numba
import numpy as np

import fastadapt as fa
from fastadapt.commands import CommandError, bench
from fastadapt.commands.arguments import bench_arguments
from fastadapt.commands.contenders import Rivals, Steps


def main(argv: list[str] | None = None) -> int:
    """Print the table; 2 where it could not be measured as asked."""
    parser = argparse.ArgumentParser(prog="python bench/peers.py", description=__doc__.partition("\n")[0])
    what = f"of {', '.join(PEERS)}; without it, those that are installed"
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=what)
    bench_arguments(parser)
    args = parser.parse_args(argv)
    try:
        return bench.run(args, rivals(args))
    except CommandError as reason:
        print(f"{parser.prog}: {reason}", file=sys.stderr)
        return 2


def rivals(args: argparse.Namespace) -> Rivals:
    """The peers that can make steps here."""
    usable, missing = installed(args.peers, args.optimizers, args.device)
    packages = [*usable, *["jax"] * ("optax" in usable)]
    return Rivals(usable, packages, missing, lambda *given: steps(usable, *given))


def installed(names: list[str], rules: list[str], device: str) -> tuple[list[str], dict[str, str]]:
    """Those of the peers that can make steps here, and why the others cannot; a refusal if none can."""
    usable, missing = [], {}
    for name in names:
        try:
            if not find_spec(name):
                raise ModuleNotFoundError("not installed")
            for rule in rules:
                for step in PEERS[name](rule, {}, *np.ones((2, 16), np.float32), device).values():
                    step()
            usable.append(name)
        except Exception as error:  # whatever keeps a peer from being built or run here: it is left out, and named
            missing[name] = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
    if not usable:
        why = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise CommandError(f'no peer can be run ({why}): pip install "fastadapt[peers]"')
    return usable, missing


def steps(names: list[str], rule: str, hyper: dict, p: np.ndarray, g: np.ndarray, device: str) -> Steps:
    """A step of `rule` in every peer that has it, by the name of the peer and its mode."""
    return {label: step for name in names for label, step in PEERS[name](rule, hyper, p, g, device).items()}


def learning_rate(rule):
    return inspect.signature(getattr(fa, rule).coefficients).parameters["lr"].default


def torch_steps(rule: str, hyper: dict, p: np.ndarray, g: np.ndarray, device: str) -> Steps:
    """PyTorch: fused where it has it, many arrays at a time (foreach), one at a time (loop)."""
    import torch

    torch.set_num_threads(numba.get_num_threads())
    options = hyper | ({"amsgrad": True} if rule == "AMSGrad" else {})
    wanted = "adam" if rule == "AMSGrad" else rule.lower()
    classes = [c for name, c in vars(torch.optim).items() if isinstance(c, type) and name.lower() == wanted]
    modes = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}
    grad = torch.tensor(g, device=device)

    def step(optimizer, mode):
        w = torch.tensor(p, device=device, requires_grad=True)
        w.grad = grad
        return optimizer([w], lr=learning_rate(rule), **mode, **options).step

    return {
        f"torch {name}": step(optimizer, mode)
        for optimizer in classes
        for name, mode in modes.items()
        if mode.keys() <= inspect.signature(optimizer).parameters.keys()
    }


def optax_steps(rule: str, hyper: dict, p: np.ndarray, g: np.ndarray, device: str) -> Steps:
    """optax: jitted, the buffers of the weights and the state donated, so that it may work in place."""
    if device != "cpu":
        raise NotImplementedError("timed on the CPU only: its streams are not those that the events see")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import optax

    if not hasattr(optax, rule.lower()):
        return {}
    optimizer = getattr(optax, rule.lower())(learning_rate(rule), **hyper)
    w, grad = jax.numpy.array(p), jax.numpy.array(g)
    state = optimizer.init(w)

    def update(w, state, grad):
        change, state = optimizer.update(grad, state, w)
        return optax.apply_updates(w, change), state

    jitted = jax.jit(update, donate_argnums=(0, 1))

    def step():
        nonlocal w, state
        w, state = jax.block_until_ready(jitted(w, state, grad))

    return {"optax jit": step}


def deepspeed_steps(rule: str, hyper: dict, p: np.ndarray, g: np.ndarray, device: str) -> Steps:
    """DeepSpeed's optimizers for weights offloaded to the CPU."""
    if device != "cpu":
        raise NotImplementedError("CPUAdam is for the CPU")
    import torch
    from deepspeed.ops import adagrad, adam, lion

    classes = {
        "Adam": (adam.DeepSpeedCPUAdam, {"adamw_mode": False}),
        "AdamW": (adam.DeepSpeedCPUAdam, {"adamw_mode": True}),
        "AdaGrad": (adagrad.DeepSpeedCPUAdagrad, {}),
        "Lion": (lion.DeepSpeedCPULion, {}),
    }
    if rule not in classes:
        return {}
    optimizer, options = classes[rule]
    w = torch.tensor(p, requires_grad=True)
    w.grad = torch.tensor(g)
    return {"DeepSpeed": optimizer([w], lr=learning_rate(rule), **options).step}


def bitsandbytes_steps(rule: str, hyper: dict, p: np.ndarray, g: np.ndarray, device: str) -> Steps:
    """bitsandbytes: with state of 32 bits, and of 8 bits in blocks of 256."""
    import torch
    from bitsandbytes import optim

    grad = torch.tensor(g, device=device)

    def step(optimizer, **held):
        w = torch.nn.Parameter(torch.tensor(p, device=device))
        w.grad = grad
        return optimizer([w], lr=learning_rate(rule), **held, **hyper).step

    wanted = {name.lower(): name for name in ("Adam", "AdamW", "Lion", "RMSprop", "Adagrad", "SGD")}
    name = wanted.get(rule.lower())
    if name is None or (name == "SGD" and not hyper):  # theirs cannot do without momentum
        return {}
    return {
        "bnb 32 bits": step(getattr(optim, name)),
        "bnb 8 bits": step(getattr(optim, f"{name}8bit"), min_8bit_size=0),
    }


PEERS = {"torch": torch_steps, "optax": optax_steps, "deepspeed": deepspeed_steps, "bitsandbytes": bitsandbytes_steps}


if __name__ == "__main__":
    sys.exit(main())
