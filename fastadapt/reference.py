"""Every rule as its paper writes it, in whole-array NumPy: the baseline and the oracle."""

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

# Each function is one step: the step number t (an int, from 1), the weights p, their gradient g and the state
# in; the new p and state out, the arguments untouched. State starts at zero: an array of zeros or simply 0.0.
# Hyperparameters are Python floats: they leave float32 arrays float32, where an np.float64 would widen them.


def sgd(t, p, g, b, *, lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False):
    """Gradient descent with momentum (Polyak 1964; Sutskever et al. 2013), as PyTorch writes it."""
    if momentum:
        b = np.copy(g) if t == 1 else momentum * b + (1 - dampening) * g
        g = g + momentum * b if nesterov else b
    return p - lr * g, b


def adagrad(t, p, g, r, *, lr=1e-2, eps=1e-10, lr_decay=0.0, initial_accumulator=0.0):
    """AdaGrad (Duchi, Hazan and Singer 2011, diagonal form); at t = 1, r is set to initial_accumulator."""
    if t == 1:
        r = initial_accumulator
    r = r + g * g
    return p - lr / (1 + (t - 1) * lr_decay) * g / (eps + np.sqrt(r)), r


def rmsprop(t, p, g, r, mean, b, *, lr=1e-2, rho=0.99, eps=1e-8, momentum=0.0, centered=False):
    """RMSProp (Tieleman and Hinton 2012, lecture 6.5); centered as Graves 2013, arXiv:1308.0850, eq. 38-41.

    Graves keeps the mean of g² and takes the root of r - mean². Here r is that difference itself, the running
    variance: the same number in exact arithmetic, and one that cannot round below zero.
    """
    if centered:
        r = rho * r + rho * (1 - rho) * (g - mean) ** 2
        mean = rho * mean + (1 - rho) * g
    else:
        r = rho * r + (1 - rho) * g * g
    d = g / (eps + np.sqrt(r))
    if momentum:
        b = d = momentum * b + d
    return p - lr * d, r, mean, b


def adadelta(t, p, g, r, s, *, lr=1.0, rho=0.9, eps=1e-6):
    """Adadelta (Zeiler 2012, arXiv:1212.5701, algorithm 1), its step multiplied by lr."""
    r = rho * r + (1 - rho) * g * g
    # Not np.sqrt: of a start s = 0.0 it makes an np.float64, and of float32 weights float64 ones.
    d = (s + eps) ** 0.5 / (r + eps) ** 0.5 * g
    s = rho * s + (1 - rho) * d * d
    return p - lr * d, r, s


def adam(t, p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1)."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


def amsgrad(t, p, g, m, v, top, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """AMSGrad (Reddi, Kale and Kumar 2018, arXiv:1904.09237, algorithm 2), then bias-corrected as Adam is."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    top = np.maximum(top, v)
    m_hat = m / (1 - beta1**t)
    top_hat = top / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(top_hat) + eps), m, v, top


def adamw(t, p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101): Adam here, its decay is in `Reference`."""
    return adam(t, p, g, m, v, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def adamax(t, p, g, m, u, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adamax (Kingma and Ba 2015, arXiv:1412.6980, algorithm 2), with PyTorch's eps in the maximum."""
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g) + eps)
    return p - lr / (1 - beta1**t) * m / u, m, u


def nadam(t, p, g, m, v, product, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=4e-3):
    """NAdam (Dozat 2016), with PyTorch's momentum schedule; only m itself decays by a constant beta1.

    The product is that of the momenta of all steps, as they were.
    """
    mu_t, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (momentum_decay * step)) for step in (t, t + 1))
    mu_product = mu_t if t == 1 else product * mu_t
    mu_product_next = mu_product * mu_next
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = mu_next * m / (1 - mu_product_next) + (1 - mu_t) * g / (1 - mu_product)
    v_hat = v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v, mu_product


