"""Trees of arrays as vectors, and what the explorer says of those that do not fit."""

import numpy as np
import pytest

pytest.importorskip("threadpoolctl")

from fastadapt.pages.explorer.given import Given
from fastadapt.pages.explorer.training import kept_steps
from fastadapt.pages.explorer.trees import Structure, path_vectors


def start():
    return {"layer": {"W": np.arange(6.0).reshape(2, 3), "b": np.zeros(3)}, "last": [np.ones(2)]}


def test_a_tree_comes_back_from_its_vector_in_its_own_containers():
    structure = Structure(start())
    vector = structure.vector(start(), "start")
    tree = structure.tree(vector + 1)
    assert tree["layer"]["W"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tree["last"][0].tolist() == [2, 2]
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 0, 0, 0, 1, 1]


def test_a_single_array_is_a_tree():
    structure = Structure(np.ones((2, 2), np.float32))
    assert structure.dtype == np.float32
    assert structure.tree(structure.vector(np.zeros((2, 2), np.float32), "x")).shape == (2, 2)


def changed(**changes):
    tree = start()
    tree["layer"] |= changes
    return tree


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([start()], r"paths\['Adam'\]: expected at least 2 points.* not 1"),
        (3, r"paths\['Adam'\]: expected a list of points"),
        ([start(), changed(b=np.ones(4))], r"paths\['Adam'\]\[1\]\[\"layer\"\]\[\"b\"\].*shape \(3,\).* not \(4,\)"),
        ([start(), changed(b=[np.nan, 0.0, 1.0])], r"\[1\]\[\"layer\"\]\[\"b\"\]: expected finite weights, not nan"),
        ([start(), changed(W=None)], r"\[1\]\[\"layer\"\]\[\"W\"\]: expected an array, not None"),
        ([start(), changed(W=np.ones((2, 3), int))], r"\[\"W\"\]: expected an array of floats"),
        ([start(), {"layer": start()["layer"]}], r"paths\['Adam'\]\[1\].*no \"last\""),
        ([changed(b=np.ones(3)), start()], r"paths\['Adam'\]\[0\]: expected the start.* not a point 1\.73 from it"),
    ],
)
def test_a_path_that_does_not_fit_is_an_error_that_names_it(points, message):
    structure = Structure(start())
    with pytest.raises((TypeError, ValueError), match=message):
        path_vectors(structure, structure.vector(start(), "start"), points, "paths['Adam']", np.arange)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"loss": 3}, TypeError, "loss: expected a function"),
        ({"loss": lambda w: "x"}, TypeError, "loss: expected a number, not str"),
        ({"loss": lambda w: np.nan}, ValueError, "loss: expected a finite number at start"),
        ({"loss": lambda w: 1.0, "grad": 3}, TypeError, "grad: expected a function"),
        ({"loss": lambda w: 1.0, "start": []}, ValueError, "start: expected at least one array"),
        ({"loss": lambda w: 1.0, "start": np.zeros(1)}, ValueError, "start: expected at least two weights"),
        ({"loss": lambda w: 1.0, "start": np.zeros(0)}, ValueError, "start: expected at least one weight"),
    ],
)
def test_a_network_that_cannot_be_explored_is_an_error_that_names_why(given, error, message):
    with pytest.raises(error, match=message):
        Given(**{"start": start()} | given)


def test_a_loss_gets_a_tree_of_its_own_which_it_may_write_to():
    seen = []

    def loss(tree):
        tree["layer"]["W"] *= 0
        seen.append(tree)
        return float(sum(np.sum(a) for a in (tree["layer"]["b"], tree["last"][0])))

    given = Given(loss, start())
    assert given.evaluate(given.start).loss == given.evaluate(given.start).loss == 2
    assert seen[0]["layer"]["W"] is not seen[1]["layer"]["W"]


def test_a_gradient_that_does_not_fit_is_named_and_a_missing_one_says_what_it_is_for():
    with pytest.raises(ValueError, match=r"grad\[\"layer\"\]\[\"b\"\]: expected shape \(3,\)"):
        (given := Given(lambda w: 1.0, start(), grad=lambda w: changed(b=np.ones(4)))).gradient(given.start)
    with pytest.raises(ValueError, match="grad: expected a function, which training and curvature need"):
        (given := Given(lambda w: 1.0, start())).gradient(given.start)


def right(w):
    return {"layer": {"W": 2 * w["layer"]["W"], "b": np.cos(w["layer"]["b"])}, "last": [np.ones(2, np.float32)]}


def squares(w):
    return float((w["layer"]["W"] ** 2).sum() + np.sin(w["layer"]["b"]).sum() + w["last"][0].sum())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_that_is_not_that_of_the_loss_is_refused_with_both_numbers(dtype):
    def begun():
        tree = start()
        return {"layer": {k: a.astype(dtype) for k, a in tree["layer"].items()}, "last": [np.ones(2, dtype)]}

    assert Given(squares, begun(), grad=right).can_train
    with pytest.raises(
        ValueError,
        match=r'grad\["layer"\]\["W"\]: expected the gradient of the loss, but at start its '
        r"length is 7\.41\d*, and differences of the loss along it give 14\.8",
    ):
        Given(squares, begun(), grad=lambda w: right(w) | {"layer": right(w)["layer"] | {"W": w["layer"]["W"]}})
    with pytest.raises(ValueError, match=r'grad\["layer"\]\["b"\].* length is 0, and differences'):
        Given(squares, begun(), grad=lambda w: right(w) | {"layer": right(w)["layer"] | {"b": np.zeros(3)}})
    with pytest.raises(LookupError, match="no gradient"):
        Given(squares, begun(), grad=raising)


def raising(w):
    raise LookupError("no gradient")


def test_a_path_may_be_an_array_with_a_row_for_each_point():
    rows = np.arange(12.0).reshape(4, 3)
    steps, found = path_vectors(Structure(rows[0]), rows[0], rows, "paths['Adam']", lambda last: np.arange(last + 1))
    assert (steps.tolist(), found.tolist()) == ([0, 1, 2, 3], rows.tolist())
    with pytest.raises(TypeError, match="expected a list of points, each like start, not ndarray"):
        path_vectors(Structure(start()), np.zeros(11), rows, "paths['Adam']", np.arange)


def test_of_a_long_path_points_are_kept_that_are_its_own_with_their_numbers():
    structure = Structure(np.zeros(3))
    points = [np.full(3, float(k)) for k in range(1000)]
    numbers, rows = path_vectors(structure, np.zeros(3), points, "paths['long']", lambda last: kept_steps(last, 1))
    assert numbers[[0, -1]].tolist() == [0, 999]
    assert len(numbers) < 130
    assert np.array_equal(rows[:, 0], numbers)
