"""How the units of a layer are spread, from counts that a run kept: as numbers, whatever draws them."""

import math

import numpy as np

from ..model.form import once_a_form
from ..program.graph import ACTIVATION, INPUT, LINEAR, outline
from ..statistics.units import BINS, edges
from .sentence import percent

BARS = 60
INSIDE = 0.001, 0.999  # quantiles of the units between which bars are
ALIKE = 100.0  # times the narrowest that the widest is, if all share their scale
SEEN = 0.002  # of the units beyond these: it is said
PLAIN = -2, 3  # decades: what is as large as that has no power of ten beside it


class Spread:
    """Of the units of one layer: `counts`, int64 (BINS,), of multiples of 2^`exponent`, of `asked` units."""

    def __init__(self, layer, block, counts, exponent, asked):
        self.layer, self.block, self.counts, self.exponent = layer, block, counts, float(exponent)
        self.total, self.zero = int(counts.sum()), int(counts[BINS // 2])
        self._asked = max(self.total, asked)
        low, high = edges()
        self.edges = np.concatenate([low[:1], high])
        self.share = np.concatenate([[0.0], np.cumsum(self.counts)]) / max(self.total, 1)
        self.ends = self._ends()
        size = max(map(abs, self.ends))
        self.decades = math.log10(size) + self.exponent * math.log10(2) if size else 0.0
        self.power = 0 if PLAIN[0] <= self.decades < PLAIN[1] else math.floor(self.decades)

    @property
    def notes(self):
        """In words, what bars do not show of all units: a list. Infinities are beyond the ends."""
        if not self.total:
            return ["no number"]
        inside = (self.edges[:-1] >= self.ends[0]) & (self.edges[1:] <= self.ends[1])
        beyond = int(self.counts[~inside].sum()) / self._asked
        found = {"exactly zero": self.zero / self._asked, "not a number": 1 - self.total / self._asked}
        found |= {"beyond": beyond} if beyond > SEEN else {}
        return [f"{percent(share)} {what}" for what, share in found.items() if share]

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


@once_a_form
def _widths(form, of_activations):
    """{layer: units of its last activation (in layer 0 the input), or of its last linear map}."""
    kinds = (INPUT, ACTIVATION) if of_activations else (LINEAR,)
    return {node.block: node.width for node in outline(form) if node.kind in kinds}


def has_counts(curves, quantity):
    """Whether the units of a network were counted."""
    return f"{quantity}_histogram" in curves.variables


def spreads(curves, quantity, most):
    """(a Spread of each of at most so many layers, evenly spread, the first and the last among them; how many layers have
    the quantity). Where a block has several places it is of the last one. None at all where units were not counted."""
    if not has_counts(curves, quantity):
        return [], 0
    names = f"{quantity}_histogram", f"{quantity}_histogram_exponent"
    counts, exponents = (curves.blocks.last(quantity, curves[name]) for name in names)
    layers = np.flatnonzero(~np.isnan(exponents))
    widths, units = _widths(curves.network.form, quantity == "activation"), curves.counted * curves.run["inputs"]
    shown = layers[thinned(len(layers), most)].tolist()
    block = curves.network.has_stream
    return [Spread(k, block, counts[k], exponents[k], units * widths[k]) for k in shown], len(layers)


def thinned(count, most):
    """Which of so many layers are shown: int64, evenly spread, the first and the last among them."""
    return np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(np.int64))


def together(spreads):
    """(low, high, power of ten) of an axis for all; None where they are too far apart, or nothing is there."""
    power = max((spread.power for spread in spreads if spread.ends[1] > spread.ends[0]), default=0)
    ends = [[end * spread.factor(power) for end in spread.ends] for spread in spreads]
    sizes = [high - low for low, high in ends if high > low]
    if not sizes or max(sizes) > ALIKE * min(sizes):
        return None
    return min(low for low, _ in ends), max(high for _, high in ends), power
