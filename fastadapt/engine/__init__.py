"""A step: prepare, reduce, decide, apply, commit."""

from typing import Any

from ..groups import Group
from ..layout import Layout
from ..sharing import Spans


def steps_of(
    cls: type,
    groups: list[Group],
    layouts: list[Layout],
    paths: list[str],
    members: dict[tuple, list[int]],
    capturable: bool,
) -> tuple[list, Any]:
    """The batches of an optimizer of the class `cls`, by what their arrays have in common, and what takes its steps."""
    if layouts[0].cuda:
        from .cuda_batch import CudaBatch
        from .cuda_step import CudaStep

        batches = [CudaBatch(layouts, paths, *kind, which, apart=capturable) for kind, which in members.items()]
        stepper = CudaStep(cls, groups, batches, capturable=capturable)
    else:
        from .cpu_batch import CpuBatch
        from .cpu_step import CpuStep

        batches = [CpuBatch(layouts, paths, *kind, which) for kind, which in members.items()]
        stepper = CpuStep(cls, groups, batches)
    bounds = [found.bounds() for found in layouts if found.size]
    written = Spans(bounds + [pair for batch in batches for pair in batch.state.bounds])
    stepper.connect(written)
    return batches, stepper
