"""What the kernel of a rule is given from Python, checked; errors name the argument."""

from ..arrays import gradient
from ..layout import PARAMETER_TYPES, layout
from ..sharing import shared


def check_count(where, given, count, items):
    """Raise TypeError or ValueError for anything but a tuple or list of so many items."""
    if not isinstance(given, tuple | list):
        raise TypeError(f"{where}: expected a tuple of {count} {items}, not {given!r}")
    if len(given) != count:
        raise ValueError(f"{where}: expected {count} {items}, not {len(given)}")


def layouts_of(name, arrays):
    """The layouts of the arrays of a call, by name, all flat and alike."""
    layouts = []
    for which, array in arrays.items():
        where = f"{name}: {which}"
        p = layouts[0] if layouts else None
        found = gradient(array, p, where) if which == "g" else _parameter(array, p, where)
        if len(found.shape) != 1 or not found.dense():
            raise ValueError(
                f"{where}: expected a flat array, contiguous and aligned, not shape {found.shape} with strides "
                f"{found.strides} at {found.address:#x}"
            )
        same = which == "g" and found.same(p)
        if not same and any(shared(found, other) for other in layouts):
            raise ValueError(f"{where}: expected an array that shares no memory with the others")
        layouts.append(found)
    return layouts


def _parameter(array, p, where):
    """The layout of the weights, or of state that has to be like the weights `p`."""
    found = layout(array)
    if found is None or (p and found.cuda != p.cuda):
        expected = f"{p.device} array, as p" if p else "NumPy or CUDA array"
        raise TypeError(f"{where}: expected a {expected}, not {type(array).__name__}")
    if found.dtype not in PARAMETER_TYPES or (p and found.dtype != p.dtype):
        expected = f"{p.dtype}, as p" if p else "float32 or float64"
        raise TypeError(f"{where}: expected an array of {expected}, not {found.dtype}")
    if p and found.shape != p.shape:
        raise ValueError(f"{where}: expected shape {p.shape}, as p, not {found.shape}")
    if not found.writeable:
        raise ValueError(f"{where}: expected a writeable array")
    return found
