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


PIECE = 1 << 16
"""Bytes that a copy from memory which is not pinned may have, for the driver to take them and return at once."""


def handle_of(stream):
    """The number by which the driver knows a stream: of CUDA's protocol, PyTorch's, CuPy's, Numba's or that itself."""
    if hasattr(stream, "__cuda_stream__"):
        return int(stream.__cuda_stream__()[1])
    return int(getattr(stream, "cuda_stream", getattr(stream, "ptr", stream)))


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
    """Give this thread the device's context, as all of Numba's functions do (0.2 us where it has one, for 3), and say
    which it is."""
    if driver is None:
        return 0 if config.ENABLE_CUDASIM else cuda.get_current_device().id
    found = int(driver.cuCtxGetCurrent()[1])
    if not found:
        cuda.current_context()
        found = int(driver.cuCtxGetCurrent()[1])
    return found


def device_of(address):
    """The number of the device in whose memory an address is, and that of the current one; None where unknown."""
    if driver is None or not address:
        return None
    attach()
    ordinal = driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    error, found = driver.cuPointerGetAttribute(ordinal, address)
    return None if error else (int(found), cuda.get_current_device().id)


def send(array, copy, address, stream):
    """Copy an array of the host into one on the device, which is at `address`; the array may change at once."""
    if driver is None:
        copy[: len(array)].copy_to_device(array, stream=stream)
        return
    attach()
    source, handle = array.ctypes.data, handle_of(stream)
    for start in range(0, array.nbytes, PIECE):
        size = min(PIECE, array.nbytes - start)
        (error,) = driver.cuMemcpyHtoDAsync(address + start, source + start, size, handle)
        if error:
            raise RuntimeError(f"cuMemcpyHtoDAsync: {error.name}")


def can_capture():
    """Whether it can be told that a stream is captured."""
    return driver is not None or bool(config.ENABLE_CUDASIM)


def captured(stream):
    """Whether a stream is captured into a CUDA graph."""
    if driver is None or handle_of(stream) == 0:  # which cannot be
        return False
    error, status = driver.cuStreamIsCapturing(handle_of(stream))
    return error == 0 and status == driver.CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE
