"""The pictures of the command line: loss curves, and times by implementation."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from fastadapt.pages.colours import DASHES, styles

MARKS = {
    "ceiling": {"color": "black", "marker": "|", "s": 140},
    "NumPy": {"color": "#666666", "marker": "D"},
    "NumPy out=": {"color": "#aaaaaa", "marker": "s"},
    "torch loop": {"color": "#1f77b4", "marker": "x"},
    "torch foreach": {"color": "#1f77b4", "marker": "v"},
    "torch fused": {"color": "#1f77b4", "marker": "^"},
    "optax jit": {"color": "#2ca02c", "marker": "P"},
    "DeepSpeed": {"color": "#9467bd", "marker": "*", "s": 60},
    "bnb 32 bits": {"color": "#ff7f0e", "marker": "<"},
    "bnb 8 bits": {"color": "#ff7f0e", "marker": ">"},
    "32 bits": {"color": "#d62728", "marker": "o", "s": 50, "facecolors": "none"},
    "fastadapt": {"color": "#d62728", "marker": "o", "s": 50},
}
"""What stands for whom, in the order of drawing: fastadapt's marks lie on top."""


def draw_race(pairs: dict, file: Path) -> None:
    """The loss of every optimizer by epoch: a line for fastadapt, and on it circles for NumPy."""
    figure = Figure(figsize=(9, 5.5), dpi=150, layout="constrained")
    axes = figure.subplots()
    looks = styles(pairs)
    for name, pair in pairs.items():
        colour, dash = looks[name]
        axes.plot(pair.fastadapt.losses, color=colour, linestyle=DASHES[dash], label=name, linewidth=1.6)
        axes.plot(pair.numpy.losses, "o", color=colour, markersize=4, markerfacecolor="white")
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    title = "Training loss on handwritten digits: lines fastadapt, circles NumPy"
    axes.set_title(title, loc="left", fontsize=11)
    tidy(axes)
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(file)


def draw_bench(results: list[dict], facts: dict, file: Path) -> None:
    """A panel a size, a line an optimizer, a mark an implementation; time to the right, by powers of ten."""
    sizes = list(dict.fromkeys(row["size"] for row in results))
    rules = list(dict.fromkeys(row["optimizer"] for row in results))
    across = min(2, len(sizes))
    down = -(-len(sizes) // across)
    inches = (2 + 4.5 * across, 1.2 + down * (0.8 + 0.28 * len(rules)))
    figure = Figure(figsize=inches, dpi=150, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for axes, size in zip(panels, sizes, strict=False):
        panel(axes, [row for row in results if row["size"] == size], rules)
        axes.set_title(f"{size:,} weights: ms a step", loc="left", fontsize=10)
    for axes in panels[len(sizes) :]:
        axes.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    where = facts["gpu"]["name"] if facts["gpu"] else f"{facts['processor']}, {facts['threads']} threads"
    figure.suptitle(f"One step on one array, {where}", x=0.01, ha="left", fontsize=11)
    figure.savefig(file)


def panel(axes, rows, rules):
    for name, mark in MARKS.items():
        own = [row for row in rows if row["contender"] == name]
        if own:
            lines = [rules.index(row["optimizer"]) for row in own]
            axes.scatter([1e3 * row["seconds"] for row in own], lines, label=name, **mark)
    axes.set_yticks(range(len(rules)), rules)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    tidy(axes)


def tidy(axes):
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
