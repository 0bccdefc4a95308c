"""Whether gradients can be read from the headers of NumPy's objects, and those of Python's lists."""

from functools import cache

import numpy as np

from ..kernels.blocks import BATCH, NO_STEP, ODD, PACK_G, enter, run
from ..kernels.match import ITEMS, build_match, describe
from ..kernels.table import G, make_table
from ..layout import c_steps, layout
from ..sharing import Spans


@cache
def trusted() -> int:
    """The address of the phase `match`, or 0 where headers or lists are not those that it knows."""
    if list.__basicsize__ != ITEMS + 16:
        return 0
    p, g = np.zeros((3, 5), np.float32), np.zeros((3, 5))
    frozen = p[:]
    frozen.flags.writeable = False
    # One that equals float64 and is another object, as of an array that was unpickled.
    own = g.view(np.dtype(np.float64, metadata={}).newbyteorder().newbyteorder())
    first = g.ctypes.data
    others = (p[:2], p[:, :4], p.astype(np.int32), p.reshape(15), g.view(g.dtype.newbyteorder()))
    right = verdict(p, g) == (1, 0, first) and verdict(p, own) == (1, 0, first)
    right &= verdict(p, None)[0] == -1 and verdict(p, p.astype(np.float16))[0] == 2
    right &= verdict(p, np.asfortranarray(g))[:2] == (1, PACK_G) == verdict(p, g[::-1])[:2]
    right &= verdict(p, g, [(first + 8, first + 16)])[1] == PACK_G and verdict(p, g, [(first - 8, first)])[1] == 0
    w, c = np.zeros((3, 5), np.complex64), np.zeros((3, 5), np.complex128)
    right &= verdict(w, c) == (1, 0, c.ctypes.data) and verdict(w, c.T.copy().T)[:2] == (1, PACK_G)
    right &= all(verdict(w, other)[0] == ODD for other in (p, c.view(float), c[:2])) and verdict(p, c)[0] == ODD
    right &= all(verdict(p, other)[0] == ODD for other in others)
    right &= all(verdict(other, g, expected=p)[0] == ODD for other in (frozen, p.T, *others))
    return build_match() if right else 0


def verdict(p, g, spans=(), expected=None, build=build_match, headers=()):
    """What `match` says of a gradient: its verdict, whether it is packed, and its address in the table."""
    param = layout(p if expected is None else expected)
    param = param.in_parts if param.dtype.kind == "c" else param
    table, verdict, grads = make_table([param.size], 0), np.zeros((2, 1), np.int64), [g]
    known = describe([param], [c_steps(param.shape)], Spans(spans), *headers)
    arrays = np.array([id(p), 0], np.int64)
    step, batch = NO_STEP.copy(), np.zeros(1, BATCH)
    step["leaves"] = id(grads)
    enter(batch, n=1, table=table, columns=table.shape[1], known=known, known_size=known.size, arrays=arrays)
    enter(batch, step=step, verdicts=verdict, packs=verdict[1:])
    run(build(), batch.ctypes.data)
    return int(verdict[0, 0]), int(verdict[1, 0]), int(table[0, G])
