"""Pictures of page 1: contours with the paths, basins side by side, and the value by step; still, or moving."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path as File
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..colours import styles
from ..drawn import drawn_name
from ..jobs import Tell, untold
from ..language import words
from .answers import grid_of
from .backend import Landscape
from .descent import Descent, descend
from .drawing import draw_basins, draw_contour, draw_values
from .firstscene import first_scene
from .many import Basins, basins
from .problem import Problem

POINTS, STARTS = 241, 200
FRAMES, FRAME_MS, LAST_MS = 50, 80, 2500
SIZE = 12.8, 7.2


@dataclass(frozen=True)
class Seen:
    """All that is drawn."""

    name: str
    say: dict[str, str]
    problem: Problem
    heights: np.ndarray
    descents: dict[str, Descent]
    basins: dict[str, Basins]
    looks: dict[str, tuple[str, str]]
    rates: dict[str, float]


def draw_picture(backend: Landscape, file: File, tell: Tell = untold) -> None:
    """The whole descents, and beside them basins and values."""
    seen = _seen(backend, tell, with_basins=not (backend.own and backend.own.why and backend.surface == "own"))
    figure = Figure(figsize=SIZE, layout="constrained", facecolor="white")
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1], wspace=0.02)
    draw_contour(left.subplots(), seen, None)
    if seen.basins:
        above, below = right.subfigures(2, 1, height_ratios=[1.7, 1])
        draw_basins(above, seen)
        draw_values(below.subplots(), seen, None)
    else:
        draw_values(right.subplots(), seen, None)
    _pixels(figure, 125).save(file, optimize=True)


def draw_animation(backend: Landscape, file: File, tell: Tell = untold) -> None:
    """The descents step by step, and the values so far."""
    seen = _seen(backend, lambda share, doing: tell(0.2 * share, doing), with_basins=False)
    frames = []
    for k, step in enumerate(times := frame_steps(seen.problem.settings.steps)):
        figure = Figure(figsize=(9.6, 4.8), layout="constrained", facecolor="white")
        contour, values = figure.subplots(1, 2, width_ratios=[1.35, 1])
        draw_contour(contour, seen, step)
        draw_values(values, seen, step)
        frames.append(_pixels(figure, 80))
        tell(0.2 + 0.8 * (k + 1) / len(times), file.name)
    waits = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=waits, loop=0, optimize=True)


def frame_steps(steps: int) -> list[int]:
    """The steps that are drawn: each of the first ones, and then ever fewer."""
    return np.unique(np.round(steps * np.linspace(0.0, 1.0, FRAMES) ** 2).astype(int)).tolist()


def _seen(backend, tell, with_basins) -> Seen:
    scene, say = first_scene(backend), words(backend.language)
    problem, found = backend.problem(scene), {}
    descents = {name: descend(problem, chosen, scene.start) for name, chosen in scene.rules.items()}
    with_basins &= len(problem.minima) > 0
    for k, (name, chosen) in enumerate(scene.rules.items() if with_basins else ()):
        tell(k / len(scene.rules), say["landscape.basins"].format(rule=name))
        found[name] = basins(problem, chosen, STARTS)
    title = say[f"landscape.surface.{problem.surface.name}"]
    title = title.format(name=drawn_name(backend.own.own.name, 32)) if backend.own else title
    looks = styles(backend.contenders)
    return Seen(title, say, problem, grid_of(problem, POINTS), descents, found, looks, backend.rates_found)


def _pixels(figure: Figure, dpi: int) -> Any:
    """The figure as a picture of few colours, which is small."""
    from PIL import Image

    page = BytesIO()
    figure.savefig(page, dpi=dpi)
    return Image.open(page).convert("RGB").quantize(200, dither=Image.Dither.NONE)
