"""Denormals: numbers so small that many CPUs compute with them slowly. While a kernel runs, they become zero."""

import platform

from llvmlite import ir
from numba import types

from .intrinsics import compiled_as

FLUSH = 0x8000 if platform.machine().lower() in ("x86_64", "amd64") else 0
"""The bit of an x86's control register by which results that would be denormal are zero; elsewhere none is set."""


def flush():
    """Let this thread's results be zero where they would be denormal; returns what `restore` takes.

    Denormal arguments are still read as what they are: a float16 gradient is widened through them.
    """
    return 0


def restore(control):
    """Compute with denormals as before `flush`."""


@compiled_as(flush)
def _flush(typing):
    def codegen(context, builder, signature, args):
        if not FLUSH:
            return ir.IntType(32)(0)
        place = builder.alloca(ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        before = builder.load(place)
        builder.store(builder.or_(before, ir.IntType(32)(FLUSH)), place)
        _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return before

    return types.uint32(), codegen


@compiled_as(restore)
def _restore(typing, control):
    def codegen(context, builder, signature, args):
        if FLUSH:
            place = builder.alloca(ir.IntType(32))
            builder.store(args[0], place)
            _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), codegen


def _call(builder, name, place):
    pointer = ir.IntType(8).as_pointer()
    function = builder.module.declare_intrinsic(name, (), ir.FunctionType(ir.VoidType(), [pointer]))
    builder.call(function, [builder.bitcast(place, pointer)])