def radam(t, p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """RAdam (Liu et al. 2020, arXiv:1908.03265, algorithm 2), with PyTorch's threshold of 5 and its eps."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = m / (1 - beta1**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return p - lr * m_hat, m, v
    rect = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    return p - lr * rect * m_hat * math.sqrt(1 - beta2**t) / (np.sqrt(v) + eps), m, v


def lion(t, p, g, m, *, lr=1e-4, beta1=0.9, beta2=0.99):
    """Lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2)."""
    p = p - lr * np.sign(beta1 * m + (1 - beta1) * g)
    return p, beta2 * m + (1 - beta2) * g


def lamb(t, p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0):
    """LAMB (You et al. 2020, arXiv:1904.00962, algorithm 2), its ratio 1 where a norm is 0, as optax has it."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    u = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * p
    long, short = float(np.linalg.norm(p)), float(np.linalg.norm(u))
    ratio = long / short if long > 0 and short > 0 else 1.0
    return p - lr * ratio * u, m, v


def prodigy(
    t, p, g, m, v, s, p0, d, d_max, num, *, lr=1.0, beta1=0.9, beta2=0.999, beta3=0.0, eps=1e-8, d0=1e-6, d_coef=1.0,
    growth=math.inf, weight_decay=0.0,
):  # fmt: skip
    """Prodigy (Mishchenko and Defazio 2023, arXiv:2306.06101, algorithm 4), with the package's weight_decay.

    The last three states are numbers. Its d is that of the step; that of the next follows from the sums of this one.
    """
    beta3 = beta3 or math.sqrt(beta2)
    if d == 0:
        p0, d, d_max = p, d0, d0
    k = d / d0 * d * lr
    gained = k * float(np.sum(g * (p0 - p)))
    m = beta1 * m + (1 - beta1) * d * g
    v = beta2 * v + (1 - beta2) * (d * g) ** 2
    s = beta3 * s + k * g
    p = p * (1 - weight_decay * d * lr) - d * lr * m / (np.sqrt(v) + d * eps)
    if size := float(np.sum(np.abs(s))):
        num = beta3 * num + gained
        d_hat = d_coef * num / size
        d_max = max(d_max, d_hat)
        d = min(d_max, growth * (max(d, d_hat) if d == d0 else d))
    return p, m, v, s, p0, d, d_max, num


ALL = (sgd, adagrad, rmsprop, adadelta, adam, amsgrad, adamw, adamax, nadam, radam, lion, lamb, prodigy)
RULES = {rule.__name__: rule for rule in ALL}
SCALARS = {"prodigy": ("d", "d_max", "num")}
"""States that are numbers, one for all arrays, which such a rule takes as one."""
DECAY = {"adamw": (1e-2, True), "lion": (0.0, True)}  # weight_decay, decoupled; (0.0, False) elsewhere


