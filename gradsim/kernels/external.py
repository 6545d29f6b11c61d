"""Calls of functions that are known by their address only: what a user gives, compiled by itself."""

import ctypes

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from .compilation import kernel, part

_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)


def call(address, h):
    """f(h) for the C function double f(double) at `address`."""
    return _PROTOTYPE(int(address))(float(h))


@intrinsic
def _call(typing_context, address, h):
    def generate(context, builder, signature, arguments):
        double = ir.DoubleType()
        pointer = builder.inttoptr(arguments[0], ir.FunctionType(double, [double]).as_pointer())
        return builder.call(pointer, [arguments[1]])

    return types.float64(types.int64, types.float64), generate


@overload(call)
def _compiled_call(address, h):
    return lambda address, h: _call(np.int64(address), np.float64(h))


@kernel
def _call_all(address, h, out):
    for i in range(h.size):
        out[i] = call(address, h[i])


def whole(address, h):
    """f of every number in the float64 array h."""
    numbers = np.ascontiguousarray(h, float).reshape(-1)
    out = np.empty_like(numbers)
    _call_all(address, numbers, out)
    return out.reshape(np.shape(h))


@part
def call_each(address, v, scale, n, out):
    """out[i] = f(scale v[i]), in float64 and rounded to float32."""
    for i in range(n):
        out[i] = np.float32(call(address, np.float64(v[i]) * np.float64(scale)))
