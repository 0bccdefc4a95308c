"""Launches and copies asked of the driver directly, with all made once that Numba makes for each of them.

On the host a launch of five integers takes 0.4 us so, for 11 by Numba's own call, and a small copy 0.4 for 44 (without
what the driver takes). Where the packages below numba-cuda are others than those known here, Numba's own calls do it.
"""

import warnings

from numba import config, cuda

try:
    if config.ENABLE_CUDASIM:
        raise ImportError
    from cuda.bindings import driver
    from cuda.core import LaunchConfig, Stream
    from cuda.core import launch as start
except ImportError:
    driver = None


def handle_of(stream):
    """The number by which the driver knows a stream."""
    if hasattr(stream, "__cuda_stream__"):
        return int(stream.__cuda_stream__()[1])
    return int(stream) if stream else 0


def prepared(kernel, blocks, threads, stream):
    """The function that launches a compiled kernel with the integers that it is given."""
    try:
        if driver is None:
            raise ImportError
        [compiled] = kernel.overloads.values()
        function = compiled.library.get_cufunc().kernel
        grid = LaunchConfig(grid=(blocks, 1, 1), block=(threads, 1, 1))
        on = Stream.from_handle(handle_of(stream))
    except (ImportError, AttributeError, TypeError, ValueError):
        return configured(kernel, blocks, threads, stream)

    def launch(*numbers):
        attach()
        start(on, grid, function, *numbers)  # an int of Python's is passed as 8 bytes

    return launch


def configured(kernel, blocks, threads, stream):
    """The kernel as Numba launches it. Numba warns of a grid that leaves the device idle; small work needs no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kernel[blocks, threads, stream]


def attach():
    """Give this thread the device's context, as all of Numba's functions do: 0.2 us where it has one, for 3."""
    if not int(driver.cuCtxGetCurrent()[1]):
        cuda.current_context()


def send(array, copy, address, stream):
    """Copy an array of the host into one on the device, which is at `address`; the array may change at once."""
    if driver is None:
        copy.copy_to_device(array, stream=stream)
        return
    attach()
    (error,) = driver.cuMemcpyHtoDAsync(address, array.ctypes.data, array.nbytes, handle_of(stream))
    if error:
        raise RuntimeError(f"cuMemcpyHtoDAsync: {error.name}")


def captured(stream):
    """Whether a stream is captured into a CUDA graph."""
    if driver is None or handle_of(stream) == 0:  # which cannot be
        return False
    error, status = driver.cuStreamIsCapturing(handle_of(stream))
    return error == 0 and status == driver.CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE
