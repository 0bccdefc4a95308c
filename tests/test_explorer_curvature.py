"""The top curvature beside Hessians that are known."""

import numpy as np
import pytest

from fastadapt.pages.explorer.curvature import TOLERANCE, top_curvature


def quadratic(values, seed=0):
    """The Hessian with these eigenvalues in random directions."""
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return Q @ np.diag(values) @ Q.T, Q


def test_the_top_curvature_of_a_quadratic_is_its_largest_eigenvalue():
    H, Q = quadratic(np.concatenate([np.linspace(0.1, 5, 59), [9.0]]))
    centre = np.random.default_rng(1).standard_normal(60)
    found = top_curvature(lambda w: H @ w, centre)
    assert found.converged
    # The error of a Ritz value is the square of the residual over the gap; differences are right to 1e-12 / length.
    assert found.value == pytest.approx(9.0, rel=TOLERANCE)
    assert abs(found.direction @ Q[:, -1]) == pytest.approx(1, abs=1e-3)
    assert np.linalg.norm(H @ found.direction - found.value * found.direction) <= 2 * found.residual + 1e-6


def test_the_largest_eigenvalue_counts_and_not_the_one_of_largest_size():
    H, _ = quadratic(np.concatenate([[-20.0], np.linspace(-1, 1, 40), [3.0]]))
    found = top_curvature(lambda w: H @ w, np.ones(42))
    assert found.value == pytest.approx(3.0, rel=TOLERANCE)
    assert found.lowest == pytest.approx(-20.0, rel=TOLERANCE)


def test_a_search_cut_short_says_so_and_how_far_it_is():
    H, _ = quadratic(np.linspace(1, 2, 200))
    found = top_curvature(lambda w: H @ w, np.ones(200), most=4)
    assert not found.converged
    assert found.rounds == 4
    assert found.residual > TOLERANCE * found.value
    assert np.abs(np.linspace(1, 2, 200) - found.value).min() <= found.residual


def test_the_curvature_of_a_plain_that_is_flat_is_zero():
    found = top_curvature(lambda w: np.ones(5), np.ones(5))
    assert found.value == 0
    assert found.converged


def test_the_step_of_a_difference_is_small_enough_for_a_third_derivative():
    # The Hessian of sum(w⁴) / 12 is diag(w²).
    w = np.linspace(0.1, 3, 30)
    found = top_curvature(lambda w: w**3 / 3, w)
    assert found.value == pytest.approx(9.0, rel=2 * TOLERANCE)
