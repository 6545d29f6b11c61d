"""Curves against the layer: a line a network with its band over the networks drawn; a panel alone may have a close-up."""

import math
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..results.cells import label
from ..results.exits import lost
from ..results.scale import band, scale_of, statistics_of
from ..results.sentence import NAMES, percent
from ..results.verdict import BAND
from ..statistics.quantities import QUANTITIES
from . import float_types
from .canvas import Canvas, facts
from .heights import LEAST_HIGH, spread_out, upright
from .lines import styles, theory_legend
from .singles import draw, singles
from .singles import words as telling
from .style import CASING, THEORY_STYLES, darker, titled, words

MARKS = 6  # on a line
CLOSE = 8  # a panel of its own has a close-up beside it, where some lines reach so many times as far as all others
ALONG = tuple(name for name, q in QUANTITIES.items() if q.at != "network")


class Line(NamedTuple):
    """A line of the picture: `cell` is its described network, with the name of its place if there is one; `place` is the number
    of that place, or None where the quantity has no such axis."""

    label: str
    cell: dict
    curves: object
    quantity: str
    place: int | None

    def along(self, values):
        """What an array over layers (and places) holds along the line."""
        return values if self.place is None else values[:, self.place]

    @property
    def scale(self):
        return scale_of(self.quantity)

    def band(self):
        """(low, middle, high) over layers, as `results.scale.band` has it: of a size log10, on a linear axis, where values
        beyond the range of a float are as good as any."""
        return tuple(self.along(values) for values in band(self.curves, self.quantity))

    def finite(self):
        """All of these that are numbers: one-dimensional."""
        values = np.ravel(self.band())
        return values[np.isfinite(values)]


class Panel(NamedTuple):
    """`close` is (low, high) in decades where it is a close-up."""

    title: str
    lines: list
    close: tuple | None = None

    @property
    def scale(self):
        return self.lines[0].scale  # that of all


def figure(curve_set, columns, quantity=None, theory=False, by=None, colour=None, samples=None, share=True, ax=None):
    """A matplotlib Figure: `quantity` against the layer, a size on a logarithmic scale.

    The gradient that the verdicts are about unless given; none that a network has once. A line a network, or a place where it
    has several in a block. `theory` draws the predictions among the curves' variables over it. A panel for every combination
    of what networks have in the columns `by`, the activation unless given; `colour` is the column of a colour scale (see
    `lines.styles`). `samples` networks of each line are thin lines, where they were kept (see `singles`). With `share`, panels
    have one vertical axis, and one of layers unless they are of depths. `ax` as in `Canvas`.
    """
    log = quantity is None or QUANTITIES[quantity].log
    missing = set(BAND) - set(curve_set[0].quantiles.tolist())
    if missing and log:
        raise RequestError(f"plot: the quantiles {sorted(missing)} were not kept")
    by = ["activation"] if by is None else by
    found, names = _panels(curve_set, columns, quantity, by)
    side = columns.side(by) if len(found) == len(columns.keys(by)) else None
    if len(found) == 1 and ax is None and (close := _close(found[0].lines)) is not None:
        found.append(Panel(f"{found[0].title}, close up".lstrip(", "), found[0].lines, close))
    looks = styles([panel.lines for panel in found], names, colour)
    single = singles([panel.lines for panel in found], quantity, samples)
    canvas, what = Canvas(len(found), side, ax), words(line.quantity for panel in found for line in panel.lines)
    numbers = [np.concatenate([line.finite() for line in panel.lines]) for panel in found]
    for place, own in zip(canvas.axes, numbers, strict=True):
        spread_out(place, found[0].scale, np.concatenate(numbers) if share else own)
    for panel, place in zip(found, canvas.axes, strict=True):
        for line in panel.lines:
            draw(place, line, looks.of(line)["color"], single)
        _panel(place, panel, looks)
        place.set_ylabel(canvas.upwards(what, panel.scale.words))
        if theory:
            _theory(place, panel.lines, looks)
    _axes(canvas, found, share, share and "depth" not in by)
    for panel, place in zip(found, canvas.axes, strict=True):
        _bands(place, panel.lines, looks)
        if log:
            float_types.draw(place)
    said = statistics_of(found[0].lines[0].quantity), telling([panel.lines for panel in found], single)
    canvas.headline(f"{what} at initialization: {', '.join(filter(None, said))}", facts(columns.cells))
    looks.show(canvas)
    theory_legend(canvas)
    return canvas.figure


