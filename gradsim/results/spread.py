"""How the units of a layer are spread, from counts that a run kept: as numbers, whatever draws them."""

import math

import numpy as np

from ..statistics.units import BINS, edges

BARS = 60
INSIDE = 0.001, 0.999  # quantiles of the units between which bars are
ALIKE = 100.0  # times the narrowest that the widest is, if all share their scale
PLAIN = -2, 3  # decades: what is as large as that has no power of ten beside it


class Spread:
    """Of the units of one layer, where a block has several places that of the last one: `counts`, int64 (BINS,), of multiples
    of 2^`exponent`."""

    def __init__(self, curves, quantity, layer):
        self.layer, self.block = layer, curves.network.has_stream
        self.counts = curves.blocks.last(quantity, curves[f"{quantity}_histogram"])[layer]
        self.exponent = float(curves.blocks.last(quantity, curves[f"{quantity}_histogram_exponent"])[layer])
        self.total, self.zero = int(self.counts.sum()), int(self.counts[BINS // 2])
        low, high = edges()
        self.edges = np.concatenate([low[:1], high])
        self.share = np.concatenate([[0.0], np.cumsum(self.counts)]) / max(self.total, 1)
        self.ends = self._ends()
        size = max(map(abs, self.ends))
        self.decades = math.log10(size) + self.exponent * math.log10(2) if size else 0.0
        self.power = 0 if PLAIN[0] <= self.decades < PLAIN[1] else math.floor(self.decades)

    @property
    def beyond(self):
        """The share of the units that are outside of these ends, infinities among them."""
        inside = (self.edges[:-1] >= self.ends[0]) & (self.edges[1:] <= self.ends[1])
        return int(self.counts[~inside].sum()) / max(self.total, 1)

    def factor(self, power):
        """From multiples of 2^exponent to those of 10^power."""
        return 10.0 ** min(max(self.exponent * math.log10(2) - power, -300.0), 300.0)

    def _ends(self):
        """Between which all but a few units are: edges of bins."""
        inner = self.edges[1:-1]  # the others are infinite
        low, high = (np.searchsorted(self.share, q, side) for q, side in zip(INSIDE, ("right", "left"), strict=True))
        found = inner[np.clip([low - 2, high - 1], 0, len(inner) - 1)]
        return (0.0, 0.0) if not self.total else (min(found[0], 0.0), max(found[1], 0.0))

    def bars(self, ends, count=BARS):
        """(edges, densities) of so many between two multiples of 2^exponent; zeros are in none of them."""
        counts = self.counts.astype(float)
        counts[BINS // 2] = 0.0
        share = np.concatenate([[0.0], np.cumsum(counts)])[1:-1] / max(self.total, 1)
        at = np.linspace(*ends, count + 1)
        return at, np.diff(np.interp(at, self.edges[1:-1], share)) / np.diff(at)


def has_counts(curves, quantity):
    """Whether the units of a network were counted."""
    return f"{quantity}_histogram" in curves.variables


def some_layers(curves, quantity, most):
    """The numbers of at most so many layers that have the quantity, evenly spread, the first and the last among them."""
    defined = curves.blocks.defined(quantity)
    layers = np.flatnonzero(defined.any(axis=1) if defined.ndim == 2 else defined)
    return layers[np.unique(np.round(np.linspace(0, len(layers) - 1, min(most, len(layers)))).astype(int))].tolist()


def together(spreads):
    """(low, high, power of ten) of an axis for all; None where they are too far apart, or nothing is there."""
    power = max(spread.power for spread in spreads)
    ends = [[end * spread.factor(power) for end in spread.ends] for spread in spreads]
    sizes = [high - low for low, high in ends if high > low]
    if not sizes or max(sizes) > ALIKE * min(sizes):
        return None
    return min(low for low, _ in ends), max(high for _, high in ends), power
