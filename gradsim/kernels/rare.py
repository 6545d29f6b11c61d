"""Code that hardly ever runs, kept out of the code that always does: inlined, it costs the latter registers and 2 % of time."""

from numba import types
from numba.extending import intrinsic, overload


def rarely_called():
    """Called first in a function, has LLVM never inline it and take its calls for unlikely."""


@intrinsic
def _rarely_called(typing_context):
    def generate(context, builder, signature, arguments):
        attributes = builder.function.attributes
        if "alwaysinline" not in attributes:  # as the overload itself is, which Numba compiles first
            attributes.add("noinline")
            attributes.add("cold")
        return context.get_dummy_value()

    return types.none(), generate


@overload(rarely_called, inline="always")  # so that `builder.function` is the caller
def _compiled_rarely_called():
    return lambda: _rarely_called()