class Reference:
    """A rule by its name, over one array or a flat list of arrays, which it updates in place.

    `hyper` holds the hyperparameters and may be changed between steps; `t` counts the calls of `step`,
    `steps` the gradients that each array had; `state[name]` is one array or a list, as `params` are.
    """

    def __init__(
        self,
        name: str,
        params: np.ndarray | Sequence[np.ndarray],
        *,
        weight_decay: float | None = None,
        decoupled: bool | None = None,
        maximize: bool = False,
        lower: float = -np.inf,
        upper: float = np.inf,
        average: str | None = None,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        average_from: int = 0,
        per_weight: dict[str, Any] | None = None,
        **hyper: float,
    ):
        self.rule = RULES[name.lower()]
        if unknown := hyper.keys() - self.rule.__kwdefaults__.keys():
            known = ", ".join(self.rule.__kwdefaults__)
            raise TypeError(f"{name}: expected hyperparameters {known}, not {', '.join(sorted(unknown))}")
        self.hyper = {**self.rule.__kwdefaults__, **hyper}
        self.decays_itself = "weight_decay" in self.hyper
        own_decay, own_decoupled = DECAY.get(name.lower(), (0.0, False))
        self.weight_decay = own_decay if weight_decay is None else weight_decay
        self.decoupled = own_decoupled if decoupled is None else decoupled
        self.maximize, self.lower, self.upper = maximize, lower, upper
        self.average, self.average_decay = average, average_decay
        self.average_warmup, self.average_from = average_warmup, average_from
        self.single = isinstance(params, np.ndarray)
        self.params = [params] if self.single else list(params)
        self.t = 0
        self.steps = [0] * len(self.params)
        self.averages = [np.copy(p) for p in self.params]
        self.scalars = dict.fromkeys(SCALARS.get(name.lower(), ()), 0.0)
        self.names = [name for name in inspect.getfullargspec(self.rule).args[3:] if name not in self.scalars]
        self.per_weight = {name: [given] if self.single else given for name, given in (per_weight or {}).items()}
        self.states = [
            {s: p.copy() if s == "p0" else np.zeros(p.shape, p.dtype) for s in self.names} for p in self.params
        ]

    @property
    def state(self) -> dict[str, np.ndarray | list[np.ndarray]]:
        """The state arrays by their names in the rule; a switch that is off leaves its state zero."""
        return {s: self.states[0][s] if self.single else [one[s] for one in self.states] for s in self.names}

    @property
    def averaged(self) -> np.ndarray | list[np.ndarray]:
        """The averages of the weights (Polyak, Juditsky 1992); the weights themselves before the first."""
        begun = [self.average is not None and n > self.average_from for n in self.steps]
        found = [a if ok else p for a, p, ok in zip(self.averages, self.params, begun, strict=True)]
        return found[0] if self.single else found

    def step(self, grads: np.ndarray | Sequence[np.ndarray | None] | None, scale: float = 1.0) -> None:
        """Update the arrays by `scale * grads`; None leaves an array, its state and its step count alone."""
        pairs = list(zip(self.params, [grads] if self.single else grads, strict=True))
        self.t, scale = self.t + 1, -float(scale) if self.maximize else float(scale)
        given = [(i, p, g) for i, (p, g) in enumerate(pairs) if g is not None]
        for i, _, _ in given:
            self.steps[i] += 1
        if self.scalars and given:
            self._update_together(given, scale)
            return
        for i, p, g in given:
            self._update(i, p, g, scale)

    def _given(self):
        """The hyperparameters of a rule that decays the weights itself."""
        return self.hyper | {"weight_decay": self.weight_decay}

    def _update_together(self, given, scale):
        """Take a step of all arrays as one."""
        which, sizes = [i for i, _, _ in given], np.cumsum([p.size for _, p, _ in given])[:-1]

        def flat(arrays):
            return np.concatenate([np.ravel(array) for array in arrays])

        p, g = flat(p for _, p, _ in given), scale * flat(np.asarray(g, p.dtype) for _, p, g in given)
        states = [flat(self.states[i][name] for i in which) for name in self.names]
        new, *found = self.rule(self.t, p, g, *states, *self.scalars.values(), **self._given())
        found, numbers = found[: len(states)], found[len(states) :]
        self.scalars = dict(zip(self.scalars, numbers, strict=True))
        for k, (i, p, _) in enumerate(given):
            self._put(i, np.split(new, sizes)[k].reshape(p.shape))
            states = (np.split(state, sizes)[k].reshape(p.shape) for state in found)
            self.states[i] = dict(zip(self.names, states, strict=True))

    def _update(self, i, p, g, scale):
        hyper = {name: float(value) for name, value in self.hyper.items()}
        weight_decay = float(self.weight_decay)
        new, g = p, np.asarray(g, p.dtype)
        if scale != 1:
            g = scale * g
        if self.decays_itself:
            hyper["weight_decay"] = weight_decay
        elif weight_decay and self.decoupled:
            new = p * (1 - hyper["lr"] * weight_decay)
        elif weight_decay:
            g = g + weight_decay * p
        new, *state = self.rule(self.steps[i], new, g, *self.states[i].values(), **hyper)
        self._put(i, new)
        self.states[i] = dict(zip(self.states[i], state, strict=True))

    def _put(self, i, new):
        """Give array `i` what a rule made of it, by its rates and within its bounds, and average that."""
        p = self.params[i]
        by_weight = {name: arrays[i] for name, arrays in self.per_weight.items() if arrays[i] is not None}
        if "lr" in by_weight:
            new = p + by_weight["lr"] * (new - p)
        p[...] = np.clip(new, self.lower, self.upper)
        if by_weight:
            np.clip(p, by_weight.get("lower", -np.inf), by_weight.get("upper", np.inf), out=p)
        n = self.steps[i] - 1 - self.average_from  # steps that were averaged before
        if self.average is not None and n >= 0:
            d = min(self.average_decay, (1 + n) / (10 + n)) if self.average_warmup else self.average_decay
            w = 1 / (n + 1) if self.average == "polyak" or n == 0 else 1 - d
            self.averages[i] = (1 - w) * self.averages[i] + w * p
