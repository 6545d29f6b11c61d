"""Windows into arrays: what slicing and reshaping would give, without their cost."""

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from .compilation import internal


def window(array, offset, shape):
    """The C-contiguous part of `array` that begins at flat index `offset`, in the given shape (a tuple of int64).

    Compiled, it does not keep the array alive: slicing would count references atomically, 50 ns a call, and a layer of
    256 units takes 700 ns.
    """
    return array.reshape(-1)[offset : offset + int(np.prod(shape))].reshape(shape)


@intrinsic
def _window(typing_context, array, offset, shape):
    view = types.Array(array.dtype, shape.count, "C")

    def generate(context, builder, signature, arguments):
        source = context.make_array(signature.args[0])(context, builder, arguments[0])
        extents = [builder.extract_value(arguments[2], axis) for axis in range(shape.count)]
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(array.dtype)))
        strides = [itemsize]
        for extent in extents[:0:-1]:
            strides.insert(0, builder.mul(strides[0], extent))
        result = context.make_array(view)(context, builder)
        data = builder.gep(source.data, [arguments[1]])
        context.populate_array(result, data=data, shape=extents, strides=strides, itemsize=itemsize, meminfo=None)
        return result._getvalue()

    return view(array, types.int64, types.UniTuple(types.int64, shape.count)), generate


@overload(window, inline="never")
def _compiled_window(array, offset, shape):
    return lambda array, offset, shape: _window(array, np.int64(offset), shape)


@internal
def row(array, k):
    """View of row k of a two-dimensional array."""
    return window(array, k * array.shape[1], (np.int64(array.shape[1]),))
