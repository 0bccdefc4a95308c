"""What a device can do: the interface of the modules `cpu` and `cuda`."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Protocol

import numpy as np

from ..layout import Layout

Job = Callable[[], Any]
Shape = tuple[int, ...]


def job_of(function: Callable) -> Callable[..., Job]:
    """The function that makes the job of calling another with what it is given."""
    return wraps(function)(lambda *given: partial(function, *given))


class Device(Protocol):
    """Buffers are flat arrays of the device; a part of one starts at an element, and has a shape and strides in
    numbers. A job is done when it is called."""

    NO_STREAM: Any
    """What a step without a stream of its own runs on."""

    def zeros(self, n: int, dtype: Any) -> Any:
        """A buffer of `n` zeros that starts on a cache line."""

    def address(self, buffer: Any) -> int:
        """Where a buffer starts."""

    def view(self, buffer: Any, start: int, shape: Shape, steps: Shape, dtype: np.dtype | None = None) -> Any:
        """A part of a buffer as an array, whose numbers may be read as of another dtype, in which its strides are."""

    def filling(self, buffer: Any, start: int, shape: Shape, steps: Shape, value: Any) -> Job:
        """The job of putting a number, or an array of the host, into a part of a buffer."""

    def clearing(self, buffer: Any) -> Job:
        """The job of making a buffer zero."""

    def putting(self, buffer: Any, start: int, run: Any, n: int) -> Job:
        """The job of copying the first `n` numbers of a run into a part of a buffer."""

    def exchanging(self, found: Layout, buffer: Any, start: int, steps: Shape, scratch: Any) -> list[Job]:
        """The jobs of exchanging an array and a part of a buffer, by means of scratch as large."""

    def copied(self, buffer: Any, start: int, n: int) -> Any:
        """A copy of `n` numbers of a buffer."""

    def fetched(self, buffer: Any, start: int, n: int) -> np.ndarray:
        """The same in NumPy."""

    def frozen(self, array: Any) -> Any:
        """The array, to be read only, as far as the device can say so."""

    def on_host(self, found: Layout) -> np.ndarray:
        """An array in NumPy."""

    def packing(self, found: Layout, run: Any, steps: Shape, stream: Any = None) -> Job:
        """The job of copying the numbers of an array into a run in the order of `steps`."""

    def packed(self, found: Layout, steps: Shape, stream: Any = None) -> Any:
        """The numbers of an array, copied into one run in the order of `steps`."""

    def rows(self, count: int, width: int, dtype: np.dtype) -> tuple[np.ndarray, Any]:
        """Rows of coefficients for the host to fill in, and what a job is given of them."""

    def runner(self, update: Callable, storage: Any, coefs: int, dtype: np.dtype, g_dtype: np.dtype, tiles: int) -> Any:
        """The function `(table, rows, clock, stream)` that makes the job of updating a table of about so many tiles."""

    def carry_out(self, jobs: list[Job]) -> None:
        """Do jobs as one, as far as signals' handlers go."""

    def synchronize(self) -> None:
        """Wait for what was begun."""

    def stream_of(self, array: Any, stream: Any) -> Any:
        """The stream to run on, for an array and what the user gave; ValueError where there is none."""
