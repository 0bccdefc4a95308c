"""Many small problems on CUDA: a thread takes a problem."""

from collections.abc import Callable

from numba import cuda

from .problems import Kind, solver_of


def kernel_of(kind: Kind, args: int, shared: int) -> Callable:
    """The kernel `(begin, work, values, runs, arrays, numbers, out)`, whose first thread takes problem `begin`.

    `arrays` are args and shared, so many of each, starts, the two limits and the rates: a kernel takes no empty tuple.
    """
    solve, given = solver_of(kind), args + shared
    lower, upper, rates = given + 1, given + 2, given + 3

    def kernel(begin, work, values, runs, arrays, numbers, out):
        i = cuda.grid(1)
        if i < work.shape[1] and begin + i < out[0].shape[0]:
            last, limits = i + 1, (arrays[lower], arrays[upper])
            own, more = arrays[:args], arrays[args:given]
            room = work[:, i:last], values[:, i:last], runs[i:last]
            solve(*room, begin + i, 1, own, more, arrays[rates:], arrays[given], limits, numbers, out)

    return kernel
