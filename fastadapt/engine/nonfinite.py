"""What to say of a gradient that is not finite."""

from typing import Any

import numpy as np

from ..arrays import gradient
from ..devices.device import Device
from ..layout import Layout, complex_of


def refuse_nonfinite(device: Device, grad: Any, param: Layout, path: str) -> None:
    """Raise ValueError for the gradient of a parameter, which is not finite."""
    name = f"params{path}"
    found = device.on_host(gradient(grad, param, name))
    whole = np.ascontiguousarray(found).view(complex_of(found.dtype))[..., 0] if param.complex else found
    raise ValueError(f"{name}: expected a finite gradient, not {_first(whole)}")


def _first(grad: np.ndarray) -> str:
    """The first number that is not finite, or becomes so when it is scaled."""
    bad = np.argwhere(~np.isfinite(grad))
    if not len(bad):
        return "one that is infinite as a number of the weights' dtype, or times its scale"
    value, more = grad[tuple(bad[0])], f", and {len(bad) - 1:,} more" if len(bad) > 1 else ""
    return f"{value} at {bad[0].tolist()}{more}"
