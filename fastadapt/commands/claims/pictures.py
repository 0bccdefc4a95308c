"""How the claims' pictures look: light, few lines, readable at 700 pixels."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

INK, FAINT = "#333a41", "#dfe3e7"


def picture() -> Figure:
    """An empty figure, twice as wide as high."""
    return Figure(figsize=(8, 3.8), dpi=175, layout="constrained", facecolor="white")


def overview(draws: dict[str, Callable]) -> Figure:
    """One figure of all pictures, each drawn under its title, in two columns; of an odd number the first has both."""
    rows = -(-len(draws) // 2)
    figure = Figure(figsize=(16, 4.3 * rows), dpi=88, layout="constrained", facecolor="white")
    grid = figure.add_gridspec(rows, 2, wspace=0.03, hspace=0.03)
    cells = [grid[0, :]] if len(draws) % 2 else [grid[0, 0], grid[0, 1]]
    cells += [grid[row, column] for row in range(1, rows) for column in range(2)]
    for cell, (title, draw) in zip(cells, draws.items(), strict=True):
        part = figure.add_subfigure(cell)
        part.suptitle(title, x=0.02 / len(cell.colspan), ha="left", fontsize=12.5, fontweight="bold", color=INK)
        draw(part)
    return figure


def write(figure: Figure, path: Path) -> None:
    """A PNG of 256 colours, which drawings need no more of: a third of the size."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def finish(figure: Figure, panels, legend: bool = True) -> None:
    """Calm every panel, and put one legend below all of them."""
    lines = {}
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK, labelsize=10, which="both")
        axes.grid(color=FAINT, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.title.set(fontsize=11.5, color=INK)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(fontsize=11, color=INK)
        lines |= {name: line for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if legend:
        figure.legend(
            lines.values(),
            lines.keys(),
            loc="outside lower center",
            ncols=min(len(lines), 4),
            frameon=False,
            fontsize=10.5,
            labelcolor=INK,
        )
