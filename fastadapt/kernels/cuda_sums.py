"""Sums over the threads of a GPU that share a tile."""

import numpy as np
from numba import cuda
from numba.extending import overload

from .cache import jitable
from .tuples import added, cast


def simulated(cuda, sums, lanes):
    """The sums over the threads that share a tile, in the simulator: by memory of the block, which waits for all."""
    if not sums:
        return sums
    shared = cuda.shared.array((cuda.blockDim.x, len(sums)), np.float64)
    shared[cuda.threadIdx.x] = sums
    cuda.syncthreads()
    first = cuda.threadIdx.x // lanes * lanes
    found = tuple(sum(column) for column in shared[first : first + lanes].T)
    cuda.syncthreads()
    return found


def simulated_wait(cuda, sums):
    """What a thread without a tile does there meanwhile."""
    if sums:
        cuda.syncthreads()
        cuda.syncthreads()


def on_a_gpu(added_lanes, no_lanes):
    """Let compiled code have functions of these parameters in place of those that the simulator runs.

    These have to stand in the kernel's own module, for there the simulator puts another `cuda`.
    """
    overload(no_lanes)(lambda sums: lambda sums: None)

    @overload(added_lanes)
    def _added_lanes(sums, lanes):
        if len(sums) == 0:
            return lambda sums, lanes: ()

        def shuffled(sums, lanes):
            total, step = sums[0], 16
            while step > 0:
                total += cuda.shfl_xor_sync(0xFFFFFFFF, total, step)
                step //= 2
            return (total,) + added_lanes(sums[1:], lanes)

        return shuffled


def summer(storage, groups, stride):
    """The function `(i, count, new)` that sums the terms of a thread's weights, which stand behind the states."""
    nothing, behind = (0.0,) * storage.terms, storage.behind
    if not groups or not storage.terms:
        return jitable(lambda i, count, new: nothing)
    rest = summer(storage, groups - 1, stride)

    @jitable
    def term(one):
        return cast(one[behind:], np.float64)

    @jitable
    def summed(i, count, new):
        sums, four = rest(i + stride, count, new[1:]), new[0]
        sums = added(sums, term(four[0])) if i < count else sums
        sums = added(sums, term(four[1])) if i + 1 < count else sums
        sums = added(sums, term(four[2])) if i + 2 < count else sums
        return added(sums, term(four[3])) if i + 3 < count else sums

    return summed
