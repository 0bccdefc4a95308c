"""Many small problems at once: an objective and a rule compiled into one loop, of one text for the CPU and CUDA."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .cache import content, jitable, private
from .cpu_squares import squares_of
from .decide import factor_of
from .reductions import terms_of
from .squares import NOTHING, root_of, sum_of
from .tuples import added, cast, gather, items_at, items_of, parts, put_items, scatter, take
from .weight import AROUND, TILE, two_factors, weight_of

INFINITY = np.inf

BEFORE = 4
"""How many arrays of `rates` stand before the hyperparameters of each problem: decay, keep, bound and its limit."""


class Kind(NamedTuple):
    """What a solver is compiled from."""

    fun: Callable
    """The objective as it was written, without `@njit`."""
    fastmath: Any
    """What its `@njit` was given."""
    takes_step: bool
    """Whether the third parameter of `fun` is the number of the step to come."""
    update: Callable
    coefs: int
    states: int
    values: int
    """How many hyperparameters `coefficients` takes, the first ones of a problem's."""
    coefficients: Callable | None
    """None where the coefficients are the same for all problems, and stand in a table."""
    clips: bool
    """Whether the norm of each problem's gradient is limited."""
    dtype: np.dtype
    sums: "Sums | None" = None
    """The sums and scalars of a rule whose coefficients are computed for each problem."""

    def key(self) -> tuple:
        """What tells kinds apart: functions by what they do, for one that is defined again may do the same."""
        return tuple(content(part) if callable(part) else str(part) for part in self)


class Sums(NamedTuple):
    """What of a rule's sums and scalars goes into a solver."""

    reduce: Callable | None
    combine: Callable
    picks: tuple[int, ...]
    before: int
    after: int
    scalars: int

    @property
    def kept(self) -> int:
        """How many numbers are kept for each problem."""
        return self.before + self.after + self.scalars


VALUES = 3
"""How many rows of `values` stand before what is kept of sums and scalars."""


def values_of(kind: Kind) -> int:
    """How many rows `values` has."""
    return VALUES + (kind.sums.kept if kind.sums else 0)


