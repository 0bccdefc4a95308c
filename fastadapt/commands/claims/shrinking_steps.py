"""AdaGrad's steps shrink without end; RMSProp's do not."""

from functools import partial

import numpy as np

import fastadapt as fa

from . import network
from .claim import Claim, Part, Tell
from .pictures import finish
from .rules import style

RULES = {"AdaGrad": (fa.AdaGrad, 0.1), "RMSProp": (fa.RMSProp, 0.01)}
"""The rules, at learning rates with which their first steps are equal: RMSProp's r starts with a hundredth of g²."""

CURVATURES = np.geomspace(0.01, 1, 10)
NOISY, EXACT, NETWORK = "noisy", "exact", "network"
TITLES = {NOISY: "Convex, with noise", EXACT: "Convex, exact", NETWORK: "Digits network"}
LEVEL = 10**-0.25
"""A factor in ten times as many steps that lies halfway between no change and 1 / sqrt(10), as of steady gradients."""


def quadratic(steps: int, noise: float):
    """The weights of a quadratic, and the gradient of each step: exact, or with normal noise of this size."""
    rng, params = np.random.default_rng(0), np.ones(CURVATURES.size)
    return params, (CURVATURES * params + noise * rng.standard_normal(params.size) for _ in range(steps))


def digits_network(steps: int):
    """The weights of the digits network, and the gradients of its batches."""
    epochs = -(-steps // 45)
    given = network.problem(0, epochs)
    params, X, y = given.params, given.data.X, given.data.y
    return params, (network.digits.gradients(params, X[rows], y[rows]) for rows in given.batches[:steps])


PROBLEMS = {NOISY: partial(quadratic, noise=1.0), EXACT: partial(quadratic, noise=0.0), NETWORK: digits_network}


def effective_steps(rule: type, lr: float, problem, marks: np.ndarray) -> np.ndarray:
    """What a rule multiplies a gradient by after these steps: the median of the weights that the first step moves."""
    params, gradients = problem(int(marks[-1]))
    optimizer, sizes, wanted, moved = rule(params, lr=lr), [], set(marks.tolist()), None
    for t, grads in enumerate(gradients, 1):
        optimizer.step(grads)
        if t in wanted:
            r = np.concatenate([np.ravel(r) for r in listed(optimizer.state["r"])])
            if moved is None:
                moved = r > 0
            sizes.append(np.median(lr / (optimizer.eps + np.sqrt(r[moved]))))
    return np.array(sizes)


def listed(arrays):
    return arrays if isinstance(arrays, list) else [arrays]


def change(size: np.ndarray, marks: np.ndarray) -> float:
    """By what ten times as many steps multiplied the effective step: medians over the half before the last of each."""
    late, early = (size[(marks > end // 2) & (marks <= end)] for end in (marks[-1], marks[-1] // 10))
    return float(np.median(late) / np.median(early))


def check(tell: Tell, steps: int = 10_000) -> Claim:
    marks = np.unique(np.geomspace(1, steps, 600).round().astype(int))
    sizes = {}
    for problem, made in PROBLEMS.items():
        for name, (rule, lr) in RULES.items():
            sizes[problem, name] = effective_steps(rule, lr, made, marks)
            tell(len(sizes) / 6)
    factor = {key: change(size, marks) for key, size in sizes.items()}
    shown = {int(t): int(np.abs(marks - t).argmin()) for t in steps // np.array([1000, 100, 10, 1])}
    return Claim(
        claim="AdaGrad's steps shrink without end; RMSProp's do not.",
        source="Duchi, Hazan, Singer (2011); Tieleman, Hinton (2012), lecture 6.5",
        setting=f"The effective step lr / (eps + sqrt(r)), the median of the weights, over {steps:,} steps: of a "
        "quadratic with normal noise in every gradient, of the same without noise, and of the digits network in "
        "batches. Learning rates 0.1 and 0.01, with which the first steps are equal. The last column has medians: over "
        f"steps {steps // 2:,} to {steps:,}, by that over steps {steps // 20:,} to {steps // 10:,}.",
        parts=parts(factor, steps),
        figure=f"in ten times the steps AdaGrad's change ×{factor[NOISY, 'AdaGrad']:.2f} with noise, "
        f"×{factor[EXACT, 'AdaGrad']:.2f} without",
        columns=("gradients", "rule", *(f"step {t:,}" for t in shown), "ten times as many"),
        rows=tuple(
            (*key, *(f"{size[k]:.2g}" for k in shown.values()), f"×{factor[key]:.3g}") for key, size in sizes.items()
        ),
        figures={f"{problem}, {name}": value for (problem, name), value in factor.items()},
        draw=partial(draw, marks, sizes),
    )


def parts(factor, steps):
    adagrad = {problem: factor[problem, "AdaGrad"] for problem in PROBLEMS}
    rmsprop = {problem: factor[problem, "RMSProp"] for problem in PROBLEMS}
    return (
        Part(
            adagrad[NOISY] < LEVEL,
            f"Where every gradient has noise, ten times as many steps (to {steps:,}) change AdaGrad's effective step "
            f"×{adagrad[NOISY]:.2f}; 1 / sqrt(10) is ×0.32.",
        ),
        Part(adagrad[EXACT] < LEVEL, f"Without noise the gradients vanish, and they change it ×{adagrad[EXACT]:.2f}."),
        Part(
            adagrad[NETWORK] < LEVEL,
            f"On the network, which comes to fit all its images, they change it ×{adagrad[NETWORK]:.2f}.",
        ),
        Part(
            min(rmsprop.values()) > LEVEL,
            f"RMSProp's they change ×{rmsprop[NOISY]:.2f} with noise, ×{rmsprop[EXACT]:.3g} without, and "
            f"×{rmsprop[NETWORK]:.3g} on the network.",
        ),
    )


def draw(marks, sizes, figure):
    panels = figure.subplots(1, 3, sharey=True)
    for axes, problem in zip(panels, PROBLEMS, strict=True):
        for name in RULES:
            axes.loglog(marks, sizes[problem, name], label=name, **style(name))
        axes.set_title(TITLES[problem], loc="left")
        axes.set_xlabel("step")
    panels[0].set_ylabel("effective step")
    finish(figure, panels)
