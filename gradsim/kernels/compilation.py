"""How kernels are compiled: the one place where that is decided.

Eight decorators cover every kernel:

``kernel``
    loops over vectors; floating-point sums may be reordered so that they vectorise.
``internal``
    the same, for functions that Python never calls; they allocate nothing.
``part``
    the same, for functions that become part of their callers.
``elementary``
    scalar functions whose digits depend on the written order of operations; Python never calls them either.
``expression``
    the same, for functions that become part of their callers.
``inlined``
    integer functions that LLVM would not inline by itself.
``entry_point``
    what Python calls, from any thread; kept on disk (see `cache`).
``deferred``
    what kernels call by its address, compiled when it is first needed (see `later`); kept on disk.
"""

from types import SimpleNamespace

from numba import njit, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic, overload

from .cache import KernelCache

# Never True: `nnan` and `ninf` let LLVM remove isnan and isinf, and here NaN and inf are results.
# `reassoc` lets sums vectorise; the order it picks is fixed at compile time, so runs repeat bit for bit.
FASTMATH_REDUCTION = frozenset({"nsz", "arcp", "contract", "afn", "reassoc"})

# Without `reassoc`: it would fold (x - k*LN2_HIGH) - k*LN2_LOW into x - k*LN2 and cost half the digits.
FASTMATH_ELEMENTARY = frozenset({"nsz", "contract"})


class _Part(JITCodeLibrary):
    """The code of a kernel that only other kernels call: linked into theirs as it is, and optimised there once.

    Numba optimises every function together with all that it calls, and makes machine code of it, at each level of
    calls again: of 70 s of compilation, 45.
    """

    def finalize(self):
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True

    def get_pointer_to_function(self, name):
        return 0  # there is none

    @property
    def codegen(self):  # asked for one thing only, to tell the machine code of Python objects in use
        return SimpleNamespace(set_env=lambda name, objects: None)


class _PartCompiler(Compiler):
    def define_pipelines(self):
        self.state.library = _Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


# Whether a function becomes part of its callers is said of each. Where it is not, Numba takes it from whoever calls the
# function first in a process: machine code, and last digits, would depend on what was compiled before.
_CALLED, _PART = {"forceinline": False}, {"forceinline": True}
_FAST = {"fastmath": set(FASTMATH_REDUCTION), "error_model": "numpy", "nogil": True}
_VECTORS = _FAST | _CALLED
kernel = njit(**_VECTORS)
# Called by other kernels only: without what Python would need to call them, a quarter of the compilation is saved. They
# allocate nothing, so they count no references: every bundle of arrays that is handed down would cost two atomic
# operations an array otherwise, 2.7 us a layer, four times what a layer of 256 units takes.
_CALLED_BY_KERNELS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_INTERNAL = _CALLED_BY_KERNELS | {"pipeline_class": _PartCompiler}
internal = njit(**_VECTORS, **_INTERNAL)
part = njit(**_FAST, **_PART, **_INTERNAL)
_EXACT = {"fastmath": set(FASTMATH_ELEMENTARY), "error_model": "numpy", "nogil": True}
elementary = njit(**_EXACT, **_CALLED, **_INTERNAL)
expression = njit(**_EXACT, **_PART, **_INTERNAL)


def for_python(function):
    """An internal kernel as one that Python can call, which tests do."""
    return kernel(getattr(function, "py_func", function))


# For integer arithmetic only: code inlined by Numba takes over the caller's floating-point flags.
inlined = njit(inline="always")


def widest_vectors():
    """Called first in a function, has LLVM use the CPU's widest vectors for its loops.

    On Intel CPUs with 512-bit vectors LLVM prefers 256-bit ones, for fear of lower clocks; a function's own attribute
    overrides that, where NUMBA_CPU_FEATURES would change the user's other code. A normal costs 15 % less that way.
    """


@intrinsic
def _widest_vectors(typing_context):
    def generate(context, builder, signature, arguments):
        attribute = '"prefer-vector-width"="512"'
        set.add(builder.function.attributes, attribute)  # llvmlite's own `add` knows no attributes with values
        return context.get_dummy_value()

    return types.none(), generate


@overload(widest_vectors, inline="always")  # so that `builder.function` is the caller
def _compiled_widest_vectors():
    return lambda: _widest_vectors()


def entry_point(function):
    """Compile `function` and keep its machine code on disk, under the digest of all kernels.

    Threads are the caller's: it holds no lock of the interpreter. Numba's own would have all of the code optimised three
    times instead of once, 20 s.

    The cache is attached to this one function, so the settings of the user's own Numba code stay as they are.
    """
    return _kept(njit(no_cfunc_wrapper=True, **_VECTORS)(function), function)


def deferred(function):
    """The same for what kernels call by its address (see `later`)."""
    return _kept(njit(**_VECTORS, **_CALLED_BY_KERNELS)(function), function)


def _kept(dispatcher, function):
    if hasattr(dispatcher, "_cache"):  # absent under NUMBA_DISABLE_JIT=1
        dispatcher._cache = KernelCache(function)
    return dispatcher
