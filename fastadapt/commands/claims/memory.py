"""Adam needs more memory than SGD; state of 16 and 8 bits is an answer."""

from functools import partial

import numpy as np

import fastadapt as fa

from . import network
from .claim import Claim, Part, Tell, times
from .pictures import finish
from .rules import RULES, style

BITS = (32, 16, 8)
CONTENDERS = {name: RULES[name] for name in ("SGD", "SGD+momentum", "AdaGrad", "RMSProp", "Adam")}
CONTENDERS["AMSGrad"] = (fa.AMSGrad, {})

WEIGHT_AND_GRADIENT = 8
"""Bytes per weight of what a step needs besides the state, both float32."""


def bytes_per_weight(rule: type, hyper: dict, bits: int, size: int) -> float:
    """Bytes of state per weight of one float32 array."""
    return rule(np.zeros(size, np.float32), state_bits=bits, **hyper).nbytes / size


def trained(bits: int, epochs: int) -> float:
    """The final loss of the digits network, as wide as in `race`, by Adam with state of these bits."""
    given = network.problem(0, epochs, (64, 128, 128, 10))
    params = given.params
    return network.train(given, fa.Adam(params, state_bits=bits).step, params)


def check(tell: Tell, size: int = 2**20, epochs: int = 20) -> Claim:
    state = {
        (name, bits): bytes_per_weight(*contender, bits, size)
        for name, contender in CONTENDERS.items()
        for bits in BITS
    }
    losses = {}
    for bits in BITS:
        losses[bits] = trained(bits, epochs)
        tell(len(losses) / len(BITS))
    all_of = {name: WEIGHT_AND_GRADIENT + state[name, 32] for name in CONTENDERS}
    more = {name: all_of[name] / all_of["SGD"] for name in CONTENDERS}
    return Claim(
        claim="Adam needs more memory than SGD.",
        source="Kingma, Ba (2015); the answer: Dettmers, Lewis, Shleifer, Zettlemoyer (2022), 8-bit optimizers",
        setting=f"Bytes of state per weight of an array of {size:,} float32 weights, from `nbytes`; with float32 "
        f"weights and gradients, {WEIGHT_AND_GRADIENT} bytes more. Adam's final loss on the digits network of `race`, "
        f"{epochs} epochs.",
        parts=parts(state, more),
        notes=notes(state, losses),
        figure=f"bytes per weight: SGD {state['SGD', 32]:g}, Adam {state['Adam', 32]:g}; "
        f"{state['Adam', 16]:.3g} in 16 bits, {state['Adam', 8]:.3g} in 8",
        columns=("rule", "32 bits", "16 bits", "8 bits", "with weights", "over SGD"),
        rows=tuple(
            (name, *(f"{state[name, bits]:.3g}" for bits in BITS), f"{all_of[name]:.3g}", f"{more[name]:.2g}×")
            for name in CONTENDERS
        ),
        figures={f"{name}, {bits}": value for (name, bits), value in state.items()}
        | {f"loss, {bits}": loss for bits, loss in losses.items()},
        draw=partial(draw, state),
    )


def parts(state, more):
    return (
        Part(
            state["Adam", 32] > state["SGD", 32],
            f"Adam's state takes {state['Adam', 32]:g} bytes per weight and SGD's {state['SGD', 32]:g}; with weights "
            f"and gradients that is {times(more['Adam'])} the memory.",
        ),
        Part(
            state["Adam", 32] > state["SGD+momentum", 32],
            f"SGD with momentum takes {state['SGD+momentum', 32]:g}, as RMSProp does ({state['RMSProp', 32]:g}).",
        ),
    )


def notes(state, losses):
    apart = max(abs(losses[bits] / losses[32] - 1) for bits in BITS)
    return (
        f"With `state_bits=16` Adam takes {state['Adam', 16]:.3g} bytes, and {state['Adam', 8]:.3g} with 8; its "
        f"final loss on the network differs by {apart:.1%} at most ({losses[32]:.2e} with 32 bits, {losses[16]:.2e} "
        f"with 16, {losses[8]:.2e} with 8).",
    )


def draw(state, figure):
    axes = figure.subplots()
    for i, name in enumerate(CONTENDERS):
        for k, bits in enumerate(BITS):
            value, colour = state[name, bits], style(name)["color"]
            y = i + 0.27 * (k - 1)
            axes.barh(y, value, height=0.24, color=colour, alpha=(1, 0.7, 0.45)[k])
            axes.text(value + 0.1, y, f"{value:.3g}  ({bits} bits)", va="center", fontsize=9, color="#333a41")
    axes.set_yticks(range(len(CONTENDERS)), CONTENDERS)
    axes.invert_yaxis()
    axes.set_xlim(0, 14)
    axes.set_xlabel("bytes of state per weight")
    finish(figure, [axes], legend=False)
