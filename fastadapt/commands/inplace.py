"""Every rule in NumPy again, as a careful user writes it for speed: all in place, no allocation in a step."""

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np

from fastadapt.reference import Reference

# Each function is one step of one array: p and the state are changed in place, g is only read, x and y are
# scratch of p's shape. Whatever depends on t alone is folded into scalars, so that Adam is twelve passes:
# m_hat / (sqrt(v_hat) + eps) = c / (1 - beta1**t) * m / (sqrt(v) + eps * c), where c = sqrt(1 - beta2**t).


def sgd(t, p, g, b, x, y, *, lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False):
    d = g
    if momentum:
        d = b
        if t == 1:
            np.copyto(b, g)
        else:
            b *= momentum
            b += np.multiply(g, 1 - dampening, out=x) if dampening else g
        if nesterov:
            d = np.multiply(b, momentum, out=x)
            d += g
    np.multiply(d, lr, out=x)
    p -= x


def adagrad(t, p, g, r, x, y, *, lr=1e-2, eps=1e-10, lr_decay=0.0, initial_accumulator=0.0):
    if t == 1:
        r.fill(initial_accumulator)
    np.multiply(g, g, out=x)
    r += x
    np.sqrt(r, out=x)
    x += eps
    np.divide(g, x, out=x)
    x *= lr / (1 + (t - 1) * lr_decay)
    p -= x


def rmsprop(t, p, g, r, mean, b, x, y, *, lr=1e-2, rho=0.99, eps=1e-8, momentum=0.0, centered=False):
    if centered:
        np.subtract(g, mean, out=x)
        np.multiply(x, 1 - rho, out=y)
        mean += y
        x *= y
        r += x
        r *= rho
    else:
        average(r, rho, np.multiply(g, g, out=x), out=x)
    np.sqrt(r, out=x)
    x += eps
    np.divide(g, x, out=x)
    if momentum:
        b *= momentum
        b += x
        np.multiply(b, lr, out=x)
    else:
        x *= lr
    p -= x


def adadelta(t, p, g, r, s, x, y, *, lr=1.0, rho=0.9, eps=1e-6):
    average(r, rho, np.multiply(g, g, out=x), out=x)
    np.add(r, eps, out=x)
    np.add(s, eps, out=y)
    np.divide(y, x, out=x)
    np.sqrt(x, out=x)
    x *= g
    average(s, rho, np.multiply(x, x, out=y), out=y)
    if lr != 1:
        x *= lr
    p -= x


