"""The parts of a picture of page 1, on matplotlib's axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import SubFigure

from ..colours import DASHES
from ..drawn import drawn_name
from .answers import unit_of
from .basincolours import basin_colours

if TYPE_CHECKING:
    from .pictures import Seen

LEVELS = 26
GROUND = LinearSegmentedColormap.from_list("", ["#f3f6f9", "#c9d5e0", "#8298ad"])
INK, SOFT, GRID = "#1f2328", "#60676f", "#dfe1e4"
EDGE = 1e3
"""How far beyond the picture a path is followed, in widths of it: matplotlib draws no farther."""


def draw_contour(axes: Axes, seen: Seen, step: int | None) -> None:
    """The surface, its minima, and the paths up to a step, or whole."""
    surface, low = seen.problem.surface, min(seen.heights.min(), np.nan_to_num(seen.problem.lowest, nan=np.inf))
    z = seen.heights
    if surface.log:
        z = np.log10(1.0 + np.maximum(z - low, 0.0) / unit_of(z, low))
    xs, ys = (np.linspace(*side, len(z)) for side in (surface.x, surface.y))
    axes.contourf(xs, ys, z, LEVELS, cmap=GROUND)
    axes.contour(xs, ys, z, LEVELS, colors="white", linewidths=0.5, linestyles="solid")
    _draw_minima(axes, seen, 6)
    for name, descent in seen.descents.items():
        _draw_path(axes, seen, name, descent.points[: None if step is None else step + 1])
    start = next(iter(seen.descents.values())).points[0]
    axes.plot(*start, "o", color="white", markeredgecolor=INK, markersize=8, zorder=5)
    axes.set(xlim=surface.x, ylim=surface.y, **_labels(seen))
    if surface.name == "own" and seen.rates:
        axes.figure.supxlabel(seen.say["landscape.rates_found"], x=0.02, ha="left", fontsize=9, color=SOFT)
    axes.set_title(seen.name, loc="left", fontsize=13, color=INK, pad=26, fontweight="bold")
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=9, color=SOFT)
    axes.legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=4,
        fontsize=10,
        handlelength=1.8,
        borderpad=0,
    )


def _labels(seen):
    form = "line" if seen.problem.surface.name == "line" else "plain"
    return {f"{axis}label": seen.say[f"landscape.axis.{form}.{axis}"] for axis in "xy"}


def _draw_minima(axes, seen, size):
    """Diamonds at the minima in view."""
    (a, b), (c, d) = seen.problem.surface.x, seen.problem.surface.y
    inside = [p for p in seen.problem.minima if a <= p[0] <= b and c <= p[1] <= d]
    # Of no points that are not clipped, matplotlib's layout takes the extent for infinite.
    if inside:
        axes.plot(*np.transpose(inside), "D", color="white", markeredgecolor=INK, ms=size, zorder=3, clip_on=False)


def _draw_path(axes, seen, name, points):
    colour, dash = seen.looks[name]
    reach = EDGE * np.ptp([*seen.problem.surface.x, *seen.problem.surface.y])
    shown = points[np.isfinite(points).all(axis=1) & (np.abs(points) < reach).all(axis=1)]
    # A pale edge, so that lines show on the ground and on each other.
    axes.plot(*shown.T, color="white", linewidth=4.4, alpha=0.8, solid_capstyle="round")
    look = {"color": colour, "linestyle": DASHES[dash], "label": drawn_name(name)}
    axes.plot(*shown.T, linewidth=2.2, solid_capstyle="round", **look)
    axes.plot(*shown[-1], "o", color=colour, markeredgecolor="white", markersize=9, zorder=6)


def draw_basins(figure: SubFigure, seen: Seen) -> None:
    """The basins of each rule, side by side."""
    count = len(seen.basins)
    across = count if count <= 3 else -(-count // 2)
    grid = np.ravel(figure.subplots(-(-count // across), across, squeeze=False))
    surface, steps = seen.problem.surface, seen.problem.settings.steps
    for axes, (name, found) in zip(grid, seen.basins.items(), strict=False):
        picture = basin_colours(found.ends, found.since / steps)
        axes.imshow(picture, extent=(*surface.x, *surface.y), origin="lower", interpolation="nearest", aspect="auto")
        _draw_minima(axes, seen, 4)
        axes.set_title(f"{drawn_name(name)}: {100 * found.share:.3g}%", loc="left", fontsize=10, color=INK)
        axes.tick_params(labelsize=7, color=SOFT, labelcolor=SOFT)
        axes.spines[:].set_visible(False)
    for axes in grid[count:]:
        axes.set_visible(False)
    figure.suptitle(seen.say["landscape.picture.basins"], x=0.02, ha="left", fontsize=9, color=SOFT)


def draw_values(axes: Axes, seen: Seen, step: int | None) -> None:
    """The value by step, above the lowest where one is known."""
    lowest = seen.problem.lowest if np.isfinite(seen.problem.lowest) else 0.0
    values = {name: descent.values - lowest for name, descent in seen.descents.items()}
    with np.errstate(invalid="ignore"):
        known = np.concatenate([each[np.isfinite(each) & (each > 0)] for each in values.values()])
    first = next(iter(values.values()))[0]
    highest = 4 * max(first, known.min() if len(known) else first)
    for name, above in values.items():
        colour, dash = seen.looks[name]
        until = above[: None if step is None else step + 1]
        axes.plot(np.clip(until, None, 1e3 * abs(highest)), color=colour, linestyle=DASHES[dash], linewidth=1.8)
    if len(known) and np.isfinite(seen.problem.lowest):
        axes.set_yscale("log")
        axes.set_ylim(max(known.min(), 1e-8 * max(first, 1e-300)) / 2, highest)
    axes.set_xlim(0, seen.problem.settings.steps)
    axes.set_xlabel(seen.say["landscape.axis.step"])
    said = "values" if np.isfinite(seen.problem.lowest) else "values_plain"
    axes.set_title(seen.say[f"landscape.picture.{said}"], loc="left", fontsize=10, color=SOFT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(labelsize=9, color=SOFT)
