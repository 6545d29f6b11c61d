"""Kernels that not every run calls: compiled by themselves when they are first needed, and called by their address.

Compiled into the interpreter they would make everybody's first run longer, one of 33 s by 6 s (`doubts`, `residues`), 15 s
(`block_steps`) and 5 s (`haar_steps`).
"""

from importlib import import_module

from numba import config, typeof, types
from numba.core import cgutils
from numba.extending import intrinsic

from .bundles import Bundle

FORWARD, BACKWARD, END, ADDED, STREAM_FORWARD, STREAM_BACKWARD = range(6)  # stages
_STAGE = _STEP = _REPLICA = types.int64


def _signature(code, key, tape, scratch, record):
    return _STAGE, _STEP, code, key, _REPLICA, tape, scratch, record


@intrinsic
def _compiled_call(typing_context, address, stage, k, code, key, replica, tape, scratch, record):
    called = _signature(code, key, tape, scratch, record)

    def generate(context, builder, signature, arguments):
        convention = context.call_conv
        kind = convention.get_function_type(types.none, called)
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        result = cgutils.alloca_once(builder, kind.args[0].pointee)
        error = cgutils.alloca_once(builder, kind.args[1].pointee)
        packed = convention._get_arg_packer(called).as_arguments(builder, arguments[1:])
        builder.call(function, [result, error, *packed])
        return context.get_dummy_value()

    return types.none(types.int64, *called), generate


class Later:
    """A kernel (stage, step, code, key, replica, tape, scratch, record) of a module that is not imported before.

    `address` has it compiled; `call`, which kernels use, takes that address before the kernel's own arguments.
    """

    def __init__(self, module, name):
        self.module, self.name = module, name
        self.call = self._call_directly if config.DISABLE_JIT else _compiled_call

    def address(self, code, key, tape, scratch, record):
        """Where the kernel for arrays like these is, compiled if it is not; never 0."""
        if config.DISABLE_JIT:
            return 1
        code, tape, scratch, record = (Bundle(typeof(a)) for a in (code, tape, scratch, record))
        signature, kernel = _signature(code, typeof(key), tape, scratch, record), self._kernel()
        kernel.compile(signature)
        compiled = kernel.overloads[signature]
        return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)

    def _kernel(self):
        return getattr(import_module(f".{self.module}", __package__), self.name)

    def _call_directly(self, address, *arguments):
        self._kernel()(*arguments)


doubts, blocks, haar = Later("doubts", "follow_doubts"), Later("block_steps", "block_step"), Later("haar_steps", "haar_step")
call_doubts, call_blocks, call_haar = doubts.call, blocks.call, haar.call
