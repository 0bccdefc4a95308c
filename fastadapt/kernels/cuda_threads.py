"""Threads of a GPU that sum and compare their numbers together: those of a block, and those that share a tile.

What of this needs Numba's `cuda` stands twice: for the simulator, whose kernels have a `cuda` of their own, and for
compiled code.
"""

import numpy as np
from numba import cuda
from numba.extending import overload

from .cache import kernel_part

LANES = 32
"""Threads that share a tile: a warp. They need no barrier."""


def simulated():
    """The `cuda` of the kernel that the simulator runs."""
    from numba.cuda.simulator.kernel import _get_kernel_context

    return _get_kernel_context()


def barrier():
    """Wait for all threads of the block."""
    simulated().syncthreads()


@overload(barrier)
def _barrier():
    return lambda: cuda.syncthreads()


@kernel_part
def sum_over_block(scratch, values, thread, threads):
    """Sum each of some values over all threads of a block, into the first column of `scratch`.

    That has a row for each value and a column for each thread. The first thread may read the sums at once; there has to
    be a barrier before `scratch` is used again.
    """
    for k in range(len(values)):
        scratch[k, thread] = values[k]
    half = threads // 2
    while half > 0:
        barrier()
        if thread < half:
            for k in range(len(values)):
                scratch[k, thread] += scratch[k, thread + half]
        half //= 2


def added_lanes(sums, lanes):
    """The sums over the threads that share a tile: a GPU's hand them around in their warp.

    The simulator's cannot do so, and wait for all of the block: a thread without a tile then calls `wait_for_lanes`.
    """
    if not sums:
        return sums
    cuda = simulated()
    shared = cuda.shared.array((cuda.blockDim.x, len(sums)), np.float64)
    shared[cuda.threadIdx.x] = sums
    barrier()
    first = cuda.threadIdx.x // lanes * lanes
    found = tuple(sum(column) for column in shared[first : first + lanes].T)
    barrier()
    return found


@overload(added_lanes)
def _added_lanes(sums, lanes):
    if len(sums) == 0:
        return lambda sums, lanes: ()

    def shuffled(sums, lanes):
        total, step = sums[0], LANES // 2
        while step > 0:
            total += cuda.shfl_xor_sync(0xFFFFFFFF, total, step)
            step //= 2
        return (total,) + added_lanes(sums[1:], lanes)

    return shuffled


def joined_lanes(ranges, lanes):
    """Each of a tile's ranges, least and largest, from those of the threads that share it; see `added_lanes`."""
    if not ranges:
        return ranges
    cuda = simulated()
    shared = cuda.shared.array((cuda.blockDim.x, len(ranges), 2), np.int32)
    shared[cuda.threadIdx.x] = ranges
    barrier()
    first = cuda.threadIdx.x // lanes * lanes
    low, high = shared[first : first + lanes, :, 0].min(0), shared[first : first + lanes, :, 1].max(0)
    barrier()
    return tuple(zip(low, high, strict=True))


@overload(joined_lanes)
def _joined_lanes(ranges, lanes):
    if len(ranges) == 0:
        return lambda ranges, lanes: ()

    def shuffled(ranges, lanes):
        low, high = ranges[0]
        step = LANES // 2
        while step > 0:
            low = min(low, cuda.shfl_xor_sync(0xFFFFFFFF, low, step))
            high = max(high, cuda.shfl_xor_sync(0xFFFFFFFF, high, step))
            step //= 2
        return ((low, high),) + joined_lanes(ranges[1:], lanes)

    return shuffled


def wait_for_lanes(joined):
    """What a thread without a tile does where others have something to add or to join; on a GPU nothing."""
    if joined:
        barrier()
        barrier()


@overload(wait_for_lanes)
def _wait_for_lanes(joined):
    return lambda joined: None
