"""How many networks leave a float type, by its entries or by a sum of squares, and at which layer of their way.

A network leaves a type once: what is infinite, or was rounded to zero, does not come back. So each is counted at the
first layer, on the way that the numbers go, at which it leaves, and shares of networks grow from there on.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from ..kernels.fold import count_leaving
from ..kernels.record import ACTIVATION, RECORDED
from .precision import PRECISIONS, log_square_limits
from .quantities import LEAVING, QUANTITIES


@dataclass(frozen=True)
class Way:
    """The `layers` of a network (0 to the last of `all_layers`) in the order in which numbers of the quantity are made;
    `log_entries` is the log of how many numbers each layer has."""

    quantity: str
    layers: slice
    log_entries: np.ndarray
    all_layers: int


def ways(network, inputs):
    """The Way of every quantity that may leave a float type: from the input up, from the last layer down, or one number."""
    widths = np.array((network.input_width, *network.linear_widths), float)
    units, weights = np.log(widths * inputs), np.log([1.0, *(a * b for a, b in pairwise(widths))])
    up, down, once = slice(None), slice(None, 0, -1), slice(1)
    return (
        Way("preactivation", up, units, widths.size),
        Way("gradient", down, units[down], widths.size),
        Way("weight_gradient", down, weights[down], widths.size),
        Way("loss", once, np.zeros(1), widths.size),
    )


@cache
def _limits():
    """What the running maxima of `count_leaving` may reach: of entries' squares, then of sums of squares."""
    smallest, largest = log_square_limits()
    return np.array([largest, -smallest, largest / 2, -smallest / 2])


@dataclass(frozen=True)
class Leaving:
    """`counts` of replicas by ways, each int64 (4, types, steps): the ways to leave are those of `quantities.LEAVING`."""

    ways: tuple
    counts: tuple

    @classmethod
    def of(cls, records, ways):
        """From records of shape (replicas, quantities, layers)."""
        return cls(ways, tuple(_counts(records, way) for way in ways))

    def __add__(self, other):
        return Leaving(self.ways, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def fractions(self, replicas):
        """Yield (name, array over layer and precision) of shares of networks; NaN on layers that are not on the way."""
        for way, counts in zip(self.ways, self.counts, strict=True):
            quantity = QUANTITIES[way.quantity]
            for statistic, count in zip(LEAVING, counts, strict=True):
                if statistic not in quantity.leaving:
                    continue
                shares = np.full((way.all_layers, len(PRECISIONS)), np.nan)
                shares[way.layers] = np.cumsum(count, axis=1).T / replicas
                yield f"{way.quantity}_{statistic}", shares[0] if quantity.place == "network" else shares


def _counts(records, way):
    quantity = QUANTITIES[way.quantity]
    names = way.quantity, quantity.largest or way.quantity
    values, largest = (np.ascontiguousarray(records[:, RECORDED.index(name), way.layers]) for name in names)
    if way.quantity == "preactivation":
        values[:, 0] = records[:, ACTIVATION, 0]  # the input
    counts = np.zeros((len(LEAVING), len(PRECISIONS), way.log_entries.size), np.int64)
    count_leaving(values, largest, way.log_entries, _limits(), np.empty((len(LEAVING), way.log_entries.size)), counts)
    return counts
