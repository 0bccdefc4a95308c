"""Blocks: what compiled functions know of an optimizer and of its batches, as records that lie at fixed addresses.

Python writes their fields, and compiled code is given an address. A `phase` is a compiled function of the address of a
batch's block, which other compiled code calls by the phase's own address: so one function steps every rule.
"""

import numpy as np
from numba import config, types
from numba.core import cgutils

from .cache import jit, kernel_part
from .intrinsics import compiled_as, integers_at, load

INTEGER, REAL = np.int64, np.float64


def _record(**fields):
    return np.dtype((np.record, list(fields.items())))


STEP = _record(
    t=INTEGER,  # steps taken
    total=INTEGER,  # steps skipped
    in_a_row=INTEGER,  # steps skipped since the last one that was taken
    go=INTEGER,  # whether the last step was taken
    norm=REAL,  # of all gradients, in the last step that needed it
    new_norm=REAL,  # that of the step under way
    turn=INTEGER,  # how many steps were begun
    leaves=INTEGER,  # the id of the list of gradients
    batches=INTEGER,  # addresses of the batches' blocks
    batch_count=INTEGER,
    rows=INTEGER,  # addresses of the groups' rows
    group_count=INTEGER,
    limits=INTEGER,  # three numbers for each group: see `NORM_GROUP`
    squares=INTEGER,  # four sums for each group: see `squares.root_of`
    find_norms=INTEGER,  # the phase of this block's address that finds norms and factors; 0 if it is not compiled yet
    factors=INTEGER,  # a factor of clipping for each group
    scale=REAL,
    before=INTEGER,  # phases of this block's address, 0 for a rule without sums and scalars: what comes before a step,
    after=INTEGER,  # and behind it; and of a batch's block, what comes behind each of its walks
    gather=INTEGER,
    kept=INTEGER,  # the sums and scalars over all arrays: see `reductions.py`
    fresh=INTEGER,  # the new scalars
    over_all=INTEGER,  # of each, whether there is one for all arrays
    sums_before=INTEGER,  # how many they are
    sums_after=INTEGER,
    scalars=INTEGER,
)
"""An optimizer. The first four fields are in the order of the counters on a GPU."""

NORM_GROUP, MAX_NORM, MAX_VALUE = range(3)
"""The limits of a group in a step: the group whose `max_norm` counts for it, that norm, and its `max_value`."""

BATCH = _record(
    step=INTEGER,  # the block of the optimizer
    n=INTEGER,  # arrays
    table=INTEGER,
    columns=INTEGER,  # of the table
    functions=INTEGER,  # addresses of the phases: see `APPLY`
    arrays=INTEGER,  # the ids of the parameters, and behind them the numbers of their gradients in the user's list
    known=INTEGER,  # see `match.describe`
    known_size=INTEGER,
    verdicts=INTEGER,  # of each array's gradient: see `ABSENT`
    packs=INTEGER,  # what of each array is packed into scratch: see `PACK_G`
    walks=INTEGER,  # for each dtype of gradients the arrays that have one: see `walk_size`
    walk=INTEGER,  # the one that a kernel is to work on
    group_indices=INTEGER,  # the group of each array
    missed=INTEGER,  # how many of the optimizer's steps each array has missed
    cohorts=INTEGER,  # the group and the missed steps of each row of coefficients
    cohort_count=INTEGER,
    near=INTEGER,  # with how many of the rows before it an array is compared; 0 gives each a row of its own
    coef=INTEGER,  # the rows of coefficients
    t=INTEGER,  # the step of the row that is under way, and the address of its group's row
    row=INTEGER,
    wide=INTEGER,  # room for one of them in float64
    width=INTEGER,  # numbers in such a row
    weight_size=INTEGER,  # bytes of a weight, and of a coefficient
    narrow=INTEGER,  # which of NARROW_TYPES the weights are, from 1 on; 0 for others
    held=INTEGER,  # bytes of a number with the range of the state's
    parts=INTEGER,  # room for the sums of tiles, and for how many of each
    parts_width=INTEGER,
    nonfinite=INTEGER,  # of each array what its gradient has that is not finite, or 0
    way=INTEGER,  # what to do with packed arrays: see `pack.TO_SCRATCH`
    scratch=INTEGER,  # room for packed arrays, its bytes, and the bytes that the last step needed
    scratch_size=INTEGER,
    scratch_needed=INTEGER,
    kept=INTEGER,  # the sums and scalars of each array: see `reductions.py`
    fresh=INTEGER,  # the new scalars of each array
    inputs=INTEGER,  # the sums and scalars that are to be combined, and where the new scalars go
    outputs=INTEGER,
)
"""A batch of an optimizer."""

