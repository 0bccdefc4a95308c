"""What the generic tests run over: every optimizer of the library, with every hyperparameter off its default."""

import fastadapt as fa

OPTIMIZERS = [
    cls for cls in (getattr(fa, name) for name in fa.__all__) if isinstance(cls, type) and cls is not fa.Optimizer
]

ADAM = {"lr": 0.02, "beta1": 0.85, "beta2": 0.98, "eps": 1e-3}
OFF_DEFAULT = {
    "SGD": [
        {"lr": 0.03},
        {"lr": 0.03, "momentum": 0.8, "dampening": 0.3},
        {"lr": 0.03, "momentum": 0.8, "dampening": 0.3, "nesterov": True},
    ],
    "AdaGrad": [{"lr": 0.05, "eps": 1e-3, "lr_decay": 0.02, "initial_accumulator": 0.4}],
    "RMSProp": [
        {"lr": 0.02, "rho": 0.95, "eps": 1e-3},
        {"lr": 0.02, "rho": 0.95, "eps": 1e-3, "momentum": 0.7},
        {"lr": 0.02, "rho": 0.95, "eps": 1e-3, "centered": True},
        {"lr": 0.02, "rho": 0.95, "eps": 1e-3, "centered": True, "momentum": 0.7},
    ],
    "Adadelta": [{"lr": 0.6, "rho": 0.8, "eps": 1e-4}],
    "Adam": [ADAM],
    "AMSGrad": [ADAM],
    "AdamW": [ADAM],
    "Adamax": [ADAM],
    "NAdam": [ADAM | {"momentum_decay": 0.02}],
    "RAdam": [ADAM],
    "Lion": [{"lr": 0.01, "beta1": 0.8, "beta2": 0.95}],
    "LAMB": [ADAM],
    "Prodigy": [
        {"lr": 0.7, "beta1": 0.85, "beta2": 0.98, "beta3": 0.9, "eps": 1e-3, "d0": 1e-2, "d_coef": 0.8, "growth": 1.3}
    ],
}
"""Hyperparameters of each rule's own, off their defaults: a dict for every `update` that the rule has."""

AROUND = [
    {"weight_decay": 0.05, "decoupled": False, "maximize": True},
    {"weight_decay": 0.05, "decoupled": True, "maximize": False},
]
"""Those that every rule has."""

CASES = [
    (cls, own | {name: value for name, value in around.items() if name in cls.defaults})
    for cls in OPTIMIZERS
    for own in OFF_DEFAULT[cls.__name__]
    for around in AROUND
]
IDS = [f"{cls.__name__}-{'-'.join(f'{k}={v}' for k, v in hyper.items() if k not in ADAM)}" for cls, hyper in CASES]
SIZES = [0, 1, 7, 255, 257, 1031]
"""Odd ones, beyond the width of SIMD, and beyond a tile of 256."""
