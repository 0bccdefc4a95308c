"""Files of the pages: where one cannot be written is said before the work; and what pictures share."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("plotly")
pytest.importorskip("matplotlib")
pytest.importorskip("rich")

from matplotlib.figure import Figure

import fastadapt as fa
from fastadapt.__main__ import main
from fastadapt.commands import claims
from fastadapt.pages import saving
from fastadapt.pages.drawn import drawn_name, round_numbers
from fastadapt.pages.saving import refuse_unwritable


def no_work(*given, **more):
    raise AssertionError("the work began")


@pytest.fixture
def unwritable(monkeypatch):
    """Nothing can be opened to write."""

    def refuse(self, mode="r", **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)


def loss(w):
    return float(w @ w)


@pytest.mark.parametrize("name", ["nodir/a.png", "a.pdf", ""])
def test_what_cannot_be_saved_is_refused_before_the_work(name, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "save", no_work)
    file, start = tmp_path / name, np.ones(2)
    with pytest.raises(ValueError, match="save: expected a "):
        fa.pages.landscape(lambda x, y: x * x + y * y, save=file)
    with pytest.raises(ValueError, match="save: expected a "):
        fa.pages.explore(loss, start, {"SGD": [start, start / 2]}, save=file)


def test_a_function_that_is_saved_tells_of_its_compiling_and_its_progress(tmp_path, monkeypatch, capsys):
    told = []

    @contextmanager
    def progress_of(name):
        yield lambda share, doing: told.append((name, share, doing))

    def work(page, file, tell, *more):
        tell(0.5, "half")

    monkeypatch.setattr("fastadapt.pages.present.progress_of", progress_of)
    monkeypatch.setattr("fastadapt.pages.landscapes.saving.save_page", work)
    monkeypatch.setattr("fastadapt.pages.explorer.saving.save_page", work)
    fa.pages.landscape(lambda x, y: x * x + y * y, rules=["SGD", "Adam"], save=tmp_path / "a.png")
    assert capsys.readouterr().err == "<lambda>: compiled for 2 rules, for each some seconds once\n"
    start = np.ones(2)
    fa.pages.explore(loss, start, {"SGD": [start, start / 2]}, save=tmp_path / "b.png")
    assert told == [("a.png", 0.5, "half"), ("b.png", 0.5, "half")]


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path):
    old, new = tmp_path / "old.png", tmp_path / "new.png"
    old.write_text("kept")
    for file in (old, new):
        refuse_unwritable(file)
    assert old.read_text() == "kept"
    assert not new.exists()


@pytest.mark.parametrize("command", ["landscape", "explore"])
def test_a_command_that_cannot_write_its_file_says_so_in_one_line(command, unwritable, tmp_path, capsys):
    file = tmp_path / "a.png"
    assert main([command, "--save", str(file)]) == 2
    line = f"python -m fastadapt {command}: save: {str(file)!r} cannot be written: Permission denied\n"
    assert capsys.readouterr().err == line


def test_the_claims_say_in_one_line_that_their_folder_cannot_be_written(monkeypatch, tmp_path, capsys):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(claims, "TemporaryFile", refuse)
    assert main(["claims", "--only", "memory", "--save", str(tmp_path / "new")]) == 2
    line = f"--save: {str(tmp_path / 'new')!r} cannot be written: Permission denied\n"
    assert capsys.readouterr().err == "python -m fastadapt claims: " + line


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.3, 30.0, [0.5, 1, 2, 5, 10, 20]),
        (2.21, 2.39, [2.25, 2.3, 2.35]),
        (1e-9, 1e9, [10.0**power for power in range(-9, 10)]),
        (2.3, 2.3, []),
    ],
)
def test_round_numbers_are_few_and_never_none_where_there_is_a_range(low, high, expected):
    assert round_numbers(low, high) == pytest.approx(expected)


def test_a_name_in_a_picture_is_short_and_no_formula():
    assert drawn_name("Adam") == "Adam"
    assert drawn_name("a" * 40) == "a" * 23 + "…"
    assert drawn_name("a\n $b$") == r"a \$b\$"


def test_a_surface_without_minima_leaves_its_picture_a_layout():
    from fastadapt.pages.landscapes import drawing

    class Seen:
        problem = type(
            "Problem", (), {"minima": np.empty((0, 2)), "surface": type("S", (), {"x": (0, 1), "y": (0, 1)})}
        )

    figure = Figure(layout="constrained")
    axes = figure.subplots()
    drawing._draw_minima(axes, Seen, 6)
    figure.draw_without_rendering()  # matplotlib warns where a layout collapses, and warnings are errors
    assert axes.get_position().width > 0.5
