"""What is done on a device is done by one interface, which the modules of both have."""

import inspect

import pytest
from conftest import SIMULATED

from fastadapt.devices import has_numba_cuda, module_of
from fastadapt.devices.device import Device


@pytest.mark.parametrize("cuda", [False, True], ids=["cpu", "cuda"])
def test_a_device_has_all_that_the_interface_says(cuda):
    if cuda and not (SIMULATED or has_numba_cuda()):
        pytest.skip("numba-cuda is not installed")
    module = module_of(cuda)
    expected = {name: value for name, value in vars(Device).items() if not name.startswith("_")}
    assert len(expected) > 15
    for name, function in expected.items():
        if inspect.isfunction(function):
            wanted = list(inspect.signature(function).parameters)[1:]
            assert list(inspect.signature(getattr(module, name)).parameters) == wanted, name
    assert hasattr(module, "NO_STREAM")
