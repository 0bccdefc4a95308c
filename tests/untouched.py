"""What errors have in common: a context in which an error is expected, and nothing may change."""

from contextlib import contextmanager

import numpy as np
import pytest
from layouts import bits


class FakeCuda:
    """What says of itself that it is a CUDA array, where there need be no GPU."""

    def __init__(self, shape, dtype=np.float32, address=4096):
        self.__cuda_array_interface__ = {
            "shape": shape,
            "strides": None,
            "typestr": np.dtype(dtype).str,
            "data": (address, False),
            "version": 3,
        }


def leaves(tree):
    """The arrays of a tree."""
    if isinstance(tree, dict | list | tuple):
        return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(part)]
    return [tree]


def everything(opt, arrays):
    """All that a step may change, and the hyperparameters."""
    state = [bits(leaf) for tree in opt.state.values() for leaf in leaves(tree)]
    return [bits(p) for p in arrays], state, opt.counts, opt.t, repr(opt), [repr(g) for g in opt.groups.values()]


@contextmanager
def refused(opt, arrays, error, match):
    """Expect an error that leaves the optimizer and the arrays (in NumPy) as they were."""
    before = everything(opt, arrays)
    with pytest.raises(error, match=match):
        yield
    assert everything(opt, arrays) == before


def refused_everywhere(cls, name, value, error):
    """Expect the error when an optimizer is made, and when it and its groups are changed."""
    match = rf"{cls.__name__}: .*{name}"
    p = np.ones(3)
    with pytest.raises(error, match=match):
        cls(p, **{name: value})
    with pytest.raises(error, match=match):
        cls(p, groups={"*": {name: value}})
    opt = cls(p, groups={"*": {"lr": 0.0 if "lr" in cls.in_common else 0.5}})
    opt.step(np.ones(3))
    for group in (opt, opt.groups["*"]):
        with refused(opt, [p], error, match):
            setattr(group, name, value)
