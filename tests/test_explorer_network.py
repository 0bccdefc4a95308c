"""The explorer's networks: real steps, grids, cuts and points that are the losses of the weights they name."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from conftest import SLOW

import fastadapt as fa
from fastadapt.commands import digits
from fastadapt.pages.explorer import cuts, points
from fastadapt.pages.explorer.grid import STAGES, Grids, box_around
from fastadapt.pages.explorer.network import Network
from fastadapt.pages.explorer.paths import shadow, true_values
from fastadapt.pages.explorer.plane import honest_plane
from fastadapt.pages.explorer.training import kept_steps, train

pytestmark = pytest.mark.skipif(SLOW, reason="trains with compiled kernels")


@pytest.fixture(scope="module")
def model():
    return Network("digits", (8,), seed=3)


@pytest.fixture(scope="module")
def paths(model):
    return [train(model, rule, {"lr": lr}, 3, 32, seed=3) for rule, lr in (("SGD", 0.1), ("Adam", 3e-3))]


@pytest.fixture(scope="module")
def plane(model, paths):
    return honest_plane(model.start, [path.weights for path in paths])


def by_hand(model, weights):
    """The values of weights, by the race's own functions."""
    data, params = model.data, model.structure.split(np.asarray(weights, np.float32))
    losses = [digits.loss(params, *pair) for pair in ((data.X, data.y), (data.X_test, data.y_test))]
    errors = [1 - digits.accuracy(params, *pair) for pair in ((data.X, data.y), (data.X_test, data.y_test))]
    return losses[0], errors[0], losses[1], errors[1]


def test_a_path_is_the_steps_of_the_optimizer_itself(model, paths):
    params = [p.copy() for p in model.structure.split(model.start)]
    optimizer = fa.Adam(params, lr=3e-3)
    rng, kept = np.random.default_rng([3, 2]), [model.start]
    for _ in range(3):
        order = rng.permutation(len(model.data.y))
        for i in range(0, len(order), 32):
            rows = order[i : i + 32]
            optimizer.step(digits.gradients(params, model.data.X[rows], model.data.y[rows]))
            kept.append(np.concatenate([p.ravel() for p in params]))
    assert paths[1].steps[-1] == 3 * 45
    assert np.array_equal(paths[1].weights, np.array(kept)[paths[1].steps])


def test_the_kept_steps_have_the_start_the_end_and_the_ends_of_the_epochs():
    for total, epoch in ((1, 1), (900, 45), (45 * 7, 45), (100_000, 45)):
        kept = kept_steps(total, epoch)
        assert kept[0] == 0
        assert kept[-1] == total
        assert (np.diff(kept) > 0).all()
        assert len(kept) < 220
    assert set(range(0, 901, 45)) <= set(kept_steps(900, 45))


def test_a_training_that_leaves_the_numbers_ends_there_and_says_when(model):
    path = train(model, "SGD", {"lr": 3e38}, 2, 32, seed=0)
    assert path.diverged is not None
    assert np.isfinite(path.weights).all()
    assert path.steps[-1] < path.diverged


def test_the_values_of_weights_are_those_of_the_races_functions(model, paths):
    for weights in (model.start, paths[0].weights[-1]):
        # Both sum in float64 what was computed in float32.
        assert model.evaluate(weights) == pytest.approx(by_hand(model, weights), rel=1e-6)


def test_the_gradient_is_that_of_the_loss(model):
    direction = np.random.default_rng(0).standard_normal(model.structure.size)
    start, step = model.start.astype(np.float64), 1e-5

    def loss(w):
        return digits.loss(model.structure.split(w), model.data.X.astype(float), model.data.y)

    difference = (loss(start + step * direction) - loss(start - step * direction)) / (2 * step)
    # A central difference is wrong by step² and by the rounding 1e-16 / step.
    assert model.gradient(start) @ direction == pytest.approx(difference, rel=1e-6)


def test_the_planes_loss_at_the_start_is_the_true_one(model, plane, paths):
    for path in paths:
        below, true = shadow(model, plane, path).below, true_values(model, path)
        assert below["loss"][0] == pytest.approx(true["loss"][0], rel=1e-6)


def test_a_grid_holds_the_losses_of_the_weights_of_its_points(model, plane, paths):
    box = box_around([plane.project(path.weights)[0] for path in paths])
    grid = Grids(model).compute(plane, box, 21)
    assert grid.a[[0, -1]] == pytest.approx(box[:2])
    assert grid.b[[0, -1]] == pytest.approx(box[2:])
    for row, column in ((0, 0), (7, 12), (20, 3), (10, 10), (13, 20)):
        weights = plane.origin + grid.a[column] * plane.basis[0] + grid.b[row] * plane.basis[1]
        found = [grid.values[name][row, column] for name in ("loss", "error", "test_loss", "test_error")]
        assert found == pytest.approx(by_hand(model, weights), rel=1e-6)


