"""The explorer's backend without a browser: what it answers, what it refuses, and what a saved page holds."""

import json
import time

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("plotly")

from conftest import SLOW

import fastadapt as fa
from fastadapt.pages.checks import RequestError
from fastadapt.pages.explorer.session import Explorer
from fastadapt.pages.explorer.setup import PlaneSpec, Setup, plane_of, setup_of
from fastadapt.pages.explorer.show import explore
from fastadapt.pages.jobs import Quiet

pytestmark = pytest.mark.skipif(SLOW, reason="trains with compiled kernels")

SETUP = Setup("digits", (8,), 0, 2, 64, (("SGD", 0.1), ("Adam", 3e-3)))
ASKED = {
    "data": "digits", "hidden": [8], "seed": 0, "epochs": 2, "batch": 64,
    "rules": [{"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 3e-3}],
}  # fmt: skip


@pytest.fixture(scope="module")
def backend():
    return Explorer(SETUP)


def answered(backend, request):
    """The result of a request that begins a job, and every partial result before it."""
    key = backend.answer({"client": "me"} | request)["job"]
    partial, version = [], 0
    for _ in range(3000):
        look = backend.answer({"do": "look", "job": key, "client": "me", "version": version})
        if look["version"] > version:
            partial.append(look.get("partial"))
            version = look["version"]
        if look["state"] != "running":
            assert look["state"] == "done", look.get("error")
            return look["result"], [each for each in partial if each]
        time.sleep(0.01)
    raise AssertionError("the job does not end")


def view(backend, plane=None, side=11, setup=None, **more):
    request = {"do": "view", "setup": ASKED | (setup or {}), "plane": plane or {"kind": "honest"}, "side": side}
    return answered(backend, request | more)


def test_everything_that_is_answered_is_json_without_nan(backend):
    json.dumps(backend.describe(), allow_nan=False)
    for kind in ("honest", "pca", "random", "own"):
        json.dumps(view(backend, {"kind": kind})[0], allow_nan=False)


def test_a_view_has_the_paths_the_plane_and_a_grid_that_fit_together(backend):
    result, _ = view(backend, side=21)
    assert [path["name"] for path in result["training"]["paths"]] == ["SGD", "Adam"]
    steps = [len(path["steps"]) for path in result["training"]["paths"]]
    assert steps == [len(path["a"]) for path in result["plane"]["paths"]]
    assert np.shape(result["grid"]["values"]["test_error"]) == (21, 21)
    assert result["grid"]["key"].startswith(result["plane"]["key"])
    for true, below in zip(result["training"]["paths"], result["plane"]["paths"], strict=True):
        # Five digits are told; the start lies on the plane.
        assert true["true"]["loss"][0] == pytest.approx(below["below"]["loss"][0], rel=2e-5)
        assert below["off"][0] == pytest.approx(0, abs=1e-9)


def test_the_loss_told_of_a_path_is_that_of_the_weights_it_had(backend):
    result, _ = view(backend)
    path = backend.source.paths(SETUP, lambda share, name: None)[1]
    model = backend.source.model(SETUP)
    told = result["training"]["paths"][1]
    k = len(path.steps) // 2
    assert told["steps"] == path.steps.tolist()
    assert told["true"]["loss"][k] == pytest.approx(model.evaluate(path.weights[k]).loss, rel=1e-4)


def test_what_the_page_has_is_not_sent_again(backend):
    first, _ = view(backend)
    have = [first["training"]["key"], first["plane"]["key"]]
    again, _ = view(backend, have=have)
    assert set(again) == {"grid"}
    other, _ = view(backend, {"kind": "pca"}, have=have)
    assert set(other) == {"plane", "grid"}


def test_moving_the_centre_puts_that_point_of_the_path_on_the_plane_and_keeps_coordinates(backend):
    first, moved = view(backend)[0]["plane"], view(backend, {"kind": "honest", "centre": [1, 2]})[0]["plane"]
    assert moved["paths"][1]["off"][-1] == pytest.approx(0, abs=1e-5)
    assert moved["paths"][0]["off"][0] > 0.01
    assert moved["paths"][0]["a"] == pytest.approx(first["paths"][0]["a"], abs=1e-4)


def test_a_zoomed_plane_is_a_part_of_it_around_the_point(backend):
    whole = view(backend)[0]["plane"]["box"]
    part = view(backend, {"kind": "honest", "zoom": 4, "around": [0.5, 0.25]})[0]["plane"]["box"]
    assert part[1] - part[0] == pytest.approx((whole[1] - whole[0]) / 4, rel=1e-3)
    assert (part[0] + part[1]) / 2 == pytest.approx(0.5, abs=1e-3)
    assert (part[2] + part[3]) / 2 == pytest.approx(0.25, abs=1e-3)


def test_training_from_a_point_adds_a_path_that_begins_there(backend):
    branch = {"rule": "SGD", "lr": 0.1, "epochs": 1, "plane": {"kind": "honest"}, "at": [0.5, 0.2]}
    result, _ = view(backend, setup={"branches": [branch]})
    path, where = result["training"]["paths"][2], result["plane"]["paths"][2]
    assert path["name"] == "SGD"
    assert (where["a"][0], where["b"][0]) == pytest.approx((0.5, 0.2), abs=1e-4)
    assert where["off"][-1] > where["off"][0]
    # The plane is that of the paths from the start alone.
    assert result["plane"]["paths"][0]["a"] == view(backend)[0]["plane"]["paths"][0]["a"]


def test_hyperparameters_that_are_set_reach_the_optimizer_and_others_are_its_own(backend):
    rules = [{"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 3e-3, "hyper": {"beta1": 0.5, "beta2": 0.999}}]
    setup = setup_of({"setup": ASKED | {"rules": rules}})
    assert setup.given(1) == {"lr": 3e-3, "beta1": 0.5}
    own, other = backend.source.paths(SETUP, lambda *told: None), backend.source.paths(setup, lambda *told: None)
    assert np.array_equal(own[0].weights, other[0].weights)
    model = backend.source.model(SETUP)
    params = [p.copy() for p in model.structure.split(model.start)]
    optimizer = fa.Adam(params, lr=3e-3, beta1=0.5)
    order = np.random.default_rng([0, 2]).permutation(len(model.data.y))[:64]
    optimizer.step(model.batch_gradients(params, order))
    assert np.array_equal(other[1].weights[1], np.concatenate([p.ravel() for p in params]))
    assert not np.array_equal(own[1].weights[-1], other[1].weights[-1])


def test_the_controls_of_a_rule_are_those_of_its_signature(backend):
    told = {control["name"]: control for control in backend.describe()["hyper"]["SGD+momentum"]}
    assert told["momentum"]["default"] == 0.9
    assert told["nesterov"] == {"name": "nesterov", "kind": "switch", "default": False} | told["nesterov"]
    assert set(told) <= set(fa.SGD.defaults)


def test_a_point_of_the_plane_and_one_of_a_path_are_the_weights_there(backend):
    asked = {"do": "point", "client": "me", "setup": ASKED, "plane": {"kind": "honest"}}
    start = backend.answer(asked | {"at": [0, 0]})
    first = backend.answer(asked | {"path": 1, "index": 0})
    assert start["values"]["loss"] == pytest.approx(first["values"]["loss"], rel=1e-6)
    assert len(start["predictions"]["images"]) == 16
    last = backend.answer(asked | {"path": 1, "index": 5})
    assert last["values"]["loss"] < first["values"]["loss"]


def test_cuts_end_where_the_paths_do_and_say_how_sure_the_curvature_is(backend):
    result, partial = answered(backend, {"do": "cuts", "setup": ASKED})
    true = view(backend)[0]["training"]["paths"]
    assert len(result["cuts"]) == 2
    for cut, path in zip(result["cuts"], true, strict=True):
        at_end = np.interp(1, cut["to_end"]["along"], cut["to_end"]["values"]["loss"])
        assert at_end == pytest.approx(path["true"]["loss"][-1], rel=0.02)
        assert cut["to_end"]["unit"] == pytest.approx(path["away"][-1], rel=1e-4)
        assert cut["curvature"]["converged"]
        assert cut["curvature"]["residual"] < cut["curvature"]["value"] / 100
    assert all(len(each["cuts"]) <= 2 for each in partial)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "faces"}, "data: expected one of digits, spirals"),
        ({"hidden": []}, "hidden: expected a list of 1 to 3"),
        ({"hidden": [10_000]}, "hidden: expected a number from 1 to 128"),
        ({"hidden": ["8"]}, "hidden: expected a list of whole numbers"),
        ({"epochs": 10_000}, "epochs: expected a number from 1 to 200"),
        ({"epochs": 2.5}, "epochs: expected a whole number"),
        ({"rules": []}, "rules: expected a list of 1 to 8"),
        ({"rules": [{"name": "os.system"}]}, "name: expected one of LAMB, SGD"),
        ({"rules": [{"name": "Adam", "lr": -1}]}, "lr: expected a number from"),
        ({"rules": [{"name": "Adam"}] * 2}, "each rule once"),
        ({"rules": [{"name": "Adam", "hyper": {"rho": 0.9}}]}, "Adam: expected hyperparameters of beta1, beta2"),
        ({"rules": [{"name": "Adam", "hyper": {"beta1": 1.5}}]}, "Adam: expected beta1 to be at least 0 and below 1"),
        ({"rules": [{"name": "Adam", "hyper": {"beta1": "x"}}]}, "beta1: expected a number"),
        ({"rules": [{"name": "SGD", "hyper": {"nesterov": 1}}]}, "nesterov: expected true or false"),
        ({"branches": [{"rule": "Adam", "at": [0]}]}, "at: expected 2 numbers"),
        ({"branches": [{"rule": "Adam", "at": [0, 1e9]}]}, "at: expected a number from"),
        ({"branches": [{}] * 9}, "branches: expected a list of 0 to 8"),
    ],
)
def test_a_setup_out_of_bounds_is_refused_by_name(change, message):
    with pytest.raises(RequestError, match=message):
        setup_of({"setup": ASKED | change})


