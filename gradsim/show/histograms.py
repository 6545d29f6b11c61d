"""How the units of a layer are spread: a row of panels a network, a panel a layer, from counts that a run kept."""

import math

import numpy as np

from ..errors import RequestError
from ..results.cells import label
from ..results.sentence import percent
from ..statistics.units import BINS, HISTOGRAMMED, edges
from .canvas import Canvas, facts
from .lines import style_of
from .style import words

MOST_LAYERS = 6  # side by side
MOST_NETWORKS = 8  # one below the other
BARS = 60
INSIDE = 0.001, 0.999  # quantiles of the units between which bars are
ALIKE = 100.0  # times the narrowest panel that the widest is, if all share their scale
PLAIN = -2, 3  # decades: what is as large as that has no power of ten beside it


def figure(curve_set, columns, quantity=None, share=True, ax=None):
    """A matplotlib Figure of the histograms of `quantity`, the activation unless given; layers from the first to the last.

    With `share` panels have one horizontal axis, unless layers are so far apart that some would be a line. Raises
    RequestError where no units were counted.
    """
    quantity = "activation" if quantity is None else quantity
    if quantity not in HISTOGRAMMED:
        raise RequestError(f"--histograms: {quantity} has none; those of {', '.join(HISTOGRAMMED)} are counted")
    chosen = [
        (curves, cell)
        for curves, cell in zip(curve_set, columns.cells, strict=True)
        if f"{quantity}_histogram" in curves.variables
    ]
    if not chosen:
        raise RequestError("--histograms: units were not counted; see histograms of simulate, gradsim run --histograms")
    if len(chosen) > MOST_NETWORKS:
        raise RequestError(f"--histograms: {len(chosen):,} networks are more than {MOST_NETWORKS}; choose some with --select")
    rows = [[Spread(curves, quantity, layer) for layer in _layers(curves, quantity)] for curves, _ in chosen]
    side = max(map(len, rows))
    panels = [spread for row in rows for spread in row]
    canvas = Canvas(len(rows) * side if ax is None else len(panels), side, ax)
    places = [canvas.axes[r * side + k] for r, row in enumerate(rows) for k in range(len(row))] if ax is None else canvas.axes
    for spare in set(canvas.axes) - set(places):
        spare.set_visible(False)
    ends = _together(panels) if share else None
    names = columns.names or ["activation", "init"]
    heads = [label(cell, names) for _, cell in chosen]
    place = iter(places)
    for row, head in zip(rows, heads, strict=True):
        for k, spread in enumerate(row):
            _panel(next(place), spread, ends, head if k == 0 else "")
    cells, networks = [cell for _, cell in chosen], [curves.counted for curves, _ in chosen]
    canvas.headline(f"{words([quantity])} of the units at initialization, layer by layer", facts(cells, networks))
    return canvas.figure


class Spread:
    """Of the units of one layer: `counts`, int64 (BINS,), of multiples of 2^`exponent`."""

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
        decades = math.log10(size) + self.exponent * math.log10(2) if size else 0.0
        self.power = 0 if PLAIN[0] <= decades < PLAIN[1] else math.floor(decades)

    def factor(self, power):
        """From multiples of 2^exponent to those of 10^power."""
        return 10.0 ** min(max(self.exponent * math.log10(2) - power, -300.0), 300.0)

    def _ends(self):
        """Between which all but a few units are: edges of bins."""
        inner = self.edges[1:-1]  # the others are infinite
        low, high = (np.searchsorted(self.share, q, side) for q, side in zip(INSIDE, ("right", "left"), strict=True))
        found = inner[np.clip([low - 2, high - 1], 0, len(inner) - 1)]
        return (0.0, 0.0) if not self.total else (min(found[0], 0.0), max(found[1], 0.0))

    def bars(self, ends):
        """(edges, densities) of BARS between two multiples of 2^exponent; zeros are in none of them."""
        counts = self.counts.astype(float)
        counts[BINS // 2] = 0.0
        share = np.concatenate([[0.0], np.cumsum(counts)])[1:-1] / max(self.total, 1)
        at = np.linspace(*ends, BARS + 1)
        return at, np.diff(np.interp(at, self.edges[1:-1], share)) / np.diff(at)


def _layers(curves, quantity):
    """The numbers of some layers that have it, the first and the last among them."""
    defined = curves.blocks.defined(quantity)
    layers = np.flatnonzero(defined.any(axis=1) if defined.ndim == 2 else defined)
    return layers[np.unique(np.round(np.linspace(0, len(layers) - 1, MOST_LAYERS)).astype(int))].tolist()


def _together(panels):
    """(low, high, power of ten) of an axis for all; None where they are too far apart, or nothing is there."""
    power = max(panel.power for panel in panels)
    ends = [[end * panel.factor(power) for end in panel.ends] for panel in panels]
    sizes = [high - low for low, high in ends if high > low]
    if not sizes or max(sizes) > ALIKE * min(sizes):
        return None
    return min(low for low, _ in ends), max(high for _, high in ends), power


def _panel(ax, spread, ends, head):
    low, high, power = ends or (*(end * spread.factor(spread.power) for end in spread.ends), spread.power)
    factor = spread.factor(power)
    if spread.total and high > low and factor:
        at, heights = spread.bars((low / factor, high / factor))
        ax.stairs(heights / factor, at * factor, fill=True, color=style_of(0)["color"], alpha=0.7)
        ax.set_xlim(low, high)
    where = f"{'block' if spread.block else 'layer'} {spread.layer}{f', in $10^{{{power}}}$' if power else ''}"
    ax.set_xlabel(where, fontsize=9)
    ax.set_title(head, loc="left", weight="bold", fontsize=10)
    ax.set_yticks([])
    ax.tick_params(axis="x", labelsize=8)
    ax.set_ylim(bottom=0)
    notes = []
    if spread.zero:
        notes.append(f"{percent(spread.zero / spread.total)} exactly zero")
    if not spread.total:
        notes.append("no number")
    ax.text(0.98, 0.95, "\n".join(notes), transform=ax.transAxes, ha="right", va="top", fontsize=7.5, color="0.3")
