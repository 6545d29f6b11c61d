"""The table of activations: one entry each, with everything that the rest of gradsim asks about it.

An entry states phi and phi' in float32 for the ordinary range, and how phi behaves outside it: the value and the
one-sided slopes at 0, and slope and intercept at -inf and +inf. The logarithmic forms serve where a float32 would
underflow to a false zero, as 1 - tanh^2 does beyond |h| = 8.
"""

from ..errors import RequestError, unknown
from ..schemes import parse
from .entry import Activation
from .gated import GATED
from .piecewise import PIECEWISE
from .saturating import SATURATING

ACTIVATIONS = (*PIECEWISE, *SATURATING, *GATED)  # an activation's code in a program is its place here
_BY_NAME = {name: entry for entry in ACTIVATIONS for name in (entry.name, *entry.aliases)}


def find_activation(text):
    """The (Activation, parameter) of "tanh" or "leaky_relu(0.2)". Raises RequestError for anything else."""
    name, arguments = parse("--activation", text)
    if name not in _BY_NAME:
        raise unknown("--activation", name, _BY_NAME)
    entry = _BY_NAME[name]
    if len(arguments) > (entry.parameter is not None):
        form = f"{name} or {name}(a)" if entry.parameter is not None else name
        raise RequestError(f"--activation: {text!r} should be written {form}")
    if entry.parameter is None:
        return entry, 0.0
    a = arguments[0] if arguments else entry.parameter
    return entry.with_parameter(a), a


CODES = {entry.name: code for code, entry in enumerate(ACTIVATIONS)}
__all__ = ["ACTIVATIONS", "CODES", "Activation", "find_activation"]
