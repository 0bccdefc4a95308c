"""The explorer's planes: orthonormal, where they say they are, and as explicit algebra gives them."""

import numpy as np
import pytest

from fastadapt.pages.explorer.plane import (
    Plane,
    honest_plane,
    own_plane,
    pca_plane,
    random_plane,
    share_explained,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def bent_paths(rng, count=3, points=12, size=40):
    """Paths from one start that bend into dimensions of their own."""
    start = rng.standard_normal(size)
    ends = start + 3 * rng.standard_normal((count, size))
    t = np.linspace(0, 1, points)[:, None]
    return start, [start + t * (end - start) + t * (1 - t) * rng.standard_normal(size) for end in ends]


def planes(rng):
    start, paths = bent_paths(rng)
    first, second = rng.standard_normal((2, 40))
    return [honest_plane(start, paths), pca_plane(paths), own_plane(start, first, second)]


def test_the_planes_have_orthonormal_directions(rng):
    for plane in planes(rng):
        assert plane.basis @ plane.basis.T == pytest.approx(np.eye(2), abs=1e-14)


def test_the_honest_plane_holds_the_start_and_the_mean_of_the_ends(rng):
    start, paths = bent_paths(rng)
    plane = honest_plane(start, paths)
    mean_end = np.mean([path[-1] for path in paths], axis=0)
    coordinates, off = plane.project(np.stack([start, mean_end]))
    # Coordinates of size 3 in float64.
    assert off == pytest.approx([0, 0], abs=1e-14 * 30)
    assert coordinates == pytest.approx(np.array([[0, 0], [np.linalg.norm(mean_end - start), 0]]), abs=1e-13)


def test_the_honest_plane_of_two_straight_paths_holds_both(rng):
    start = rng.standard_normal(30)
    ends = start + rng.standard_normal((2, 30))
    plane = honest_plane(start, [np.stack([start, (start + end) / 2, end]) for end in ends])
    assert plane.project(ends)[1] == pytest.approx([0, 0], abs=1e-13)


def test_no_second_direction_explains_more_of_what_the_first_leaves(rng):
    start, paths = bent_paths(rng)
    plane = honest_plane(start, paths)
    left = sum((plane.project(path)[1] ** 2).sum() for path in paths)
    for _ in range(50):
        other = own_plane(start, plane.basis[0], plane.basis[1] + 0.3 * rng.standard_normal(40))
        assert sum((other.project(path)[1] ** 2).sum() for path in paths) > left


def test_the_pca_plane_spans_the_first_two_singular_directions(rng):
    _, paths = bent_paths(rng)
    points = np.concatenate(paths)
    directions = np.linalg.svd(points - points.mean(axis=0))[2][:2]
    plane = pca_plane(paths)
    # Both spans are one where each basis keeps its length in the other.
    assert np.linalg.svd(plane.basis @ directions.T)[1] == pytest.approx([1, 1], abs=1e-10)


def test_pca_explains_the_share_of_the_two_largest_singular_values_and_most_of_all(rng):
    start, paths = bent_paths(rng)
    points = np.concatenate(paths)
    squares = np.linalg.svd(points - points.mean(axis=0))[1] ** 2
    assert share_explained(pca_plane(paths), paths) == pytest.approx(squares[:2].sum() / squares.sum(), rel=1e-10)
    assert share_explained(honest_plane(start, paths), paths) < share_explained(pca_plane(paths), paths)


def test_a_projection_is_the_nearest_point_also_where_the_directions_are_oblique(rng):
    basis = rng.standard_normal((2, 7)) * np.array([[3.0], [0.2]])
    plane = Plane("random", rng.standard_normal(7), basis)
    points = rng.standard_normal((5, 7))
    coordinates, off = plane.project(points)
    for point, found, distance in zip(points, coordinates, off, strict=True):
        wanted = np.linalg.lstsq(basis.T, point - plane.origin)[0]
        assert found == pytest.approx(wanted, rel=1e-10)
        assert distance == pytest.approx(np.linalg.norm(point - plane.at(*wanted)), rel=1e-10)


def test_the_parallel_plane_through_a_point_keeps_all_coordinates(rng):
    start, paths = bent_paths(rng)
    plane = honest_plane(start, paths)
    moved = plane.through(paths[0][5])
    assert moved.project(paths[0][5:6])[1] == pytest.approx([0], abs=1e-13)
    assert moved.project(paths[1])[0] == pytest.approx(plane.project(paths[1])[0], abs=1e-12)


@pytest.mark.parametrize(("filters", "axis"), [(-1, 0), (0, 1)])
def test_random_directions_have_the_filters_norms_of_the_centre_and_no_biases(rng, filters, axis):
    W, bias = rng.standard_normal((6, 4)), rng.standard_normal(4)
    plane = random_plane(np.concatenate([W.ravel(), bias]), [W.shape, bias.shape], seed=3, filters=filters)
    for direction in plane.basis:
        found = np.linalg.norm(direction[:24].reshape(6, 4), axis=axis)
        assert found == pytest.approx(np.linalg.norm(W, axis=axis), rel=1e-12)
        assert not direction[24:].any()


def test_random_directions_follow_the_seed(rng):
    centre = rng.standard_normal(12)
    first, again, other = (random_plane(centre, [(3, 4)], seed).basis for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_paths_whose_ends_average_to_the_start_still_have_an_honest_plane(rng):
    start, end, bend = rng.standard_normal((3, 9))
    t = np.linspace(0, 1, 7)[:, None]
    paths = [start + sign * (t * end + t * (1 - t) * bend) for sign in (1, -1)]
    plane = honest_plane(start, paths)
    assert plane.basis @ plane.basis.T == pytest.approx(np.eye(2), abs=1e-13)
    assert max(plane.project(path)[1].max() for path in paths) < 1e-12


def test_a_plane_of_paths_on_one_line_still_has_two_directions():
    start = np.array([1.0, 2.0, 3.0])
    path = start + np.linspace(0, 1, 5)[:, None] * np.array([1.0, 0.0, 0.0])
    plane = honest_plane(start, [path])
    assert plane.basis @ plane.basis.T == pytest.approx(np.eye(2), abs=1e-14)
    assert share_explained(plane, [path]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: honest_plane(np.ones(3), [np.ones((4, 3))]), "paths: expected one that moves"),
        (lambda: pca_plane([np.ones((4, 3))]), "paths: expected one that moves"),
        (lambda: own_plane(np.zeros(3), np.zeros(3), np.ones(3)), r"directions\[0\]"),
        (lambda: own_plane(np.zeros(3), np.ones(3), 2 * np.ones(3)), r"directions\[1\].*multiple"),
        (lambda: random_plane(np.ones(3), [(3,)], 0), "two axes"),
    ],
)
def test_a_plane_that_does_not_exist_says_why(make, message):
    with pytest.raises(ValueError, match=message):
        make()
