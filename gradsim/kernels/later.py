"""Kernels that most runs never call: compiled by themselves when they are first needed, and called by their address.

Compiled into the interpreter, what `doubts` and `residues` do would make everybody's first run 6 s longer.
"""

from numba import config, typeof, types
from numba.core import cgutils
from numba.extending import intrinsic

from .bundles import Bundle

FORWARD, BACKWARD, END = range(3)  # stages, see `doubts.follow_doubts`
_STAGE = _STEP = _REPLICA = types.int64


def address(code, key, tape, scratch, record):
    """The address of `follow_doubts` for arrays like these, compiled if it is not."""
    from .doubts import follow_doubts

    if config.DISABLE_JIT:
        return 1
    signature = (_STAGE, _STEP, *map(typeof, (code, key)), _REPLICA, *map(typeof, (tape, scratch, record)))
    follow_doubts.compile(signature)
    compiled = follow_doubts.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


@intrinsic
def _compiled_call(typing_context, address, stage, k, code, key, replica, tape, scratch, record):
    given = (code, key, replica, tape, scratch, record)
    fields = [a.fields if isinstance(a, Bundle) else a for a in given]
    called = (_STAGE, _STEP, *fields[:2], _REPLICA, *fields[3:])

    def generate(context, builder, signature, arguments):
        pairs = zip(signature.args[1:], arguments[1:], strict=True)
        values = [builder.load(value) if isinstance(kind, Bundle) else value for kind, value in pairs]
        convention = context.call_conv
        kind = convention.get_function_type(types.none, called)
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        result = cgutils.alloca_once(builder, kind.args[0].pointee)
        error = cgutils.alloca_once(builder, kind.args[1].pointee)
        packed = convention._get_arg_packer(called).as_arguments(builder, values)
        builder.call(function, [result, error, *packed])
        return context.get_dummy_value()

    return types.none(types.int64, _STAGE, _STEP, *given[:2], _REPLICA, *given[3:]), generate


def _direct_call(address, *arguments):
    from .doubts import follow_doubts

    follow_doubts(*arguments)


# call_later(address, stage, k, code, key, replica, tape, scratch, record): `follow_doubts` at that address
call_later = _direct_call if config.DISABLE_JIT else _compiled_call
