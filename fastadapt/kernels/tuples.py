"""Tuples of arrays, addresses and numbers, one for each state of a rule: what kernels do with each of them.

Every function here stands twice, as in `intrinsics.py`: in Python, and as instructions, in which there is no loop
left over the tuple, whose length Numba knows.
"""

import inspect
import operator
from functools import cache, reduce

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload

from .cache import jitable, kernel_part
from .intrinsics import array_at, compiled_as, load, load4, number_of, store, store4, typed


def each(one, *split):
    """Let compiled code call `one` for each item of tuples, in place of a Python function of the same parameters.

    Of the parameters named in `split` a call gets one item, of the others all. What the calls return is a tuple.
    """

    def decorate(function):
        declared = inspect.signature(function)
        splits = [name in split for name in declared.parameters]

        def generate(typing, *kinds):
            known, lengths = typing.resolve_value_type(one), {len(kinds[i]) for i in range(len(kinds)) if splits[i]}
            if len(lengths) > 1:  # it is a rule whose result can have another length
                raise TypingError("update: expected it to return the weight and each state, no more and no less")
            given = [_item(kinds, splits, operator.getitem, k) for k in range(*lengths)]
            calls = [typing.resolve_function_type(known, item, {}) for item in given]
            nothing = types.none in [call.return_type for call in calls]

            def codegen(context, builder, signature, args):
                results = []
                for k, call in enumerate(calls):
                    values = _item(args, splits, builder.extract_value, k)
                    values = map(context.cast, [builder] * len(values), values, given[k], call.args)
                    results.append(context.get_function(known, call)(builder, list(values)))
                return context.get_dummy_value() if nothing else context.make_tuple(builder, result, results)

            result = types.none if nothing else types.BaseTuple.from_types(tuple([call.return_type for call in calls]))
            return result(*kinds), codegen

        parameters = [
            inspect.Parameter("typing", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *declared.parameters.values(),
        ]
        generate.__signature__ = declared.replace(parameters=parameters)
        compiled_as(function)(generate)
        return function

    return decorate


def _item(given, splits, part, k):
    """Arguments with item `k` of those that are split."""
    return tuple([part(value, k) if is_split else value for value, is_split in zip(given, splits, strict=True)])


@each(operator.getitem, "arrays")
def gather(arrays, i):
    """Element `i` of each array, as a tuple."""
    return tuple([array[i] for array in arrays])


@each(operator.setitem, "arrays", "values")
def scatter(arrays, i, values):
    """Put `values`, in order, into element `i` of the arrays."""
    for array, value in zip(arrays, values, strict=True):
        array[i] = value


@each(operator.getitem, "which")
def take(array, which):
    """The elements of `array` whose indices the tuple `which` holds, as a tuple."""
    return tuple([array[k] for k in which])


@cache
def chooser(which, length=None):
    """The function that gives those items of a tuple, of whatever types, whose indices are `which`, a tuple or range.

    All that a tuple of this length has, or nothing of it, needs no slice, which takes long to compile.
    """
    if not which:
        return jitable(lambda values: ())
    if which == range(length or 0):
        return jitable(lambda values: values)
    if isinstance(which, range):
        first, end = which.start, which.stop
        return jitable(lambda values: values[first:end])
    first, rest = which[0], chooser(which[1:])
    return jitable(lambda values: (values[first],) + rest(values))


def viewer(dtypes):
    """The function `(addresses, start, n)` that gives `n` numbers from number `start` on, of each address's dtype."""
    if not dtypes:
        return jitable(lambda addresses, start, n: ())
    dtype, size, rest = dtypes[0].type, dtypes[0].itemsize, viewer(dtypes[1:])

    @jitable
    def viewed(addresses, start, n):
        return (array_at(addresses[0] + start * size, n, dtype),) + rest(addresses[1:], start, n)

    return viewed


def shifter(sizes):
    """The function `(addresses, start)` that gives the address of number `start` behind each, by the numbers' sizes."""
    if not sizes:
        return jitable(lambda addresses, start: ())
    size, rest = sizes[0], shifter(sizes[1:])
    return jitable(lambda addresses, start: (addresses[0] + start * size,) + rest(addresses[1:], start))


def parts(array, n, like):
    """The rows of an array by `n` at a time, as many times as the tuple `like` is long, as a tuple."""
    return tuple([array[k * n : (k + 1) * n] for k in range(len(like))])


@overload(parts)
def _parts(array, n, like):
    # Not by `each`: on CUDA no function returns an array that is not one of its arguments, but for one in a tuple.
    last = len(like) - 1
    if last < 0:
        return lambda array, n, like: ()
    return lambda array, n, like: parts(array, n, like[1:]) + (array[last * n : (last + 1) * n],)


@kernel_part
def item_at(array, i, j):
    """Element `[i, j]` of an array, whose only row or column counts for all."""
    return array[i if array.shape[0] > 1 else 0, j if array.shape[1] > 1 else 0]


@each(item_at, "arrays")
def items_at(arrays, i, j):
    """Element `[i, j]` of each array, as a tuple; where an array has one row or one column, that counts for all."""
    return tuple([item_at(array, i, j) for array in arrays])


@kernel_part
def put_item(array, k, i, value):
    """Put a value into element `[k, i]` of an array."""
    array[k, i] = value


@each(put_item, "which", "values")
def put_items(array, which, i, values):
    """Put the values, in order, into column `i` of the rows whose numbers the tuple `which` holds."""
    for k, value in zip(which, values, strict=True):
        array[k, i] = value


@kernel_part
def item_of(array, k, i):
    """Element `[k, i]` of an array."""
    return array[k, i]


@each(item_of, "which")
def items_of(array, which, i):
    """Column `i` of the rows whose numbers the tuple `which` holds, as a tuple."""
    return tuple([array[k, i] for k in which])


@each(operator.add, "a", "b")
def added(a, b):
    """The sums of the items of two tuples."""
    return tuple([x + y for x, y in zip(a, b, strict=True)])


@each(number_of, "values")
def cast(values, dtype):
    """The tuple `values`, each as a scalar of `dtype`."""
    return tuple([dtype(value) for value in values])


@each(operator.add, "addresses")
def moved(addresses, offset):
    """The addresses that lie `offset` bytes behind the given ones."""
    return tuple([address + offset for address in addresses])


@each(array_at, "addresses")
def arrays_at(addresses, n, dtype):
    """From each address on, `n` numbers of `dtype`, as a tuple."""
    return tuple([array_at(address, n, dtype) for address in addresses])


@each(load, "addresses")
def load_each(addresses, dtype):
    """The number at each address."""
    return tuple([load(address, dtype) for address in addresses])


@each(store, "addresses", "values")
def store_each(addresses, dtype, values):
    """Put each value at its address."""
    for address, value in zip(addresses, values, strict=True):
        store(address, dtype, value)


@each(load4, "addresses")
def load4_each(addresses, dtype):
    """The four numbers at each address."""
    return tuple([load4(address, dtype) for address in addresses])


@each(store4, "addresses", "a", "b", "c", "d")
def store4_each(addresses, dtype, a, b, c, d):
    """Put the first of a, b, c, d at the first address, and so on."""
    for values in zip(addresses, a, b, c, d, strict=True):
        store4(values[0], dtype, *values[1:])


def loads(address, dtype, like):
    """The numbers of `dtype` that stand from `address` on, as many as `like` has, as a tuple."""
    size = np.dtype(dtype).itemsize
    return tuple([load(address + k * size, dtype) for k in range(len(like))])


def store_all(address, dtype, values):
    """Put the values, one behind the other, from `address` on."""
    for k, value in enumerate(values):
        store(address + k * np.dtype(dtype).itemsize, dtype, value)


@kernel_part
def store_sized(address, size, values):
    """Put the values, one behind the other, from `address` on, as floats of `size` bytes each, 4 or 8."""
    if size == 4:
        store_all(address, np.float32, values)
    else:
        store_all(address, np.float64, values)


def joined(addresses):
    """All addresses joined by `or`: a multiple of 16 if they all are."""
    return reduce(operator.or_, addresses)


@compiled_as(loads)
def _loads(typing, address, dtype, like):
    def codegen(context, builder, signature, args):
        first = typed(context, builder, args[0], dtype.dtype)
        found = [builder.load(builder.gep(first, [ir.IntType(32)(k)])) for k in range(len(like))]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(dtype.dtype, len(like))(types.int64, dtype, like), codegen


@compiled_as(store_all)
def _store_all(typing, address, dtype, values):
    def codegen(context, builder, signature, args):
        first = typed(context, builder, args[0], dtype.dtype)
        for k, kind in enumerate(values):
            value = context.cast(builder, builder.extract_value(args[2], k), kind, dtype.dtype)
            builder.store(value, builder.gep(first, [ir.IntType(32)(k)]))
        return context.get_dummy_value()

    return types.void(types.int64, dtype, values), codegen


@compiled_as(joined)
def _joined(typing, addresses):
    def codegen(context, builder, signature, args):
        return reduce(builder.or_, [builder.extract_value(args[0], k) for k in range(len(addresses))])

    return types.int64(addresses), codegen
