"""What the user holds: the curves of one network, and sets of them."""

from .curve_set import CurveSet, open_file
from .curves import Curves

__all__ = ["CurveSet", "Curves", "open_file"]