def solver_of(kind: Kind) -> Callable:
    """The function `solve(work, values, runs, first, count, args, shared, rates, starts, limits, numbers, out)`.

    It solves `count` problems from number `first` on, each in a column of `work` (its point, the one before, the
    gradient, the states, and whether it still goes on) and of `values` (its value, the one before, what is compared
    with gtol, and the sums and scalars that it keeps). `rates` are those of `Rates.arrays`; `starts` the first states;
    `limits` the lower and the upper bounds; `numbers` are steps, every how many of them to record, gtol, max_norm and
    the first sums and scalars; `out` are x, value, nit, success and path.
    """
    call, advance = _caller(kind), _advance_of(kind)
    which, kept = tuple(range(kind.states)), tuple(range(VALUES, values_of(kind)))

    @jitable
    def solve(work, values, runs, first, count, args, shared, rates, starts, limits, numbers, out):
        (steps, every, gtol, max_norm), (x, value, nit, success, path) = numbers[:4], out
        d = x.shape[1]
        X, P, G, alive = work[:d], work[d : 2 * d], work[2 * d : 3 * d], work[(3 + len(which)) * d]
        states = parts(work[3 * d :], d, which)
        now, before, slopes = values[0], values[1], values[2]
        for i in range(count):
            alive[i] = 1
            put_items(values, kept, i, numbers[4:])
            row = first + i if starts.shape[1] > 1 else 0
            for j in range(d):
                X[j, i] = P[j, i] = x[first + i, j]
                scatter(states, (j, i), take(starts[:, row, j], which))
        for k in range(steps + 1):
            for i in range(count):
                now[i] = call(X[:, i], G[:, i], k + 1, gather(args, first + i), shared)
            events = 0
            for i in range(count):
                events += 1 if alive[i] != 0 and not abs(now[i]) < INFINITY else 0
            if gtol > 0:
                measure(X, G, slopes, limits[0], limits[1], count)
                for i in range(count):
                    events += 1 if slopes[i] <= gtol else 0
            left = 1
            if events > 0 or k == steps:
                left = settle(X, P, alive, values, value, nit, success, k, steps, gtol, first, count)
            if every > 0 and (k % every == 0 or left == 0):
                for at in range((k + every - 1) // every, path.shape[1] if left == 0 else k // every + 1):
                    for i in range(count):
                        for j in range(d):
                            path[first + i, at, j] = X[j, i]
            if left == 0:
                break
            for i in range(count):
                before[i] = now[i]
            advance(X, P, G, states, alive, runs, rates, limits, max_norm, k, first, count, values)
        for i in range(count):
            for j in range(d):
                x[first + i, j] = X[j, i]

    return solve


@jitable
def measure(X, G, slopes, lower, upper, count):
    """The largest component of each gradient, projected on the bounds; NaN if one is."""
    for i in range(count):
        slopes[i] = 0.0
    for j in range(X.shape[0]):
        for i in range(count):
            q = X[j, i] - G[j, i]
            q = lower[j] if q < lower[j] else upper[j] if q > upper[j] else q
            slope = np.float64(abs(X[j, i] - q))
            slopes[i] = slope if slope > slopes[i] or slope != slope else slopes[i]


@jitable
def settle(X, P, alive, values, value, nit, success, k, steps, gtol, first, count):
    """End the problems whose time has come after `k` steps; returns how many are left.

    One whose value is not finite goes back to where it was before.
    """
    left = 0
    for i in range(count):
        if alive[i] == 0:
            continue
        finite, reached = abs(values[0, i]) < INFINITY, gtol > 0 and values[2, i] <= gtol
        if finite and not reached and k < steps:
            left += 1
            continue
        alive[i] = 0
        back = not finite and k > 0
        if back:
            for j in range(X.shape[0]):
                X[j, i] = P[j, i]
        value[first + i] = values[1, i] if back else values[0, i]
        nit[first + i] = k - 1 if back else k
        success[first + i] = finite and (reached or gtol == 0)
    return left


def _caller(kind):
    """The function `(x, g, t, args, shared)` that calls the objective."""
    # Inlined, or else views of x and g, and all shared arrays, are counted at each call: atomically, and by all threads
    # at one address. An objective too large for LLVM to inline by itself took 7 times as long.
    fun = private(kind.fun, kind.fastmath, forceinline=True)
    if kind.takes_step:
        return jitable(lambda x, g, t, args, shared: fun(x, g, t, *(args + shared)), forceinline=True)
    return jitable(lambda x, g, t, args, shared: fun(x, g, *(args + shared)), forceinline=True)


def _advance_of(kind):
    """The function that takes a step of the problems that still go on."""
    weight, which, behind = weight_of(kind.update), tuple(range(AROUND + kind.coefs)), 1 + kind.states

    @jitable
    def move(X, P, G, states, alive, limits, c, j, i):
        p = X[j, i]
        new = weight(p, G[j, i], gather(states, (j, i)), c)
        lower, upper = limits[0][j], limits[1][j]
        q = lower if new[0] < lower else new[0]
        q = upper if q > upper else q
        P[j, i] = p
        X[j, i] = q if alive[i] != 0 else p
        scatter(states, (j, i), new[1:behind])
        return new[behind:]

    @jitable
    def together(X, P, G, states, alive, runs, rates, limits, max_norm, k, first, count, values):
        c = take(rates[0][k], which)
        for j in range(X.shape[0]):
            for i in range(count):
                move(X, P, G, states, alive, limits, c, j, i)

    if kind.coefficients is None and not kind.clips:
        return together
    coefficients, completed = _coefficients_of(kind, which), completer(kind.sums, kind.dtype.type)
    start, terms = (VALUES + kind.sums.before, kind.sums.after) if kind.sums else (VALUES, 0)
    after, nothing = tuple(range(start, start + terms)), (0.0,) * terms

    @jitable
    def apart(X, P, G, states, alive, runs, rates, limits, max_norm, k, first, count, values):
        for i in range(count):
            c = coefficients(rates, k, first + i, G, i, runs, max_norm)
            c = completed(c, rates, k, first + i, X, G, states, i, values)
            sums = nothing
            for j in range(X.shape[0]):
                sums = added(sums, cast(move(X, P, G, states, alive, limits, c, j, i), np.float64))
            put_items(values, after, i, sums)

    return apart


def completer(sums, dtype):
    """The function `(c, rates, k, row, X, G, states, i, values)` that completes a problem's coefficients."""
    if sums is None:
        return jitable(lambda c, rates, k, row, X, G, states, i, values: c)
    combine, picks, kept = private(sums.combine), tuple(sums.picks), tuple(range(VALUES, VALUES + sums.kept))
    total, scalars = _total_of(sums), kept[sums.before + sums.after :]

    @jitable
    def completed(c, rates, k, row, X, G, states, i, values):
        total(c, X, G, states, i, values)
        hyper = take(items_at(rates[BEFORE:], row, k), picks)
        more, new = combine(k + 1, *(items_of(values, kept, i) + hyper))
        put_items(values, scalars, i, new)
        return c + cast(more, dtype)

    return completed


def _total_of(sums):
    """The function `(c, X, G, states, i, values)` that sums what a problem's step needs first."""
    if not sums.before:
        return jitable(lambda c, X, G, states, i, values: None)
    terms, nothing, which = terms_of(sums.reduce), (0.0,) * sums.before, tuple(range(VALUES, VALUES + sums.before))

    @jitable
    def total(c, X, G, states, i, values):
        found = nothing
        for j in range(X.shape[0]):
            found = added(found, cast(terms(X[j, i], G[j, i], gather(states, (j, i)), c), np.float64))
        put_items(values, which, i, found)

    return total


def _coefficients_of(kind, which):
    """The function `(rates, k, row, G, i, runs, max_norm)` that gives a problem's coefficients of step `k + 1`."""
    dtype, single, around = kind.dtype.type, kind.dtype == np.float32, _factor_of(kind)

    @jitable
    def scaled(decay, keep, bound, most, G, i, runs, max_norm):
        factor, again = around(G, i, runs, bound, max_norm), 1.0
        bound = min(bound * factor if bound < INFINITY else bound, most)
        if single:
            factor, bound, again = two_factors(factor, bound)
        return cast((factor, decay, keep, bound, again, -INFINITY, INFINITY, 1.0), dtype)

    if kind.coefficients is None:

        @jitable
        def found(rates, k, row, G, i, runs, max_norm):
            c, bounds = take(rates[0][k], which), rates[1]
            return scaled(c[1], c[2], bounds[k, 0], bounds[k, 1], G, i, runs, max_norm) + c[AROUND:]

        return found
    function, end = private(kind.coefficients), BEFORE + kind.values

    @jitable
    def computed(rates, k, row, G, i, runs, max_norm):
        values = items_at(rates, row, k)
        own = cast(function(k + 1, *values[BEFORE:end]), dtype)
        return scaled(values[0], values[1], values[2], values[3], G, i, runs, max_norm) + own

    return computed


def _factor_of(kind):
    """The function `(G, i, runs, bound, max_norm)` that gives what clips the norm of a problem's gradient."""
    if not kind.clips:
        return jitable(lambda G, i, runs, bound, max_norm: 1.0)
    dtype, squares = kind.dtype.type, squares_of(kind.dtype, kind.dtype)

    @jitable
    def factor(G, i, runs, bound, max_norm):
        run, found = runs[i], NOTHING
        for j in range(run.size):
            run[j] = G[j, i]
        for start in range(0, run.size, TILE):
            found = sum_of(found, squares(run[start : min(start + TILE, run.size)], dtype(1), dtype(bound)))
        root, multiplier = root_of(found[0], found[2], found[3])
        return factor_of(root, multiplier, max_norm)

    return factor
