"""How many networks leave a float type, by its entries or by a sum of squares, and at which layer of their way.

A network leaves a type once: what is infinite, or was rounded to zero, does not come back. So each is counted at the
first layer, on the way that the numbers go, at which it leaves, and shares of networks grow from there on.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..kernels.fold import count_leaving
from .precision import PRECISIONS, log_square_limits
from .quantities import LEAVING, QUANTITIES


@cache
def _limits():
    """What the running maxima of `count_leaving` may reach: of entries' squares, then of sums of squares."""
    smallest, largest = log_square_limits()
    return np.array([largest, -smallest, largest / 2, -smallest / 2])


@dataclass(frozen=True)
class Leaving:
    """`counts` of replicas by `blocks.Way`s, each int64 (4, types, steps): the ways to leave are those of
    `quantities.LEAVING`."""

    ways: tuple
    counts: tuple

    @classmethod
    def of(cls, records, ways):
        """From records of shape (replicas, columns)."""
        return cls(ways, tuple(_counts(records, way) for way in ways))

    def __add__(self, other):
        return Leaving(self.ways, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def fractions(self, replicas, blocks):
        """Yield shares of networks, a way after another: (variables of `names_counted`, elements, precisions), the elements of
        an array over layers and places where there are any.

        NaN where the way does not go; where it is twice in a layer without places, the share when it leaves the layer.
        """
        for way, counts in zip(self.ways, self.counts, strict=True):
            shape, kinds = blocks.shape(way.quantity), _kinds(way.quantity)
            for_each = counts[kinds].cumsum(axis=2).transpose(0, 2, 1) / replicas
            if not shape:
                yield for_each[:, :1]
                continue
            shares = np.full((len(kinds), *shape, len(PRECISIONS)), np.nan)
            shares[(slice(None), *blocks.where(way.quantity, way.layers, way.names))] = for_each
            yield shares.reshape(len(kinds), -1, len(PRECISIONS))


@cache
def _kinds(quantity):
    """Which of LEAVING are counted of a quantity."""
    return [kind for kind, name in enumerate(LEAVING) if name in QUANTITIES[quantity].leaving]


def names_counted(quantity):
    """The variables that they are."""
    names = [*LEAVING]
    return [f"{quantity}_{names[kind]}" for kind in _kinds(quantity)]


def _counts(records, way):
    values, largest = np.take(records, way.columns, axis=1), np.take(records, way.largest, axis=1)
    if way.beside:  # as if they had a sum of squares of 1, which all types hold
        values, largest = (np.where(logs == -np.inf, -way.log_entries, logs) for logs in (values, largest))
    counts = np.zeros((len(LEAVING), len(PRECISIONS), way.log_entries.size), np.int64)
    count_leaving(values, largest, way.log_entries, _limits(), np.empty((len(LEAVING), way.log_entries.size)), counts)
    return counts
