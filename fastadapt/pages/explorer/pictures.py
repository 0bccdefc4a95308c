"""Pictures of the explorer: the contours with the paths, and below the truth beside the plane; still, or moving."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path as File

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .. import language
from ..colours import DASHES
from ..drawn import drawn_name, round_numbers
from ..jobs import Quiet, Tell, untold
from .grid import STAGES
from .looks import looks
from .session import Explorer
from .setup import PlaneSpec

OFF = 0.1
"""Share of the distance from the start to the mean end beyond which a path off the plane is dotted, as on the page."""

FRAMES, FRAME_MS, LAST_MS = 40, 100, 2500
LEVELS = 24
LOW, HIGH, INK, SOFT = "#eef2f6", "#5f7890", "#1f2328", "#60676f"


def draw_picture(backend: Explorer, file: File, tell: Tell = untold) -> None:
    """The contours of the loss on the honest plane, the paths, and the truth beside the plane."""
    view = _view(backend, tell)
    _figure(backend, view, None).savefig(file, dpi=140)


def draw_animation(backend: Explorer, file: File, tell: Tell = untold) -> None:
    """The same, step by step."""
    from PIL import Image

    view = _view(backend, lambda share, doing: tell(0.3 * share, doing))
    steps = np.unique([step for path in view["training"]["paths"] for step in path["steps"]])
    frames = []
    for k, step in enumerate(steps[np.unique(np.linspace(0, len(steps) - 1, FRAMES).astype(int))]):
        page = BytesIO()
        _figure(backend, view, step).savefig(page, dpi=90)
        frames.append(Image.open(page).convert("RGB").quantize(128, dither=Image.Dither.NONE))
        tell(0.3 + 0.7 * (k + 1) / FRAMES, file.name)
    times = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=times, loop=0)


def _view(backend, tell):
    return backend.view_now(Quiet(tell), backend.first, PlaneSpec(), STAGES[-1], [])


def _figure(backend, view, step):
    words, paths = language.words(backend.language), view["training"]["paths"]
    styles = looks(path["name"] for path in paths)
    step = max(path["steps"][-1] for path in paths) if step is None else step
    figure = Figure(figsize=(11, 6.2), layout="constrained", facecolor="white")
    left, right = figure.subfigures(1, 2, width_ratios=[1.75, 1], wspace=0.02)
    losses, distances = right.subplots(2, 1, sharex=True)
    _draw_landscape(left.subplots(), view, styles, step, words)
    _draw_beside(losses, distances, view, styles, step, words)
    return figure


def _draw_landscape(axes, view, styles, step, words):
    grid, plane = view["grid"], view["plane"]
    z = np.array(grid["values"]["loss"], float)
    logarithmic = np.nanmin(z) > 0
    z = np.log10(z) if logarithmic else z
    filled = axes.contourf(grid["a"], grid["b"], z, LEVELS, cmap=LinearSegmentedColormap.from_list("", [LOW, HIGH]))
    axes.contour(grid["a"], grid["b"], z, LEVELS, colors="white", linewidths=0.4, linestyles="solid")
    bar = axes.figure.colorbar(filled, ax=axes, pad=0.01, aspect=45)
    if logarithmic:
        ticks = round_numbers(10 ** np.nanmin(z), 10 ** np.nanmax(z))
        bar.set_ticks(np.log10(ticks), labels=[f"{value:.4g}" for value in ticks])
    bar.outline.set_visible(False)
    for path, where in zip(view["training"]["paths"], plane["paths"], strict=True):
        _draw_path(axes, path, where, plane["reach"], styles[path["name"]], step)
    start = plane["paths"][0]
    axes.plot(start["a"][0], start["b"][0], "o", color="white", markeredgecolor=INK, markersize=7, zorder=5)
    axes.set(xlabel=words["explore.axis.honest.a"], ylabel=words["explore.axis.honest.b"], aspect="equal")
    axes.set(xlim=plane["box"][:2], ylim=plane["box"][2:])
    axes.spines[:].set_visible(False)
    count = len(view["training"]["paths"])
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(count, 4), fontsize=9, borderpad=0.2)
    epoch = view["training"]["paths"][0]["epoch"]
    unit = "epoch" if epoch > 1 else "point_number"
    at = words[f"explore.{unit}.at"].format(n=f"{step / epoch:.3g}")
    facts = words["explore.picture"].format(share=f"{plane['share']:.1%}", at=at)
    axes.figure.suptitle(facts, x=0.01, ha="left", fontsize=10, color=INK)


def _draw_path(axes, path, where, reach, look, step):
    """A path up to a step: dotted where it is off the plane, as on the page."""
    count = max(1, int(np.searchsorted(path["steps"], step, side="right")))
    a, b, off = (np.array(where[name][:count], float) for name in ("a", "b", "off"))
    colour, dash = look
    far = off > OFF * reach
    dotted = far[1:] | far[:-1]
    for first, last in _stretches(dotted):
        # A pale edge, so that grey and blue lines show on a grey-blue ground.
        for width, line in ((4.2, "white"), (2.4, colour)):
            # Lengths of dots are in widths of their line: these are 2 points, and 4 between.
            style = (0, (2 / width, 4 / width)) if dotted[first] else DASHES[dash]
            axes.plot(a[first : last + 1], b[first : last + 1], color=line, linewidth=width, linestyle=style)
    name = drawn_name(path["name"])
    axes.plot(a[-1], b[-1], "o", color=colour, markeredgecolor="white", markersize=8, zorder=6, label=name)


def _stretches(flags):
    """The first and the last point of each stretch whose pieces are alike."""
    edges = [0, *(np.flatnonzero(np.diff(flags.astype(int))) + 1), len(flags)]
    return [(int(first), int(last)) for first, last in pairwise(edges) if last > first]


def _draw_beside(losses, distances, view, styles, step, words):
    for path, where in zip(view["training"]["paths"], view["plane"]["paths"], strict=True):
        colour, across = styles[path["name"]][0], np.array(path["steps"]) / path["epoch"]
        losses.plot(across, path["true"]["loss"], color=colour, linewidth=1.6)
        losses.plot(across, where["below"]["loss"], ":", color=colour, linewidth=1.6)
        distances.plot(across, where["off"], color=colour, linewidth=1.6)
    epoch = view["training"]["paths"][0]["epoch"]
    for axes in (losses, distances):
        axes.axvline(step / epoch, color=SOFT, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#dfe1e4", linewidth=0.6)
        axes.tick_params(labelsize=8)
    pairs = zip(view["training"]["paths"], view["plane"]["paths"], strict=True)
    drawn = np.array([v for path, where in pairs for v in path["true"]["loss"] + where["below"]["loss"]], float)
    if np.nanmin(drawn) > 0:
        losses.set_yscale("log")
        losses.set_yticks(round_numbers(np.nanmin(drawn), np.nanmax(drawn)))
        losses.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
        losses.yaxis.set_minor_formatter(NullFormatter())
    # What is rounding alone is not drawn at full scale.
    distances.set_ylim(0, max(1.05 * distances.dataLim.y1, 0.01 * view["plane"]["reach"]))
    legend = f"— {words['explore.legend.true']}   ··· {words['explore.legend.plane']}"
    losses.set_title(f"{words['explore.metric.loss']}: {legend}", loc="left", fontsize=9, color=SOFT)
    distances.set_title(words["explore.axis.off"], loc="left", fontsize=9, color=SOFT)
    distances.set_xlabel(words["explore.axis.epoch" if epoch > 1 else "explore.axis.point"], fontsize=9)
