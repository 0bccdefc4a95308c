"""Page 1 without a browser: what its backend answers and refuses, and what a saved file holds."""

import base64
import json
import sys
import time

import numpy as np
import pytest

pytest.importorskip("plotly")
pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("threadpoolctl")

from conftest import SLOW

import fastadapt as fa
from fastadapt.__main__ import main
from fastadapt.pages.checks import RequestError
from fastadapt.pages.jobs import Quiet, StoppedError
from fastadapt.pages.landscapes import backend as module
from fastadapt.pages.landscapes import frozen, many, pictures
from fastadapt.pages.landscapes.backend import Landscape
from fastadapt.pages.landscapes.firstscene import command_of
from fastadapt.pages.landscapes.ownsurface import own_surface
from fastadapt.pages.landscapes.show import landscape
from fastadapt.pages.packing import packed_steps

pytestmark = pytest.mark.skipif(SLOW, reason="descends with compiled kernels")

ADAM = {"rules": {"Adam": {"lr": 0.1}}, "surface": "himmelblau", "steps": 40}


@pytest.fixture(scope="module")
def backend():
    return Landscape()


def ended(backend, request, client="me"):
    """How a job ended, and its partial results."""
    answer = backend.answer({"client": client} | request)
    partial, version = [], 0
    while "job" in answer:
        look = backend.answer({"do": "look", "job": answer["job"], "client": client, "version": version})
        version = look["version"]
        partial += [look["partial"]] if "partial" in look else []
        if look["state"] != "running":
            return look, partial
        time.sleep(0.005)
    return {"state": "done", "result": answer}, partial


def answered(backend, request, client="me"):
    look, _ = ended(backend, request, client)
    assert look["state"] == "done", look.get("error")
    json.dumps(look["result"], allow_nan=False)
    return look["result"]


def unpacked(text, kind="<f8"):
    return np.frombuffer(base64.b64decode(text), kind)


def test_what_is_described_is_json_with_a_colour_and_a_control_for_every_rule(backend):
    told = json.loads(json.dumps(backend.describe(), allow_nan=False))
    assert len({(rule["colour"], rule["dash"]) for rule in told["rules"].values()}) == len(told["rules"])
    assert set(told["shown"]) <= set(told["rules"])
    assert all(set(surface["rates"]) == set(told["rules"]) for surface in told["surfaces"].values())


def test_a_path_is_answered_whole_and_at_once_when_compiled(backend):
    first = answered(backend, {"do": "paths"} | ADAM)
    again = backend.answer({"do": "paths", "client": "me"} | ADAM)
    assert again == first
    path = again["rules"]["Adam"]
    x = np.array(backend.surfaces["himmelblau"].start)
    opt = fa.Adam(x, lr=0.1)
    for g in unpacked(path["gradients"]).reshape(41, 2)[:-1]:
        opt.step(g.copy())
    assert unpacked(path["points"])[-2:].tolist() == x.tolist()
    assert path["end"] == unpacked(path["values"])[-1]


@pytest.mark.maintainer
def test_basins_a_judge_and_a_field_are_answered_and_each_rule_is_shown_as_it_comes(backend):
    look, partial = ended(backend, {"do": "basins", "n": 5} | ADAM)
    found = look["result"]["rules"]["Adam"]
    assert unpacked(found["ends"], "<i2").shape == (25,)
    assert unpacked(found["since"], "<i4").max() <= 40
    assert all(set(each["rules"]) == {"Adam"} for each in partial)
    judged = answered(backend, {"do": "judge"} | ADAM)["rules"]["Adam"]
    assert 0 <= judged["share"] <= 1
    field = answered(backend, {"do": "field", "surface": "himmelblau", "n": 11})
    assert unpacked(field["z"]).shape == (121,)
    assert len(field["minima"]) == 4