def _panels(curve_set, columns, quantity, by):
    """(Panels, the names that make the labels). Networks that lack the quantity have no line."""
    names = [name for name in columns.names if name not in by] or ["init"]
    found = {key: [] for key in columns.keys(by)}
    for curves, cell in zip(curve_set, columns.cells, strict=True):
        own = curves.gradient if quantity is None else quantity
        if own in curves.blocks.rows:
            found[tuple(cell[name] for name in by)].extend(_lines(cell, curves, own))
    places = list(dict.fromkeys(line.cell["place"] for lines in found.values() for line in lines))
    if len(places) > 1:
        names = [*names, "place"]
    found = [Panel(titled(lines[0].cell, by), _labelled(lines, names)) for lines in found.values() if lines]
    if not found:
        if QUANTITIES[quantity].pairs and all(curves.run["inputs"] == 1 for curves in curve_set):
            raise RequestError(f"--quantity: {quantity} is between inputs, of which these networks got one; see --inputs")
        raise RequestError(f"--quantity: {quantity} is of networks with other parts; none of these networks has it")
    return found, names


def _labelled(lines, names):
    return [line._replace(label=label(line.cell, names)) for line in lines]


def _lines(cell, curves, quantity):
    if len(curves.blocks.shape(quantity)) == 1:
        return [Line("", cell | {"place": ""}, curves, quantity, None)]
    found = np.flatnonzero(curves.blocks.defined(quantity).any(axis=0))
    return [Line("", cell | {"place": curves.places[place]}, curves, quantity, place) for place in found]


def _close(lines):
    """(low, high) in decades of the lines, two or more, that are flat beside others; None where there are no such lines."""
    if not lines[0].scale.decades:
        return None
    spans = [(values.min(), values.max()) for line in lines if (values := line.finite()).size]
    spans.sort(key=lambda span: span[1] - span[0])
    low, high = (f(ends) for f, ends in zip((min, max), zip(*spans, strict=True), strict=True)) if spans else (0.0, 0.0)
    for count in range(len(spans) - 1, 1, -1):
        least, most = min(span[0] for span in spans[:count]), max(span[1] for span in spans[:count])
        if CLOSE * max(most - least, LEAST_HIGH) <= high - low:
            return least, most
    return None