@pytest.mark.maintainer
def test_a_fine_grid_shows_the_coarser_ones_first_and_computes_no_point_twice(model, plane, monkeypatch):
    evaluated, shown = [], []

    def evaluate(weights, own=model.evaluate):
        evaluated.append(weights.tobytes())
        return own(weights)

    monkeypatch.setattr(model, "evaluate", evaluate)
    grids = Grids(model)
    found = grids.compute(plane, (-1.0, 2.0, -1.0, 1.0), 41, show=shown.append)
    assert [len(grid.a) for grid in shown] == list(STAGES[:-1])
    assert np.array_equal(found.values["loss"][::2, ::2], shown[-1].values["loss"])
    assert len(evaluated) == len(set(evaluated)) == 41**2
    assert grids.compute(plane, (-1.0, 2.0, -1.0, 1.0), 41) is found
    assert len(evaluated) == 41**2


def test_a_grid_can_be_stopped_and_keeps_what_was_whole(model, plane):
    grids, box = Grids(model), (-1.0, 1.0, -1.0, 1.0)

    def stop(share):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grids.compute(plane, box, 41, tell=stop)
    assert grids.known(plane, box, 21) is not None
    assert grids.known(plane, box, 41) is None


def test_the_progress_of_a_grid_only_grows_and_ends_at_one(model, plane):
    told = []
    Grids(model).compute(plane, (-1.0, 1.0, -1.0, 1.0), 21, tell=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_cut_begins_before_the_start_and_has_both_ends_on_it(model, paths):
    end = paths[0].weights[-1]
    cut = cuts.cut_to_end(model, model.start, end)
    for along, weights in ((0, model.start), (1, end)):
        values = cut.values["loss"], cut.values["test_loss"]
        found = [np.interp(along, cut.along, each) for each in values]
        # Neither lies on a point of the cut; between points that are 0.0375 apart the curve bends.
        assert found == pytest.approx([by_hand(model, weights)[0], by_hand(model, weights)[2]], rel=0.02)


def test_a_cut_along_the_top_curvature_bends_as_it_says(model, paths):
    found, cut = cuts.steepest_cut(model, paths[1].weights[-1])
    assert found.converged
    middle, h = len(cut.along) // 2, cut.along[1] - cut.along[0]
    assert cut.along[middle] == pytest.approx(0, abs=1e-12)
    loss = cut.values["loss"]
    second = (loss[middle + 1] - 2 * loss[middle] + loss[middle - 1]) / h**2
    # The fourth derivative, at a step of a twentieth of the reach.
    assert second == pytest.approx(found.value, rel=0.05)


def test_a_point_shows_sixteen_test_images_with_what_the_network_says(model, plane):
    seen = points.seen(model, points.weights_at(model, plane, 0.5, 0.1))
    images = seen["predictions"]["images"]
    params = model.structure.split(plane.at(0.5, 0.1).astype(np.float32))
    says = digits.activations(params, model.data.X_test[:16])[-1].argmax(axis=1)
    assert [image["says"] for image in images] == says.tolist()
    assert [image["label"] for image in images] == model.data.y_test[:16].tolist()
    assert np.array_equal(images[3]["pixels"], (model.data.X_test[3] * 16).reshape(8, 8))
    assert seen["values"]["test_error"] == pytest.approx(by_hand(model, plane.at(0.5, 0.1))[3])


def test_training_from_a_point_begins_there_and_leaves_the_plane(model, plane):
    path = train(model, "SGD", {"lr": 0.1}, 1, 32, 0, points.weights_at(model, plane, 1.0, 0.5))
    coordinates, off = plane.project(path.weights)
    # The weights at the point are rounded to float32: n^½ times half a unit in the last place of weights up to 1.
    assert coordinates[0] == pytest.approx([1.0, 0.5], abs=1e-5)
    assert off[0] < 1e-5
    assert off[-1] > 0.05


def test_the_same_seed_gives_the_same_start_and_batches_to_every_rule(model):
    again = Network("digits", (8,), seed=3)
    assert np.array_equal(model.start, again.start)
    assert np.array_equal(model.data.y, again.data.y)
    assert not np.array_equal(model.start, Network("digits", (8,), seed=4).start)


def test_the_spirals_are_learnt_and_their_map_says_where_each_class_is():
    model = Network("spirals", (16, 16), seed=0)
    path = train(model, "Adam", {"lr": 0.02}, 15, 32, seed=0)
    first, last = model.evaluate(path.weights[0]), model.evaluate(path.weights[-1])
    assert last.test_error < first.test_error / 2
    shown = model.predictions(path.weights[-1])
    assert shown["kind"] == "map"
    assert np.shape(shown["says"]) == (40, 40)
    assert set(np.ravel(shown["says"])) <= {0, 1, 2}