@pytest.mark.maintainer
def test_two_clients_have_their_jobs_apart(backend):
    key = backend.answer({"do": "judge", "client": "me"} | ADAM)["job"]
    with pytest.raises(RequestError, match="there is none"):
        backend.answer({"do": "look", "job": key, "client": "you"})
    assert answered(backend, {"do": "basins", "n": 3} | ADAM, "you")["rules"]["Adam"]["n"] == 3
    assert backend.answer({"do": "look", "job": key, "client": "me"})["state"] in ("running", "done")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surface": "moon"}, "surface: expected one of bowl"),
        ({"rules": {"os.system": {}}}, "rule: expected one of LAMB, SGD"),
        ({"rules": {"Adam": {"lr": -1}}}, "lr"),
        ({"rules": {"Adam": {"lr": "0.1"}}}, "lr: expected a number"),
        ({"rules": {"Adam": {"beta1": 1}}}, "beta1"),
        ({"rules": {"Adam": {"state_bits": 8}}}, "expected hyperparameters of lr"),
        ({"rules": {"Adam": {"decay": -1}}}, "decay: expected a number from 0 to 100"),
        ({"rules": {"Adam": 3}}, "Adam: expected an object"),
        ({"steps": 10**9}, "steps: expected a number from 1 to 5000"),
        ({"steps": 1.5}, "steps: expected a whole number"),
        ({"n": 10**6}, "n: expected a number from 2 to 400"),
        ({"start": [1]}, "start: expected 2 numbers"),
        ({"start": [1e300, 0]}, "start: expected a number from"),
        ({"noise": -1}, "noise: expected a number"),
        ({"points": True}, "points: expected a number"),
        ({"decay": 1}, "basins: expected fields of .*, not 'decay'"),
    ],
)
def test_a_request_out_of_bounds_is_refused_by_name(backend, change, message):
    with pytest.raises(RequestError, match=message):
        backend.answer({"do": "basins", "client": "me"} | ADAM | change)


def test_a_rule_that_fails_is_told_of_beside_the_others(backend, monkeypatch):
    def work(problem, chosen, scene, tell):
        if chosen.contender.name == "SGD":
            raise ValueError("of no use")
        return {"share": 1.0}

    monkeypatch.setitem(module.OVER_RULES, "judge", work)
    found = answered(backend, {"do": "judge", "surface": "bowl", "rules": {"SGD": {}, "Adam": {}}})
    assert found["rules"] == {"SGD": {"error": "of no use"}, "Adam": {"share": 1.0}}


def test_a_job_that_breaks_fails_with_its_reason_and_one_that_is_stopped_stops(backend, monkeypatch):
    def breaks(problem, chosen, scene, tell):
        raise OSError("a disk is full")

    monkeypatch.setitem(module.OVER_RULES, "judge", breaks)
    look, _ = ended(backend, {"do": "judge"} | ADAM)
    assert (look["state"], look["error"]) == ("failed", "OSError: a disk is full")

    def slow(problem, chosen, scene, tell):
        time.sleep(0.1)
        return {}

    monkeypatch.setitem(module.OVER_RULES, "judge", slow)
    rules = {name: {} for name in backend.contenders}
    key = backend.answer({"do": "judge", "client": "me", "surface": "bowl", "rules": rules})["job"]
    backend.answer({"do": "stop", "client": "me", "job": key})
    for _ in range(200):
        state = backend.answer({"do": "look", "job": key, "client": "me"})["state"]
        if state != "running":
            break
        time.sleep(0.01)
    assert state == "stopped"


@pytest.mark.maintainer
def test_basins_tell_their_progress_within_a_rule_and_stop_there(backend, monkeypatch):
    monkeypatch.setattr(many, "slab_of", lambda steps: 10)
    scene, told = backend.scene({"do": "basins", "n": 5} | ADAM), []
    backend.over_rules(Quiet(lambda share, doing: told.append(share)), "basins", scene)
    assert told == [0.0, 0.4, 0.8, 1.0]

    def stop(share, doing):
        told.append(share)
        if share == 0.4:
            raise StoppedError

    told.clear()
    with pytest.raises(StoppedError):
        backend.over_rules(Quiet(stop), "basins", scene)
    assert told == [0.0, 0.4]


def test_a_function_that_raises_is_told_of_and_has_no_basins():
    def raises(x, y):
        if x > 4.5:
            raise LookupError("no value there")
        return sum([x * x, y * y], start=0.0) if open else 0.0

    page = Landscape(own_surface(raises, (-5, 5), (-5, 5), minima=[(0, 0)]))
    look, _ = ended(page, {"do": "field", "surface": "own", "n": 11})
    assert look["state"] == "failed"
    assert look["error"] == "LookupError: no value there"
    look, _ = ended(page, {"do": "basins", "surface": "own", "rules": {"Adam": {}}})
    assert look["state"] == "failed"
    assert "Numba cannot compile this function" in look["error"]


def small(monkeypatch):
    monkeypatch.setattr(frozen, "POINTS", 11)
    monkeypatch.setattr(frozen, "BASINS", 5)
    monkeypatch.setattr(pictures, "POINTS", 21)
    monkeypatch.setattr(pictures, "STARTS", 5)
    monkeypatch.setattr(pictures, "FRAMES", 3)


