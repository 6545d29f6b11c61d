"""Views of arrays, made of instructions, for the device's compiler: `kernels.windows` has them for the CPU's."""

import numpy as np

from .seam import inlined_on_device, numba_cuda, simulated


def view_of(step=1):
    """A function (array, offset, shape): the part of a C-contiguous array that begins at flat index `offset`, in the given
    shape (a tuple of int64), of each `step`-th entry only. The step is known when it is compiled."""
    return _in_simulator(step) if simulated() else _on_device(step)


def _in_simulator(step):
    def view(array, offset, shape):
        return array.reshape(-1)[offset : offset + step * int(np.prod(shape)) : step].reshape(shape)

    return view


def _on_device(step):
    numba_cuda()
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    @intrinsic
    def view(typing_context, array, offset, shape):
        found = types.Array(array.dtype, shape.count, "C" if step == 1 else "A")

        def generate(context, builder, signature, arguments):
            source = context.make_array(signature.args[0])(context, builder, arguments[0])
            extents = [builder.extract_value(arguments[2], axis) for axis in range(shape.count)]
            size = context.get_abi_sizeof(context.get_data_type(array.dtype))
            strides = [context.get_constant(types.intp, step * size)]
            for extent in extents[:0:-1]:
                strides.insert(0, builder.mul(strides[0], extent))
            result = context.make_array(found)(context, builder)
            data = builder.gep(source.data, [arguments[1]])
            itemsize = context.get_constant(types.intp, size)
            context.populate_array(result, data=data, shape=extents, strides=strides, itemsize=itemsize, meminfo=None)
            return result._getvalue()

        return found(array, types.int64, types.UniTuple(types.int64, shape.count)), generate

    return view


def left_over(shape, kind):
    """An array of what may lie in a device's memory: nothing that a kernel should get by on."""
    return np.full(shape, np.nan if np.dtype(kind).kind == "f" else 77_777_777, kind)


def registers_of(shape, kind):
    """A function (array, slot, lane, shape) that gives numbers of a thread in no array: registers, where every index is known
    when it is compiled."""
    if simulated():
        return lambda array, slot, lane, given: left_over(shape, kind)
    cuda = numba_cuda()

    @inlined_on_device
    def registers(array, slot, lane, given):
        return cuda.local.array(shape, kind)

    return registers
