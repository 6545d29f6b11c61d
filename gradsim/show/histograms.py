"""How the units of a layer are spread: a row of panels a network, a panel a layer, from counts that a run kept."""

from ..errors import RequestError
from ..results.cells import label
from ..results.spread import has_counts, spreads, together
from ..statistics.units import HISTOGRAMMED
from .canvas import Canvas, facts
from .lines import style_of
from .style import words

MOST_LAYERS = 6  # side by side
MOST_NETWORKS = 8  # one below the other


def figure(curve_set, columns, quantity=None, share=True, ax=None):
    """A matplotlib Figure of the histograms of `quantity`, the activation unless given; layers from the first to the last.

    With `share` panels have one horizontal axis, unless layers are so far apart that some would be a line. Raises
    RequestError where no units were counted.
    """
    quantity = "activation" if quantity is None else quantity
    if quantity not in HISTOGRAMMED:
        raise RequestError(f"--histograms: {quantity} has none; those of {', '.join(HISTOGRAMMED)} are counted")
    pairs = zip(curve_set, columns.cells, strict=True)
    chosen = [(curves, cell) for curves, cell in pairs if has_counts(curves, quantity)]
    if not chosen:
        raise RequestError("--histograms: units were not counted; see histograms of simulate, gradsim run --histograms")
    if len(chosen) > MOST_NETWORKS:
        raise RequestError(f"--histograms: {len(chosen):,} networks are more than {MOST_NETWORKS}; choose some with --select")
    rows = [spreads(curves, quantity, MOST_LAYERS)[0] for curves, _ in chosen]
    side = max(map(len, rows))
    panels = [spread for row in rows for spread in row]
    canvas = Canvas(len(rows) * side if ax is None else len(panels), side, ax)
    places = [canvas.axes[r * side + k] for r, row in enumerate(rows) for k in range(len(row))] if ax is None else canvas.axes
    for spare in set(canvas.axes) - set(places):
        spare.set_visible(False)
    ends = together(panels) if share else None
    names = columns.names or ["activation", "init"]
    heads = [label(cell, names) for _, cell in chosen]
    place = iter(places)
    for row, head in zip(rows, heads, strict=True):
        for k, spread in enumerate(row):
            _panel(next(place), spread, ends, head if k == 0 else "")
    cells, networks = [cell for _, cell in chosen], [curves.counted for curves, _ in chosen]
    canvas.headline(f"{words([quantity])} of the units at initialization, layer by layer", facts(cells, networks))
    return canvas.figure


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
    ax.text(0.98, 0.95, "\n".join(spread.notes), transform=ax.transAxes, ha="right", va="top", fontsize=7.5, color="0.3")