def by_step(text):
    """The numbers of a saved path: their bits, each the sum of the changes written at every second place before it."""
    parts = np.frombuffer(base64.b64decode(text), "u1").reshape(4, -1).astype(np.uint64)
    changes = sum(part << np.uint64(8 * k) for k, part in enumerate(parts))
    sums = np.empty_like(changes)
    sums[::2], sums[1::2] = np.cumsum(changes[::2]), np.cumsum(changes[1::2])
    return (sums % 2**32).astype("<u4").view("<f4")


def test_a_saved_path_has_the_numbers_in_single_precision():
    numbers = np.array([3.25, -1e-30, np.inf, np.nan, 0.0, -0.0, 1e38, 1.1, 7.0])
    np.testing.assert_array_equal(by_step(packed_steps(numbers)), numbers.astype(np.float32))
    assert by_step(packed_steps([1e300])) == [np.inf]


@pytest.mark.maintainer
def test_a_frozen_page_holds_the_paths_of_its_starts(monkeypatch):
    small(monkeypatch)
    page = Landscape(shown=["Adam"], surface="bowl")
    data = frozen.freeze(page, 2, lambda share, doing: None)
    json.dumps(data, allow_nan=False)
    assert data["starts"] == [[-3.4, 2.2], [-2.0, -1.5], [2.0, -1.5], [-2.0, 1.5], [2.0, 1.5]]
    assert len(data["paths"]) == 5
    for start, paths in zip(data["starts"], data["paths"], strict=True):
        path, x = paths["rules"]["Adam"], np.array(start)
        opt = fa.Adam(x, lr=data["description"]["frozen"]["scene"]["rules"]["Adam"]["lr"])
        for _ in range(300):
            opt.step(x * [1, 20])
        np.testing.assert_allclose(by_step(path["points"])[-2:], x, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(by_step(path["states"]["m"])[-2:], opt.state["m"], rtol=1e-3, atol=1e-6)
    assert {"basins", "judge", "tune", "field"} <= data.keys()
    assert data["description"]["frozen"]["command"].endswith("landscape --surface bowl --rules Adam")


@pytest.mark.maintainer
@pytest.mark.parametrize(
    ("name", "magic"), [("a.png", b"\x89PNG"), ("a.gif", b"GIF89a"), ("a.html", b"<!doctype html>")]
)
def test_the_command_saves_a_file_of_the_kind_that_its_name_says(name, magic, tmp_path, capsys, monkeypatch):
    small(monkeypatch)
    file = tmp_path / name
    assert main(["landscape", "--rules", "Adam", "--surface", "bowl", "--starts", "2", "--save", str(file)]) == 0
    assert file.read_bytes().startswith(magic)
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("command", ["landscape", "explore"])
def test_without_plotly_the_command_says_what_to_install(command, monkeypatch, capsys):
    for name in (command, "page"):
        monkeypatch.delitem(sys.modules, f"fastadapt.commands.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "plotly", None)
    assert main([command]) == 2
    assert capsys.readouterr().err.endswith('plotly is not installed: pip install "fastadapt[pages]"\n')


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rules": ["Newton"]}, "expected rules of LAMB, SGD"),
        ({"surface": "own"}, "expected surface to be one of bowl"),
        ({"x": (0, 1)}, "with a function of your own"),
        ({"starts": 0}, "starts to be a whole number"),
        ({"lang": "xx"}, "lang to be one of"),
        ({"start": "ab"}, "start to be two numbers"),
        ({"save": "a.pdf"}, "expected a name that ends in .html"),
    ],
)
def test_what_does_not_fit_is_an_error_by_name(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        landscape(**given)


def test_rules_and_a_function_of_ones_own_are_on_the_page(monkeypatch):
    class Half(fa.SGD):
        """Another name."""

    seen = []
    monkeypatch.setattr("fastadapt.pages.present.serve", lambda backend, *given, **more: seen.append(backend))
    landscape(lambda x, y: x * x + y * y, rules=["Adam", Half], start=(1, 2))
    told = seen[0].describe()
    assert (told["shown"], told["surface"]) == (["Adam", "Half"], "own")
    assert told["surfaces"]["own"]["start"] == (1.0, 2.0)
    assert command_of(seen[0]) == "fa.pages.landscape(f, rules=[...])"
