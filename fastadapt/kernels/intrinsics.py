"""Memory by address: what a kernel reads and writes when all it is given is integers.

Every function here stands twice: in Python (`NUMBA_DISABLE_JIT=1` and the CUDA simulator run it) and as the
machine code that Numba puts in its place, the same on the CPU and on CUDA.
"""

import ctypes

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic, overload
from numba.np.numpy_support import as_dtype


def array_at(address, n, dtype):
    """The `n` numbers of `dtype` that stand at `address`, as an array."""
    raw = (ctypes.c_byte * int(n * np.dtype(dtype).itemsize)).from_address(int(address))
    return np.frombuffer(raw, dtype) if n else np.empty(0, dtype)


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


def store4(address, dtype, values):
    """Put four numbers of `dtype` at `address` (a multiple of what `aligned` asks for), in one access."""
    assert address % aligned(np.dtype(dtype)) == 0
    array_at(address, 4, dtype)[:] = values


@intrinsic
def _pointer(typing, address, dtype):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(dtype.dtype)(types.int64, dtype), codegen


@intrinsic
def _load(typing, address, dtype):
    def codegen(context, builder, signature, args):
        return builder.load(_typed(context, builder, args[0], signature.return_type))

    return dtype.dtype(types.int64, dtype), codegen


@intrinsic
def _store(typing, address, dtype, value):
    def codegen(context, builder, signature, args):
        value = context.cast(builder, args[2], signature.args[2], signature.args[1].dtype)
        builder.store(value, _typed(context, builder, args[0], signature.args[1].dtype))
        return context.get_dummy_value()

    return types.void(types.int64, dtype, value), codegen


@intrinsic
def _load4(typing, address, dtype):
    def codegen(context, builder, signature, args):
        vector = builder.load(_vector(context, builder, args[0], dtype.dtype), align=_aligned(dtype))
        lanes = [builder.extract_element(vector, ir.IntType(32)(k)) for k in range(4)]
        return context.make_tuple(builder, signature.return_type, lanes)

    return types.UniTuple(dtype.dtype, 4)(types.int64, dtype), codegen


@intrinsic
def _store4(typing, address, dtype, values):
    def codegen(context, builder, signature, args):
        pointer = _vector(context, builder, args[0], dtype.dtype)
        vector = pointer.type.pointee(ir.Undefined)
        for k, given in enumerate(signature.args[2]):
            lane = context.cast(builder, builder.extract_value(args[2], k), given, dtype.dtype)
            vector = builder.insert_element(vector, lane, ir.IntType(32)(k))
        builder.store(vector, pointer, align=_aligned(dtype))
        return context.get_dummy_value()

    return types.void(types.int64, dtype, values), codegen


def _typed(context, builder, address, dtype):
    return builder.inttoptr(address, context.get_value_type(dtype).as_pointer(_space(context)))


def _vector(context, builder, address, dtype):
    return builder.inttoptr(address, ir.VectorType(context.get_value_type(dtype), 4).as_pointer(_space(context)))


def _aligned(dtype):
    return aligned(as_dtype(dtype.dtype))


def _space(context):
    """The address space of our memory: on CUDA the global one, which spares each access the search for it."""
    return 1 if "cuda" in type(context).__module__ else 0


@overload(array_at)
def _array_at(address, n, dtype):
    return lambda address, n, dtype: carray(_pointer(address, dtype), (n,))


@overload(load)
def _load_overload(address, dtype):
    return lambda address, dtype: _load(address, dtype)


@overload(store)
def _store_overload(address, dtype, value):
    return lambda address, dtype, value: _store(address, dtype, value)


@overload(load4)
def _load4_overload(address, dtype):
    return lambda address, dtype: _load4(address, dtype)


@overload(store4)
def _store4_overload(address, dtype, values):
    return lambda address, dtype, values: _store4(address, dtype, values)
