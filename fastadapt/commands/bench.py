"""Time one step of every optimizer beside NumPy and the ceiling, all in one run."""

import json
import platform
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from . import ceiling, machine, needs, timing
from .contenders import Rivals, contenders, copy_speed, place


def run(args, rivals: Rivals | None = None) -> int:
    console, rivals = Console(highlight=False), rivals or Rivals()
    facts = describe(args, rivals)
    console.print(header(facts))
    results = []
    for size in args.sizes:
        rows = []
        for i, rule in enumerate(args.optimizers, start=1):
            with console.status(f"{size:,} weights, {rule} ({i} of {len(args.optimizers)})"):
                rows += measure(rule, size, facts, rivals)
        console.print(table(size, rows))
        results += rows
    console.print(LEGEND.format(state=args.state_bits // 4))
    for line in unrest(results):
        console.print(line)
    if args.json:
        args.json.write_text(json.dumps({"machine": facts, "results": results}, indent=1))
        console.print(f"timings: {args.json}")
    if args.plot:
        with needs("race"):
            from .plots import draw_bench
        draw_bench(results, facts, args.plot)
        console.print(f"plot: {args.plot}")
    return 0


LEGEND = """\
First columns: fastadapt's step, and the bytes that the rule has to move (12 a
weight and {state} for each state) over its time. Ceiling: a kernel that moves as
much and only adds the gradient. The others: their time over fastadapt's."""


def unrest(results):
    """A warning where the ceiling itself was not steady."""
    ceilings = [row["rounds"] for row in results if row["contender"] == "ceiling"]
    unsteady = sum(max(rounds) > 2 * min(rounds) for rounds in ceilings)
    if unsteady:
        yield f"Something else is running here: {unsteady} of {len(ceilings)} ceilings varied more than twofold."


def describe(args, rivals):
    """What the timings depend on and a reader has to know."""
    gpu = machine.require_gpu() if args.device == "cuda" else None
    packages = ["fastadapt", "numpy", "numba", "numba-cuda", *rivals.packages]
    versions = {"python": platform.python_version(), **machine.versions(*packages)}
    facts = {
        "device": args.device,
        "state_bits": args.state_bits,
        "processor": machine.processor(),
        **machine.threads(),
        "gpu": gpu,
    }
    if gpu:
        gpu["copy_gb_per_s"] = copy_speed(2**26, args.rounds)
    facts |= {"versions": versions, "peers": rivals.names, "peers_missing": rivals.missing}
    return facts | {"rounds": args.rounds}


def measure(rule, size, facts, rivals):
    """A row for each contender: its median, all its rounds, and what they say of the memory."""
    steps, states = contenders(rule, size, facts["device"], rivals, facts["state_bits"])
    *_, clock = place(facts["device"])
    rounds = timing.take_turns(steps, facts["rounds"], clock)
    seconds = {name: median(every) for name, every in rounds.items()}
    weight = ceiling.bytes_a_weight(states, facts["state_bits"])
    return [
        {
            "optimizer": rule,
            "size": size,
            "contender": name,
            "bytes_per_weight": weight,
            "seconds": seconds[name],
            "gb_per_s": weight * size / seconds[name] / 1e9,
            "share_of_ceiling": seconds["ceiling"] / seconds[name],
            "rounds": rounds[name],
        }
        for name in steps
    ]


def header(facts):
    gpu = facts["gpu"]
    lines = [f"{facts['processor']}, {facts['cores']} cores; {facts['threads']} threads ({facts['layer']})"]
    lines += [f"{gpu['name']}; a copy within it moves {gpu['copy_gb_per_s']:.0f} GB/s"] if gpu else []
    lines += [", ".join(f"{name} {number}" for name, number in facts["versions"].items())]
    lines += [f"fastadapt's state in {facts['state_bits']} bits"] if facts["state_bits"] != 32 else []
    lines += [f"left out: {name} ({why})" for name, why in facts["peers_missing"].items()]
    return "\n".join(lines + [f"medians of {facts['rounds']} rounds in which all take turns, after a warm-up", ""])


def table(size, rows):
    """A line an optimizer: what its step takes, and how many times longer each rival's takes."""
    seconds = {(row["optimizer"], row["contender"]): row["seconds"] for row in rows}
    ours = [row for row in rows if row["contender"] == "fastadapt"]
    rivals = [name for name in dict.fromkeys(row["contender"] for row in rows) if name not in ("fastadapt", "ceiling")]
    unit, factor = ("ms", 1e3) if median(row["seconds"] for row in ours) > 1e-3 else ("µs", 1e6)
    title = f"{size:,} float32 weights, one array"
    result = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    result.add_column("optimizer", no_wrap=True)
    for name in [unit, "GB/s", "of ceiling", *rivals]:
        heading = name.replace("DeepSpeed", "Deep Speed").replace(" ", "\n")
        result.add_column(heading, justify="right", no_wrap=True)
    for row in ours:
        cells = [digits(row["seconds"] * factor), digits(row["gb_per_s"]), f"{row['share_of_ceiling']:.0%}"]
        times = [seconds.get((row["optimizer"], rival)) for rival in rivals]
        cells += ["" if t is None else f"{digits(t / row['seconds'])}×" for t in times]
        result.add_row(row["optimizer"], *cells)
    return result


def digits(x):
    """Two digits that count, in four columns at most while x is below 10,000."""
    return f"{x:.0f}" if x >= 9.95 else f"{x:.1f}" if x >= 0.995 else f"{x:.2f}"