@pytest.mark.parametrize(
    ("plane", "message"),
    [
        ({"kind": "flat"}, "kind: expected one of honest"),
        ({"zoom": 3}, "zoom: expected one of 1, 2, 4"),
        ({"centre": [0]}, "centre: expected 2 numbers"),
        ({"pair": "01"}, "pair: expected 2 numbers"),
    ],
)
def test_a_plane_out_of_bounds_is_refused_by_name(plane, message):
    with pytest.raises(RequestError, match=message):
        plane_of({"plane": plane})


def test_a_path_that_is_not_there_is_a_failed_job_that_says_so(backend):
    key = backend.answer(
        {"do": "view", "client": "me", "setup": ASKED, "plane": {"kind": "own", "pair": [0, 7]}, "side": 11}
    )["job"]
    for _ in range(1000):
        look = backend.answer({"do": "look", "job": key, "client": "me"})
        if look["state"] != "running":
            break
        time.sleep(0.01)
    assert look["state"] == "failed"
    assert "expected a number from 0 to 1, not 7" in look["error"]


def least_squares():
    """A problem with a start, its loss and gradient, and two paths of real steps."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 6)), rng.standard_normal((40, 2))

    def loss(tree):
        return float(((X @ tree["W"] + tree["b"] - y) ** 2).mean())

    def grad(tree):
        off = 2 * (X @ tree["W"] + tree["b"] - y) / y.size
        return {"W": (X.T @ off).astype(np.float32), "b": off.sum(axis=0).astype(np.float32)}

    # In float32, for which the kernels are compiled already.
    start = {"W": rng.standard_normal((6, 2)).astype(np.float32), "b": np.zeros(2, np.float32)}
    paths = {}
    for name, rule in {"down": fa.SGD, "Adam": fa.Adam}.items():
        params = {key: p.copy() for key, p in start.items()}
        optimizer = rule(params, lr=0.1)
        paths[name] = [start]
        for _ in range(20):
            optimizer.step(grad(params))
            paths[name].append({key: p.copy() for key, p in params.items()})
    return loss, grad, start, paths


@pytest.mark.maintainer
def test_a_network_of_the_users_is_explored_by_its_own_functions(monkeypatch):
    loss, grad, start, paths = least_squares()
    seen = []
    monkeypatch.setattr("fastadapt.pages.present.serve", lambda backend, page, **more: seen.append(backend))
    explore(loss, start, paths, grad=grad, error=lambda tree: 0.25, predictions=lambda tree: ["a", "b"])
    backend = seen[0]
    description = backend.describe()
    assert not description["trains"]
    assert description["can"] == {"train": True, "directions": False}
    assert {"down", "Adam"} <= set(description["styles"])
    branch = {"rule": "Adam", "lr": 0.1, "epochs": 5, "plane": {}, "at": [1, 1]}
    result, _ = answered(backend, {"do": "view", "setup": {"branches": [branch]}, "plane": {}, "side": 11})
    assert [path["name"] for path in result["training"]["paths"]] == ["down", "Adam", "Adam"]
    assert result["training"]["metrics"] == ["loss", "error"]
    told = result["training"]["paths"][0]["true"]["loss"]
    assert told == pytest.approx([loss(tree) for tree in paths["down"]], rel=1e-4)
    point = backend.answer({"do": "point", "client": "me", "setup": {}, "plane": {}, "at": [0, 0]})
    assert point["values"] == {"loss": pytest.approx(loss(start)), "error": 0.25, "test_loss": None, "test_error": None}
    assert point["predictions"] == {"kind": "text", "lines": ["a", "b"]}
    cuts, _ = answered(backend, {"do": "cuts", "setup": {}})
    assert all(cut["curvature"]["converged"] for cut in cuts["cuts"])


def test_without_a_gradient_the_page_neither_trains_nor_looks_for_curvature(monkeypatch):
    loss, _, start, paths = least_squares()
    seen = []
    monkeypatch.setattr("fastadapt.pages.present.serve", lambda backend, page, **more: seen.append(backend))
    explore(loss, start, paths)
    assert seen[0].describe()["can"]["train"] is False
    cuts, _ = answered(seen[0], {"do": "cuts", "setup": {}})
    assert [cut["curvature"] for cut in cuts["cuts"]] == [None, None]


def test_your_own_directions_span_the_plane_own(monkeypatch):
    loss, _, start, paths = least_squares()
    seen = []
    monkeypatch.setattr("fastadapt.pages.present.serve", lambda backend, page, **more: seen.append(backend))
    only = [{"W": np.zeros((6, 2)), "b": np.array(b)} for b in ([2.0, 0.0], [1.0, 1.0])]
    explore(loss, start, paths, directions=tuple(only))
    plane = answered(seen[0], {"do": "view", "setup": {}, "plane": {"kind": "own"}, "side": 11})[0]["plane"]
    assert plane["paths"][0]["a"] == pytest.approx([tree["b"][0] for tree in paths["down"]], abs=1e-4)
    assert plane["paths"][0]["b"] == pytest.approx([tree["b"][1] for tree in paths["down"]], abs=1e-4)


def test_paths_of_the_users_that_do_not_fit_are_errors_by_name():
    loss, _, start, paths = least_squares()
    with pytest.raises(ValueError, match=r"paths\['down'\]: expected at least 2 points"):
        explore(loss, start, {"down": paths["down"][:1]})
    with pytest.raises(ValueError, match=r"paths\['down'\]\[0\]: expected the start"):
        explore(loss, start, {"down": paths["down"][3:]})
    with pytest.raises(ValueError, match="paths: expected at least one path"):
        explore(loss, start, {})
    with pytest.raises(TypeError, match="paths: expected a dict"):
        explore(loss, start, paths["down"])
    with pytest.raises(ValueError, match="expected lang to be one of en, uk, not 'xx'"):
        explore(loss, start, paths, lang="xx")


@pytest.mark.maintainer
def test_a_saved_page_has_a_view_a_point_and_a_walk_for_all_that_it_offers(backend, monkeypatch):
    from fastadapt.pages.explorer import frozen

    monkeypatch.setattr(frozen, "STAGES", (11, 11))
    monkeypatch.setattr(frozen, "POINTS", 5)
    monkeypatch.setattr(frozen, "MOVED_POINTS", 2)
    data = frozen.freeze(backend, lambda share, doing: None)
    json.dumps(data, allow_nan=False)
    kinds = {"honest:", "pca:", "random:", "own:"}
    assert kinds <= set(data["views"]) == set(data["points"])
    assert {"honest:0,2", "honest:1,0", "honest:1,1"} <= set(data["views"])
    assert [len(walk) for walk in data["walks"]] == [len(path["steps"]) for path in data["training"]["paths"]]
    assert len(data["points"]["honest:"]) == 25
    at, model = data["points"]["pca:"][17], backend.source.model(SETUP)
    from fastadapt.pages.explorer.scene import plane_for

    paths = backend.source.paths(SETUP, lambda share, name: None)
    plane = plane_for(PlaneSpec("pca"), model, paths, backend.source)
    assert at["values"]["loss"] == pytest.approx(model.evaluate(plane.at(*at["at"])).loss, rel=1e-6)


@pytest.mark.maintainer
@pytest.mark.parametrize(
    ("name", "magic"), [("a.png", b"\x89PNG"), ("a.gif", b"GIF89a"), ("a.html", b"<!doctype html>")]
)
def test_the_command_saves_a_file_of_the_kind_that_its_name_says(name, magic, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    from fastadapt.__main__ import main
    from fastadapt.pages.explorer import frozen, pictures

    monkeypatch.setattr(pictures, "FRAMES", 3)
    monkeypatch.setattr(frozen, "STAGES", (11, 11))
    monkeypatch.setattr(frozen, "POINTS", 2)
    monkeypatch.setattr(frozen, "MOVED_POINTS", 2)
    few = ["--rules", "SGD", "Adam", "--hidden", "8", "--epochs", "1"]
    assert main(["explore", *few, "--save", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        ["--save", "x.pdf"],
        ["--hidden", "129"],
        ["--rules", "Newton"],
        ["--port", "0"],
        ["--epochs", "201"],
        ["--batch", "99999"],
        ["--batch", "7"],
    ],
)
def test_a_wrong_option_is_refused_before_the_work(wrong, capsys):
    from fastadapt.__main__ import main

    with pytest.raises(SystemExit) as exit:
        main(["explore", *wrong])
    assert exit.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_view_can_be_stopped(backend):
    job = Quiet()

    def report(share, doing=""):
        raise InterruptedError

    job.report = report
    with pytest.raises(InterruptedError):
        backend.view_now(job, SETUP, PlaneSpec("random", seed=12345), 21, [])
