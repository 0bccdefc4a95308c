"""Every figure that the README may give of a GPU, in one run of a few minutes: `python bench/gpu.py --json gpu.json`.

Bandwidth against a copy within the device, small state against state of 32 bits, clipping against none, many small
arrays in one launch, the host's time for one small array, and the replay of a captured step; PyTorch's fused and
foreach beside each where it is installed with CUDA. The aims stand beside what was measured; none is asserted.
"""

import argparse
import gc
import json
from pathlib import Path

from gpu_measures import MEASURES, ROUNDS
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from fastadapt.commands import machine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="where to write all that was measured")
    parser.add_argument("--log2", type=int, default=28, help="the large size is 2 to the power of this")
    args = parser.parse_args()
    facts = {"gpu": machine.require_gpu(), "driver": driver(), "processor": machine.processor()}
    facts["versions"] = machine.versions("fastadapt", "numba", "numba-cuda", "numpy", "torch")
    facts["rounds"] = ROUNDS
    console = Console(highlight=False)
    gpu = facts["gpu"]
    console.print(
        f"{gpu['name']} ({gpu['memory_gb']:.0f} GB, sm {gpu['capability']}), driver for CUDA {facts['driver']}"
    )
    console.print(", ".join(f"{name} {number}" for name, number in facts["versions"].items()))
    rows, failed = [], {}
    for measure in MEASURES:
        name = measure.__name__.replace("_", " ")
        with console.status(name):
            try:
                rows += measure(2**args.log2)
            except Exception as error:  # the others are worth having
                failed[name] = f"{type(error).__name__}: {error}"
        gc.collect()  # what one has left on the device, the next may need
        if args.json:
            args.json.write_text(json.dumps({"machine": facts, "results": rows, "failed": failed}, indent=1))
    console.print(table(rows))
    for name, reason in failed.items():
        console.print(f"{name}: failed ({reason})")
    return 1 if failed else 0


def driver():
    """The newest CUDA that the driver knows."""
    from numba import cuda

    return ".".join(map(str, cuda.cudadrv.driver.driver.get_version()))


def table(rows):
    """What was measured beside what was aimed at, in 80 columns."""
    found = Table(box=SIMPLE_HEAD, padding=0)
    found.add_column("")
    for name in ("ms", "beside", "times as long", "aim"):
        found.add_column(name, justify="left" if name == "beside" else "right")
    for each in rows:
        aim = "" if each["aim"] is None else f"{each['aim']:.2f}"
        found.add_row(each["what"], f"{each['seconds'] * 1e3:.4g}", each["rival"], f"{each['ratio']:.2f}", aim)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
