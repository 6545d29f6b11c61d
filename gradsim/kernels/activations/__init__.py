"""The table of activations: one entry each, with everything that the rest of gradsim asks about it.

An entry states phi and phi' in float32 for the ordinary range, and how phi behaves outside it: the value and the
one-sided slopes at 0, and slope and intercept at -inf and +inf. The logarithmic forms serve where a float32 would
underflow to a false zero, as 1 - tanh^2 does beyond |h| = 8.
"""

from .entry import Activation
from .gated import GATED
from .piecewise import PIECEWISE
from .saturating import SATURATING

ACTIVATIONS = (*PIECEWISE, *SATURATING, *GATED)  # an activation's code in a program is its place here
CODES = {entry.name: code for code, entry in enumerate(ACTIVATIONS)}
CUSTOM = len(ACTIVATIONS)  # the code of every user's activation

__all__ = ["ACTIVATIONS", "CODES", "CUSTOM", "Activation"]