def adam(t, p, g, m, v, x, y, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    average(m, beta1, g, out=x)
    average(v, beta2, np.multiply(g, g, out=x), out=x)
    descend(t, p, m, v, x, lr, beta1, beta2, eps)


def amsgrad(t, p, g, m, v, top, x, y, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    average(m, beta1, g, out=x)
    average(v, beta2, np.multiply(g, g, out=x), out=x)
    np.maximum(top, v, out=top)
    descend(t, p, m, top, x, lr, beta1, beta2, eps)


def adamw(t, p, g, m, v, x, y, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    adam(t, p, g, m, v, x, y, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def adamax(t, p, g, m, u, x, y, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    average(m, beta1, g, out=x)
    u *= beta2
    np.abs(g, out=x)
    x += eps
    np.maximum(u, x, out=u)
    np.divide(m, u, out=x)
    x *= lr / (1 - beta1**t)
    p -= x


def nadam(t, p, g, m, v, _, x, y, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=4e-3):
    mu, product = mu_and_product(t, beta1, momentum_decay)
    mu_next, product_next = mu_and_product(t + 1, beta1, momentum_decay)
    c = sqrt(1 - beta2**t)
    average(m, beta1, g, out=x)
    average(v, beta2, np.multiply(g, g, out=x), out=x)
    np.multiply(g, lr * c * (1 - mu) / (1 - product), out=x)
    np.multiply(m, lr * c * mu_next / (1 - product_next), out=y)
    x += y
    np.sqrt(v, out=y)
    y += eps * c
    x /= y
    p -= x


def radam(t, p, g, m, v, x, y, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    average(m, beta1, g, out=x)
    average(v, beta2, np.multiply(g, g, out=x), out=x)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    step = lr / (1 - beta1**t)
    if rho > 5:
        step *= sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        step *= sqrt(1 - beta2**t)
        np.sqrt(v, out=x)
        x += eps
        np.divide(m, x, out=x)
        x *= step
    else:
        np.multiply(m, step, out=x)
    p -= x


def lion(t, p, g, m, x, y, *, lr=1e-4, beta1=0.9, beta2=0.99):
    np.multiply(m, beta1, out=x)
    np.multiply(g, 1 - beta1, out=y)
    x += y
    np.sign(x, out=y)  # not out=x: in place NumPy takes a scalar loop, more than ten times slower
    y *= lr
    p -= y
    average(m, beta2, g, out=x)


def lamb(t, p, g, m, v, x, y, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.0):
    c = sqrt(1 - beta2**t)
    average(m, beta1, g, out=x)
    average(v, beta2, np.multiply(g, g, out=x), out=x)
    np.sqrt(v, out=x)
    x += eps * c
    np.divide(m, x, out=x)
    x *= c / (1 - beta1**t)
    if weight_decay:
        x += np.multiply(p, weight_decay, out=y)
    squares, of_step = (float(np.dot(each.ravel(), each.ravel())) for each in (p, x))
    x *= lr * sqrt(squares / of_step) if squares and of_step else lr
    p -= x


def prodigy(t, p, g, m, v, s, p0, x, y, *, d, k, beta1, beta2, beta3, eps, step, keep):
    """One array of a step, whose sums are returned."""
    np.subtract(p0, p, out=x)
    gained = k * float(np.dot(g.ravel(), x.ravel()))
    m *= beta1
    m += np.multiply(g, (1 - beta1) * d, out=x)
    s *= beta3
    s += np.multiply(g, k, out=x)
    np.multiply(g, g, out=x)
    x *= (1 - beta2) * d * d
    v *= beta2
    v += x
    np.sqrt(v, out=x)
    x += d * eps
    np.divide(m, x, out=x)
    x *= step
    if keep != 1:
        p *= keep
    p -= x
    return gained, float(np.abs(s, out=x).sum())


def average(m, beta, g, out):
    """m = beta * m + (1 - beta) * g, in three passes; `out` is scratch and may be g."""
    m *= beta
    np.multiply(g, 1 - beta, out=out)
    m += out


def descend(t, p, m, v, x, lr, beta1, beta2, eps):
    """Adam's step down, both moments bias-corrected, in five passes."""
    c = sqrt(1 - beta2**t)
    np.sqrt(v, out=x)
    x += eps * c
    np.divide(m, x, out=x)
    x *= lr * c / (1 - beta1**t)
    p -= x


def mu_and_product(t, beta1, momentum_decay):
    """NAdam's momentum of step t, and the product of those of the steps 1 to t."""
    products = mu_products(beta1, momentum_decay)
    return mu_at(t, beta1, momentum_decay), products[min(t, len(products) - 1)]


def mu_at(t, beta1, momentum_decay):
    return beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))


@lru_cache
def mu_products(beta1, momentum_decay):
    """The products for t = 0, 1, ..., as far as they matter: 1 - 1e-20 is 1 in float64."""
    products = [1.0]
    while products[-1] > 1e-20:
        products.append(products[-1] * mu_at(len(products), beta1, momentum_decay))
    return products


ALL = (sgd, adagrad, rmsprop, adadelta, adam, amsgrad, adamw, adamax, nadam, radam, lion, lamb, prodigy)
RULES = {rule.__name__: rule for rule in ALL}


class Inplace(Reference):
    """`Reference` with the functions above in place of its own, and scratch for the largest array.

    An array larger than the cache goes through it once a pass; as a list of views of 65,536 it need not.
    """

    def __init__(self, name: str, params: np.ndarray | Sequence[np.ndarray], **options: float | None):
        super().__init__(name, params, **options)
        self.inplace = RULES[name.lower()]
        largest = {p.dtype: max(q.size for q in self.params if q.dtype == p.dtype) for p in self.params}
        flat = {dtype: [np.empty(size, dtype) for _ in "xyz"] for dtype, size in largest.items()}
        self.scratch = [[s[: p.size].reshape(p.shape) for s in flat[p.dtype]] for p in self.params]

    def _update_together(self, given, scale):
        h = self._given()
        d0, d_coef, growth, lr, decay = (h.pop(name) for name in ("d0", "d_coef", "growth", "lr", "weight_decay"))
        d, d_max, num = self.scalars.values() if self.scalars["d"] else (d0, d0, 0.0)
        h["beta3"], k = h["beta3"] or sqrt(h["beta2"]), d / d0 * d * lr
        sums = [self._update(i, p, g, scale, h | {"d": d, "k": k, "step": d * lr, "keep": 1 - decay * d * lr})
                for i, p, g in given]  # fmt: skip
        gained, size = map(sum, zip(*sums, strict=True))
        num = h["beta3"] * num + gained
        if size:
            found = d_coef * num / size
            d_max = max(d_max, found)
            d = min(d_max, growth * (max(d, found) if d == d0 else d))
        self.scalars = {"d": d, "d_max": d_max, "num": num}

    def _update(self, i, p, g, scale, hyper=None):
        x, y, z = self.scratch[i]
        if scale != 1 or g.dtype != p.dtype:
            g = np.multiply(g, scale, out=z)
        if self.decays_itself and hyper is None:
            hyper = self._given()
        elif self.weight_decay and self.decoupled and not self.decays_itself:
            p *= 1 - self.hyper["lr"] * self.weight_decay
        elif self.weight_decay and not self.decays_itself:
            np.multiply(p, self.weight_decay, out=x)
            g = np.add(g, x, out=z)
        return self.inplace(self.steps[i], p, g, *self.states[i].values(), x, y, **(hyper or self.hyper))
