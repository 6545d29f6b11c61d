"""Twins: the CPU's kernels compiled for the device from the same source, or run as they are in Numba's simulator.

A kernel of the CPU must not be called on the device as it is: Numba would compile it there with all flags of fast
arithmetic, and lose NaN and denormal numbers. A twin is the kernel's own source, with loops over units shared among a team
(see `loops`), and with names in it that stand for other kernels bound to their twins.
"""

import ast
import inspect
import linecache
import math
import textwrap
import types
from functools import cache

import numpy as np
from numba.core.dispatcher import Dispatcher

from .loops import shared
from .seam import called_on_device, inlined_on_device, numba_cuda, on_device, simulated

# Reads of one unit of a vector, outside of loops: function, and how it says that
PICKED = {
    "measure_units": ("v[0]",),
    "centre_of": ("v[0]",),
    "largest_exponent": ("exponents[0]",),
    "cross_entropy": ("scratch.logs[label]",),
    "log_surprise": ("x[label]",),
}
KERNELS = "gradsim.kernels."


def numpy_of_device():
    """NumPy as kernels know it: what the device's compiler lacks of it is there by other names."""
    if simulated():
        return np
    cuda = numba_cuda()
    module = types.ModuleType("numpy_on_cuda")
    module.__dict__.update({name: value for name, value in vars(np).items() if not name.startswith("__")})
    module.sqrt, module.isnan, module.isfinite = math.sqrt, math.isnan, math.isfinite

    @on_device
    def copysign(x, y):
        return cuda.libdevice.copysignf(x, y)

    module.copysign = copysign
    module.rint = _rounding(cuda)
    return module


def _rounding(cuda):
    """np.rint of a float32, or of a float64."""
    from numba.cuda.extending import overload

    def rint(x):
        raise NotImplementedError

    @overload(rint)
    def _rint(x):
        if str(x) == "float32":
            return lambda x: cuda.libdevice.rintf(x)
        return lambda x: cuda.libdevice.rint(x)

    return rint


@cache
def _code(plain):
    """The code of a function, its loops over units shared; their lines can be looked up as those of a file."""
    if plain.__closure__ is not None or plain.__name__ == "<lambda>":
        return plain.__code__
    tree, changed = shared(textwrap.dedent(inspect.getsource(plain)), PICKED.get(plain.__name__, ()))
    if not changed:
        return plain.__code__
    place, source = f"<{plain.__module__}.{plain.__name__} shared by a team>", ast.unparse(tree) + "\n"
    linecache.cache[place] = len(source), None, source.splitlines(True), place
    return next(found for found in compile(source, place, "exec").co_consts if isinstance(found, types.CodeType))


class Twins:
    """Twins for one kernel. `scope` has names that shared loops use. Of what stands in for functions of the CPU's, `replaced`
    says it by module and name, and `named` by a name alone, of what is no function."""

    def __init__(self, scope, replaced, named):
        self.scope, self.replaced, self.named = scope, dict(replaced), dict(named)
        self._numpy, self._made, self._modules = numpy_of_device(), {}, {}

    @staticmethod
    def _compile(function, twin):
        """What the CPU's compiler inlines itself gives views of arrays back, which it may do only so."""
        options = getattr(function, "targetoptions", {})
        if options.get("inline") == "always":
            return inlined_on_device(twin)
        return on_device(twin) if options.get("forceinline", True) else called_on_device(twin)

    def of(self, function):
        """The twin of a kernel."""
        plain = getattr(function, "py_func", function)
        if plain not in self._made:
            found = self.replaced.get((plain.__module__.removeprefix(KERNELS), plain.__name__))
            self._made[plain] = found if found is not None else self._compile(function, self._bound(plain))
        return self._made[plain]

    def _bound(self, plain):
        """The plain function of the twin: its own code, or that with shared loops, with other names."""
        code, closure = _code(plain), plain.__closure__
        scope = {"__builtins__": plain.__globals__["__builtins__"], "__name__": plain.__module__} | self.scope
        for name in (name for name in code.co_names if name in plain.__globals__):
            scope[name] = self.named[name] if name in self.named else self._replacement(plain.__globals__[name])
        if closure:
            closure = tuple(types.CellType(self._replacement(cell.cell_contents)) for cell in closure)
        twin = types.FunctionType(code, scope, plain.__name__, plain.__defaults__, closure)
        twin.__qualname__, twin.__module__ = plain.__qualname__, plain.__module__
        return twin

    def _replacement(self, value):
        if value is np:
            return self._numpy
        if isinstance(value, types.ModuleType) and value.__name__.startswith(KERNELS):
            return self._module(value)
        is_kernel = isinstance(value, Dispatcher | types.FunctionType)
        if is_kernel and getattr(value, "py_func", value).__module__.startswith(KERNELS):
            return self.of(value)
        return value

    def _module(self, module):
        """A module whose functions are twins, made when they are asked for: kernels say `f32.tanh`."""
        if module not in self._modules:
            self._modules[module] = _Lazily(module, self._replacement)
        return self._modules[module]


class _Lazily(types.ModuleType):
    def __init__(self, module, replacement):
        super().__init__(f"{module.__name__}_on_cuda")
        self._of, self._by = module, replacement

    def __getattr__(self, name):
        value = self._by(getattr(self.__dict__["_of"], name))
        setattr(self, name, value)
        return value