ABSENT, ODD = -1, -2
"""Verdicts: there is no gradient; Python has to look at it. Others are the index of its dtype in GRADIENT_TYPES."""

PACK_G, PACK_P = 1, 2
"""What is packed: a gradient in another order of memory, or that shares some; a parameter with gaps."""

APPLY, SQUARES, REDUCE = 0, 4, 8
OWN, COEFFICIENTS, MATCH, PACK, COHORTS, COMBINE, FUNCTIONS = range(12, 19)
"""Where the addresses of the phases stand: by dtype of the gradients those that apply the rule, sum squares, and sum
what the rule says; those that compute the rule's own coefficients and all of them, give verdicts, pack arrays, find
cohorts and combine sums; and how many they are. 0 is one that is not compiled yet, or that cannot be had."""

NO_STEP = np.zeros(1, STEP)
"""The optimizer of kernels that belong to none."""


def enter(block, **values):
    """Fill in fields of a block: a number as it is, an array by its address."""
    for name, value in values.items():
        block[name] = value.ctypes.data if isinstance(value, np.ndarray) else value


@kernel_part
def walk_size(n):
    """Numbers in a walk over at most `n` arrays: their count, which they are, the first tile of each, and the end."""
    return 2 * n + 2


@kernel_part
def walk_of(batch):
    """The walk that kernels of a batch work on: how many arrays, which, and the first tile of each with the end."""
    walk = integers_at(batch.walk, walk_size(batch.n))
    return walk[0], walk[1 : batch.n + 1], walk[batch.n + 1 :]


@kernel_part
def choose_walk(batch, kind):
    """Make kernels of a batch work on the arrays with gradients of GRADIENT_TYPES[kind]; whether there are some."""
    batch.walk = batch.walks + 8 * walk_size(batch.n) * kind
    return load(batch.walk, np.int64) != 0


@kernel_part
def batches_of(step):
    """The addresses of the batches of an optimizer."""
    return integers_at(step.batches, step.batch_count)


@kernel_part
def phases_of(batch):
    """The addresses of a batch's phases."""
    return integers_at(batch.functions, FUNCTIONS)


_kept: dict[int, object] = {}
"""Phases that live as long as the process, by address; without compilation, what `call` calls."""


def phase(function, parallel=False):
    """The address of a function `(address of a block) -> status`, which is compiled, or found in the disk cache."""
    made = jit(function, "int64(int64)", parallel)
    if config.DISABLE_JIT:
        address = len(_kept) + 1
    else:
        (compiled,) = made.overloads.values()
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    _kept[address] = made
    return address


def run(address, block):
    """Run the phase at an address from Python, for a block at another."""
    return _kept[address](block)


def call(address, block):
    """Call the phase at an address, for a block at another."""
    return _kept[int(address)](block)


@compiled_as(call)
def _call(typing, address, block):
    def codegen(context, builder, signature, args):
        convention, resty, argtys = context.call_conv, types.int64, (types.int64,)
        pointer = convention.get_function_type(resty, argtys).as_pointer()
        function = builder.inttoptr(args[0], pointer)
        status, result = convention.call_function(builder, function, resty, argtys, [args[1]])
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(types.int64, types.int64), codegen
