"""The claims in the terminal, and as Markdown with a picture each."""

from collections.abc import Iterable
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .claim import Claim
from .pictures import overview, picture, write

MARKS = {True: "✓", False: "✗", None: "·"}
WIDTH = 80
OVERVIEW = "overview.png"
"""The picture of all claims."""


def show(found: dict[str, Claim], saved: Path | None) -> None:
    """Print every claim with its table, unless they are in files; then all outcomes."""
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH)
    if not saved:
        for claim in found.values():
            show_claim(console, claim)
    console.print(table(("claim", "outcome", "figure"), ([name, c.outcome, c.figure] for name, c in found.items()), ""))
    if saved:
        console.print(f"tables, sentences and a picture each: {saved / 'claims.md'}", soft_wrap=True)


def show_claim(console: Console, claim: Claim) -> None:
    console.print(Text(claim.claim, style="bold"))
    for text in (claim.source, claim.setting):
        console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    console.print(table(claim.columns, claim.rows))
    for holds, sentence in sentences(claim):
        line = Table.grid(padding=(0, 1))
        line.add_row(MARKS[holds], Text(sentence))
        console.print(Padding(line, (0, 0, 0, 1)))
    console.print(Padding(Text(f"The claim {claim.outcome}.", style="bold"), (0, 0, 1, 1)))


def sentences(claim: Claim) -> list[tuple[bool | None, str]]:
    """The parts of a claim, and then its notes, which neither hold nor fail."""
    return [*claim.parts, *((None, note) for note in claim.notes)]


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], justify: str = "right") -> Table:
    """A table whose first column is text, and whose others are numbers where they are `justify`ed."""
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, heading in enumerate(columns):
        made.add_column(heading, justify=justify if i and justify else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def save(found: dict[str, Claim], folder: Path) -> None:
    """Write `claims.md`, a picture of each claim and one of all into a folder, which is made if it is not there."""
    folder.mkdir(exist_ok=True)
    for name, claim in found.items():
        figure = picture()
        claim.draw(figure)
        write(figure, folder / f"{name}.png")
    titles = {f"{claim.claim} {claim.outcome.capitalize()}.": claim.draw for claim in found.values()}
    write(overview(titles), folder / OVERVIEW)
    (folder / "claims.md").write_text(markdown(found), encoding="utf-8")


def markdown(found: dict[str, Claim]) -> str:
    """All outcomes in one table, and then the claims one by one."""
    lines = ["# What the lecture claims", "", *outcomes(found), "", f"![All claims]({OVERVIEW})"]
    for name, claim in found.items():
        lines += ["", f"## {claim.claim}", "", f"*{claim.source}.* {claim.setting}", ""]
        lines += [f"![{claim.claim}]({name}.png)", ""]
        lines += rows_of(claim.columns, claim.rows, "-:")
        lines += ["", f"**The claim {claim.outcome}.**", ""]
        lines += [f"- {MARKS[holds]} {sentence}" for holds, sentence in sentences(claim)]
    return "\n".join([*lines, ""])


def outcomes(found: dict[str, Claim]) -> list[str]:
    """The table of all claims, as it stands in the README."""
    return rows_of(("claim", "source", "outcome"), [(c.claim, c.source, c.summary) for c in found.values()], "-")


def rows_of(columns: Iterable[str], rows: Iterable[Iterable[str]], align: str) -> list[str]:
    """A table of Markdown, whose columns but the first are aligned so."""
    aligned = ["-", *[align] * (len(columns) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (columns, aligned, *rows)]
