"""How the claims' pictures look: light, few lines, readable at 700 pixels."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

INK, FAINT = "#333a41", "#dfe3e7"


def picture() -> Figure:
    """An empty figure, twice as wide as high."""
    return Figure(figsize=(8, 3.8), dpi=150, layout="constrained", facecolor="white")


def overview(found) -> Figure:
    """All claims' pictures in one, each under its claim and the outcome."""
    rows = -(-len(found) // 2)
    figure = Figure(figsize=(16, 4.4 * rows), dpi=75, layout="constrained", facecolor="white")
    parts = figure.subfigures(rows, 2, squeeze=False, hspace=0.06, wspace=0.04).ravel()
    for part, claim in zip(parts, found.values(), strict=False):
        claim.draw(part)
        part.suptitle(f"{claim.claim}  {claim.outcome.capitalize()}.", fontsize=13.5, fontweight="bold", color=INK)
    if len(found) % 2:
        text = "python -m fastadapt claims\n\nEvery figure comes from the library's own kernels."
        parts[-1].text(0.12, 0.5, text, va="center", fontsize=15, color=INK)
    return figure


def write(figure: Figure, path: Path) -> None:
    """Write a PNG of at most 256 colours, which is half as large and looks the same."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


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