def _panel(ax, panel, looks):
    """The medians, and what is not on the picture in words."""
    lines, notes = panel.lines, []
    for line in lines:
        layers, (low, middle, high) = line.curves.layers, line.band()
        shown = np.isfinite(middle)
        marks = {"marker": "o", "ms": 4} if shown.sum() == 1 else {"markevery": max(1, shown.sum() // MARKS)}
        ax.plot(layers[shown], middle[shown], label=line.label, lw=looks.width, **looks.of(line) | marks)
        for edge in (low, high):
            inside = shown & np.isfinite(edge)
            ax.update_datalim(np.column_stack([layers[inside], edge[inside]]))
        notes += [(line, note) for note in _notes(line, ax.get_yscale() == "log")]
    ax.set_title(panel.title, loc="left", weight="bold")
    if panel.close is None:
        ax.set_title("\n".join(looks.notes(notes)), loc="right", fontsize=8, color="0.35")
    streams = {line.curves.network.has_stream for line in lines}
    ax.set_xlabel("layer, or block" if len(streams) > 1 else "block" if True in streams else "layer")
    ax.grid(alpha=0.25, lw=0.6)


def _notes(line, by_logs):
    """What the axis cannot show, `by_logs` of numbers as they are."""
    curves, (low, middle, _) = line.curves, line.band()
    layers = int(line.along(curves.blocks.defined(line.quantity)).sum())
    if not QUANTITIES[line.quantity].log:
        yield from _left_out(line, layers)
        if by_logs and len(zero := np.flatnonzero(middle == 0)):
            yield f"exactly zero{_where(zero, layers)}"
        return
    zero, broken = (np.flatnonzero(middle == value) for value in (-math.inf, math.inf))
    hidden = np.flatnonzero((low == -math.inf) & np.isfinite(middle))
    for where in (zero, hidden):
        if len(where):
            share = line.along(curves[f"{line.quantity}_zero_count"])[where].min() / curves.run["replicas"]
            yield ("exactly zero" if share == 1 else f"{percent(share)} or more exactly zero") + _where(where, layers)
    if len(broken):
        forward, _ = lost(curves)
        known = forward and "gradient" in line.quantity
        reason = f" ({NAMES[forward.quantity]} from layer {forward.layer})" if known else ""
        yield f"inf or NaN{_where(broken, layers)}{reason}"


def _left_out(line, layers):
    """Networks that are not in a mean."""
    share = line.along(line.curves[f"{line.quantity}_nonfinite_count"]) / line.curves.run["replicas"]
    found, all_of_them = np.flatnonzero(share > 0), np.flatnonzero(share == 1)
    if len(all_of_them):
        yield f"no number in any network{_where(all_of_them, layers)}"
    elif len(found):
        yield f"up to {percent(share.max())} of the networks left out, that have no number,{_where(found, layers)}".rstrip(",")


def _where(found, layers):
    """In words: which of so many layers were found."""
    if len(found) == layers:
        return " at every layer" if layers > 1 else ""
    return f" at layer {found[0]}" if found[0] == found[-1] else f" at layers {found[0]}–{found[-1]}"


def _bands(ax, lines, looks):
    """Between the quantiles, to the edge where networks are zero or not finite; hatched where half of them are not finite."""
    bottom, top = ax.get_ylim()
    for line in lines:
        low, middle, high = line.band()
        shown, colour = np.isfinite(middle), looks.of(line)["color"]
        if shown.sum() > 1 or (shown.any() and len(shown) < 4):
            edges = np.clip(low, bottom, top), np.clip(high, bottom, top)
            ax.fill_between(line.curves.layers, *edges, where=shown, color=colour, alpha=looks.band, lw=0)
        broken = np.flatnonzero(middle == math.inf)
        for run in np.split(broken, np.flatnonzero(np.diff(broken) > 1) + 1) if len(broken) and looks.hatched else ():
            ax.axvspan(run[0] - 0.5, run[-1] + 0.5, fc="none", ec=(colour, 0.35), hatch="//", lw=0, zorder=0)


def _theory(ax, lines, looks):
    """Over the curves; nothing where theory says nothing."""
    from matplotlib.patheffects import Normal, Stroke

    for line in lines:
        shade = darker(looks.of(line)["color"])
        for theory, style in THEORY_STYLES.items():
            statistic = "log_mean" if QUANTITIES[line.quantity].log else "mean"
            predicted = line.curves.variables.get(f"{theory}_{line.quantity}_{statistic}")
            if predicted is not None:
                predicted = line.along(predicted) * line.scale.factor
                shown = np.isfinite(predicted)
                mark = {"marker": "x", "ms": 5} if shown.sum() == 1 else {}
                casing = [] if mark else [Stroke(linewidth=style["lw"] + CASING, foreground="white", alpha=0.8), Normal()]
                look = {**style, **mark, "color": shade, "path_effects": casing}
                ax.plot(line.curves.layers[shown], predicted[shown], zorder=4, **look)


def _axes(canvas, panels, up, across):
    """Ticks at whole layers, and up as `heights` has it; what panels share, `up` or `across`, is that of all.

    A close-up has its own heights.
    """
    from matplotlib.ticker import MaxNLocator

    lasts = [max(int(line.curves.layers[-1]) for line in panel.lines) for panel in panels]
    ends = []
    for ax, last in zip(canvas.axes, lasts, strict=True):
        end = max(lasts) if across else last
        ax.set_xlim(-0.01 * end, 1.01 * end)  # though a curve may be zero at all layers but one
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.autoscale_view(scalex=False)
        ends.append(ax.get_ylim() if ax.lines and any(line.get_xdata().size for line in ax.lines) else None)
    drawn = [end for end, panel in zip(ends, panels, strict=True) if end is not None and panel.close is None]
    shared = (min(low for low, _ in drawn), max(high for _, high in drawn)) if up and drawn else None
    for ax, panel in zip(canvas.axes, panels, strict=True):
        if panel.close is not None:
            margin = ax.margins()[1] * (panel.close[1] - panel.close[0])
            upright(ax, panel.scale, panel.close[0] - margin, panel.close[1] + margin)
        else:
            upright(ax, panel.scale, *(shared or ax.get_ylim()))
    alone = any(panel.close is not None for panel in panels)
    labels = {ax.get_xlabel() for ax in canvas.axes}
    canvas.outermost(across and not alone and len(labels) == 1, up and not alone)
