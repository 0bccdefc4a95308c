"""Memory by address: what a kernel reads and writes when all it is given is integers.

Every function here stands twice: in Python (`NUMBA_DISABLE_JIT=1` and the CUDA simulator run it) and as the
machine code that Numba puts in its place, the same on the CPU and on CUDA.
"""

import ctypes

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import as_dtype


def compiled_as(function):
    """Let compiled code have, in place of a Python function, the instructions that the decorated function generates.

    Numba's `overload` would compile a function of its own for each combination of types, which takes most of the time.
    """

    def decorate(generate):
        template = make_intrinsic_template(function, generate, function.__name__)
        infer(template)
        infer_global(function, types.Function(template))
        return generate

    return decorate


def array_at(address, n, dtype):
    """The `n` numbers of `dtype` that stand at `address`, as an array."""
    raw = (ctypes.c_byte * int(n * np.dtype(dtype).itemsize)).from_address(int(address))
    return np.frombuffer(raw, dtype) if n else np.empty(0, dtype)


def integers_at(address, n):
    """The `n` int64 that stand at `address`."""
    return array_at(address, n, np.int64)


def reals_at(address, n):
    """The `n` float64 that stand at `address`."""
    return array_at(address, n, np.float64)


def at(address, dtype):
    """The record of a dtype that stands at `address`."""
    return array_at(address, 1, dtype)[0]


def matrix_at(address, rows, columns, dtype):
    """The numbers of `dtype` that stand at `address`, as rows of so many columns."""
    return array_at(address, rows * columns, dtype).reshape(rows, columns)


def load(address, dtype):
    """The number of `dtype` that stands at `address`."""
    return array_at(address, 1, dtype)[0]


def store(address, dtype, value):
    """Put `value`, cast to `dtype`, at `address`."""
    array_at(address, 1, dtype)[0] = value


def aligned(dtype):
    """Of what the address of four neighbours must be a multiple: their bytes, or the 16 that one access moves."""
    return min(4 * dtype.itemsize, 16)


def load4(address, dtype):
    """The four numbers of `dtype` at `address` (a multiple of what `aligned` asks for), in one access."""
    assert address % aligned(np.dtype(dtype)) == 0
    return tuple(array_at(address, 4, dtype))


def store4(address, dtype, a, b, c, d):
    """Put four numbers of `dtype` at `address` (a multiple of what `aligned` asks for), in one access."""
    assert address % aligned(np.dtype(dtype)) == 0
    array_at(address, 4, dtype)[:] = a, b, c, d


def number_of(value, dtype):
    """A number as one of `dtype`."""
    return dtype(value)


def by_type(x, single, double):
    """The first of two numbers if `x` is a float32, else the second, as a number of the type of `x`."""
    return type(x)(single if isinstance(x, np.float32) else double)


@compiled_as(array_at)
def _array_at(typing, address, n, dtype):
    return types.Array(dtype.dtype, 1, "C")(types.int64, types.intp, dtype), _run_at


@compiled_as(integers_at)
def _integers_at(typing, address, n):
    return types.Array(types.int64, 1, "C")(types.int64, types.intp), _run_at


@compiled_as(reals_at)
def _reals_at(typing, address, n):
    return types.Array(types.float64, 1, "C")(types.int64, types.intp), _run_at


@compiled_as(matrix_at)
def _matrix_at(typing, address, rows, columns, dtype):
    def codegen(context, builder, signature, args):
        return _array(context, builder, signature.return_type, args[0], args[1:3])

    return types.Array(dtype.dtype, 2, "C")(types.int64, types.intp, types.intp, dtype), codegen


@compiled_as(at)
def _at(typing, address, dtype):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return dtype.dtype(types.int64, dtype), codegen


@compiled_as(load)
def _load(typing, address, dtype):
    def codegen(context, builder, signature, args):
        return builder.load(typed(context, builder, args[0], signature.return_type))

    return dtype.dtype(types.int64, dtype), codegen


@compiled_as(store)
def _store(typing, address, dtype, value):
    def codegen(context, builder, signature, args):
        value = context.cast(builder, args[2], signature.args[2], signature.args[1].dtype)
        builder.store(value, typed(context, builder, args[0], signature.args[1].dtype))
        return context.get_dummy_value()

    return types.void(types.int64, dtype, value), codegen


@compiled_as(load4)
def _load4(typing, address, dtype):
    def codegen(context, builder, signature, args):
        vector = builder.load(_vector(context, builder, args[0], dtype.dtype), align=_aligned(dtype))
        lanes = [builder.extract_element(vector, ir.IntType(32)(k)) for k in range(4)]
        return context.make_tuple(builder, signature.return_type, lanes)

    return types.UniTuple(dtype.dtype, 4)(types.int64, dtype), codegen


@compiled_as(store4)
def _store4(typing, address, dtype, a, b, c, d):
    def codegen(context, builder, signature, args):
        pointer = _vector(context, builder, args[0], dtype.dtype)
        vector = pointer.type.pointee(ir.Undefined)
        for k, (value, kind) in enumerate(zip(args[2:], signature.args[2:], strict=True)):
            lane = context.cast(builder, value, kind, dtype.dtype)
            vector = builder.insert_element(vector, lane, ir.IntType(32)(k))
        builder.store(vector, pointer, align=_aligned(dtype))
        return context.get_dummy_value()

    return types.void(types.int64, dtype, a, b, c, d), codegen


@compiled_as(number_of)
def _number_of(typing, value, dtype):
    def codegen(context, builder, signature, args):
        return context.cast(builder, args[0], value, dtype.dtype)

    return dtype.dtype(value, dtype), codegen


@compiled_as(by_type)
def _by_type(typing, x, single, double):
    def codegen(context, builder, signature, args):
        which = 1 if x == types.float32 else 2
        return context.cast(builder, args[which], signature.args[which], x)

    return x(x, single, double), codegen


def _run_at(context, builder, signature, args):
    return _array(context, builder, signature.return_type, args[0], [args[1]])


def _array(context, builder, kind, address, shape):
    """An array of a type of Numba's, which does not own its memory."""
    array, item = make_array(kind)(context, builder), context.get_abi_sizeof(context.get_data_type(kind.dtype))
    size, strides = context.get_constant(types.intp, item), []
    for length in reversed(shape):
        strides.insert(0, size)
        size = builder.mul(size, length)
    data = builder.inttoptr(address, context.get_data_type(kind.dtype).as_pointer())
    item = context.get_constant(types.intp, item)
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None)
    return array._getvalue()


def typed(context, builder, address, dtype):
    """The pointer to a number of a type of Numba's at an address."""
    return builder.inttoptr(address, context.get_value_type(dtype).as_pointer(_space(context)))


def _vector(context, builder, address, dtype):
    return builder.inttoptr(address, ir.VectorType(context.get_value_type(dtype), 4).as_pointer(_space(context)))


def _aligned(dtype):
    return aligned(as_dtype(dtype.dtype))


def _space(context):
    """The address space of our memory: on CUDA the global one, which spares each access the search for it."""
    return 1 if "cuda" in type(context).__module__ else 0
