"""Where paths end, and since when they are there."""

from functools import cache

import numpy as np
from numba import float64, int64, types

SIGNATURE = types.void(float64[:, :, ::1], float64[:, ::1], float64, int64[::1], int64[::1])


def arrivals(paths: np.ndarray, minima: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray]:
    """Of paths (n, points, 2) the minimum within whose distance `near` each ends, -1 where there is none, and since
    which of its points it is there without a break."""
    ends, since = np.full(len(paths), -1), np.zeros(len(paths), np.int64)
    _kernel()(np.ascontiguousarray(paths, np.float64), minima, near, ends, since)
    return ends, since


@cache
def _kernel():
    from ...kernels.cache import jit

    def arrive(paths, minima, near, ends, since):
        last = paths.shape[1] - 1
        for i in range(len(paths)):
            closest = near * near
            for j in range(len(minima)):
                dx, dy = paths[i, last, 0] - minima[j, 0], paths[i, last, 1] - minima[j, 1]
                if dx * dx + dy * dy <= closest:
                    closest, ends[i] = dx * dx + dy * dy, j
            if ends[i] < 0:
                continue
            at = last
            while at > 0:
                dx, dy = paths[i, at - 1, 0] - minima[ends[i], 0], paths[i, at - 1, 1] - minima[ends[i], 1]
                if not dx * dx + dy * dy <= near * near:
                    break
                at -= 1
            since[i] = at

    return jit(arrive, SIGNATURE)
