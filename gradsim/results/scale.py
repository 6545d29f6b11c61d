"""What an axis has of a quantity: words beside it, and numbers on it, which are decades where it is a size."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..statistics.quantities import QUANTITIES
from .verdict import BAND, DECADES

WORDS = {
    "loss": "loss",
    "log_one_minus_correlation": "1 − correlation, geometric mean",
    "activation_mean": "mean over the units",
    "activation_unit_variance": "variance between the units",
}


@dataclass(frozen=True)
class Scale:
    """`words` are beside the axis, `factor` takes what is recorded to it, in `decades`: log10 of a size. No number of the
    quantity is below `least` or above `most`."""

    words: str
    factor: float = 1.0
    decades: bool = False
    least: float = -math.inf
    most: float = math.inf

    @property
    def bounded(self):
        """Whether there is a largest number."""
        return math.isfinite(self.most)


@cache
def scale_of(quantity):
    """The Scale of a quantity, by name."""
    if QUANTITIES[quantity].log:
        usual = "largest entry" if quantity.endswith("_max") else "root mean square"
        return Scale(WORDS.get(quantity, usual), DECADES, True)
    if quantity.startswith("log_"):
        return Scale(WORDS[quantity], 2 * DECADES, True)
    if quantity.endswith("_fraction"):
        return Scale("fraction of the units", least=0.0, most=1.0)
    if quantity.endswith("correlation"):
        return Scale("correlation", least=-1.0, most=1.0)
    return Scale(WORDS[quantity], least=0.0 if quantity.endswith("_variance") else -math.inf)


def statistics_of(quantity):
    """In words, what `band` gives."""
    if QUANTITIES[quantity].log:
        return "median of the networks and 5–95 % band"
    return "mean and standard deviation over the networks"


def band(curves, quantity):
    """(low, middle, high) on the axis, float64 over layers (and places): the 5 % and 95 % quantile over networks about the
    median; of what is no mean square, the standard deviation about the mean, within what the quantity can be.

    NaN where it is not defined; -inf and inf are zero, and what is not finite. Raises RequestError for quantiles not kept.
    """
    scale = scale_of(quantity)
    if QUANTITIES[quantity].log:
        return tuple(curves.quantile(quantity, q) * scale.factor for q in (BAND[0], 0.5, BAND[1]))
    mean, spread = curves[f"{quantity}_mean"], np.sqrt(curves[f"{quantity}_variance"])
    return tuple(np.clip((mean + sign * spread) * scale.factor, scale.least, scale.most) for sign in (-1, 0, 1))
