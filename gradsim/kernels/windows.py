"""Windows into arrays: what slicing and reshaping would give, for functions that count no references."""

import numpy as np
from numba import config, types
from numba.extending import intrinsic

from .compilation import inlined


@intrinsic
def _compiled_window(typing_context, array, offset, shape):
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


def _sliced(array, offset, shape):
    return array.reshape(-1)[offset : offset + int(np.prod(shape))].reshape(shape)


# window(array, offset, shape): the part of a C-contiguous `array` that begins at flat index `offset`, in the given shape
# (a tuple of int64). Compiled, it does not keep the array alive.
window = _sliced if config.DISABLE_JIT else _compiled_window


@inlined
def row(array, k):
    """View of row k of a two-dimensional array."""
    return window(array, k * array.shape[1], (np.int64(array.shape[1]),))
