"""The table of activations: one entry each, with everything that the rest of gradsim asks about it.

An entry states phi and phi' in float32 for the ordinary range, and how phi behaves outside it: the value and the
one-sided slopes at 0, and slope and intercept at -inf and +inf. The logarithmic forms serve where a float32 would
underflow to a false zero, as 1 - tanh^2 does beyond |h| = 8.
"""

from ..errors import RequestError, unknown
from ..schemes import parse
from .custom import custom_entry, load
from .entry import Activation
from .gated import GATED
from .piecewise import PIECEWISE
from .saturating import SATURATING

ACTIVATIONS = (*PIECEWISE, *SATURATING, *GATED)  # an activation's code in a program is its place here
CODES = {entry.name: code for code, entry in enumerate(ACTIVATIONS)}
CUSTOM = len(ACTIVATIONS)  # the code of every user's activation
_BY_NAME = {name: entry for entry in ACTIVATIONS for name in (entry.name, *entry.aliases)}
_GIVEN = {}  # users' activations by name
LARGEST_PARAMETER = 1e30  # of |a|: a h is then a float32


def find_activation(text):
    """The (Activation, parameter) of "tanh", "leaky_relu(0.2)", a name given to `activation`, or "module:function".

    Raises RequestError for anything else, and for parameters beyond LARGEST_PARAMETER.
    """
    if isinstance(text, str) and ":" in text and text not in _GIVEN:
        _GIVEN[text] = load(text)
    if isinstance(text, str) and text in _GIVEN:
        return _GIVEN[text], 0.0
    name, arguments = parse("--activation", text)
    if name not in _BY_NAME:
        raise unknown("--activation", name, [*_BY_NAME, *_GIVEN])
    entry = _BY_NAME[name]
    if len(arguments) > (entry.parameter is not None):
        form = f"{name} or {name}(a)" if entry.parameter is not None else name
        raise RequestError(f"--activation: {text!r} should be written {form}")
    if entry.parameter is None:
        return entry, 0.0
    a = arguments[0] if arguments else entry.parameter
    if not abs(a) <= LARGEST_PARAMETER:
        raise RequestError(f"--activation: {text!r}: the parameter is from {-LARGEST_PARAMETER:g} to {LARGEST_PARAMETER:g}")
    return entry.with_parameter(a), a


def activation(name, f, df, kinks=()):
    """Make the function f, with derivative df, an activation that networks can name; returns its Activation.

    f and df take and give one number (a float64) and are written with `math` or `numpy`, as for `numba.njit`. They are
    compiled by themselves, evaluated in float64 and rounded to float32; how f behaves at 0 and at infinity is found by
    evaluating it there. `kinks` are the points where f or a derivative of it jumps: a simulation does not need them,
    theory does. Raises RequestError where Numba cannot compile them, df is not the derivative, or the name is taken by
    gradsim.
    """
    if not isinstance(name, str) or not name.isidentifier() or name.lower() in _BY_NAME:
        raise RequestError(f"activation: {name!r} is not a free name; one is letters, digits and _ and not in the table")
    _GIVEN[name] = custom_entry(name, f, df, kinks)
    return _GIVEN[name]


__all__ = ["ACTIVATIONS", "CODES", "CUSTOM", "Activation", "activation", "find_activation"]
