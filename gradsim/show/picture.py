"""Pictures of curves: a panel an activation, a line a network with its 5-95 % band; one panel may have a close-up."""

import io
import math
from textwrap import fill
from typing import NamedTuple

import numpy as np

from ..errors import RequestError, unknown
from ..results.cells import describe, label, varying
from ..results.exits import lost
from ..results.sentence import NAMES, percent
from ..results.verdict import BAND, DECADES
from ..statistics.quantities import QUANTITIES
from ..store.files import PICTURE, check_output, file_name, write_whole

# Near Okabe & Ito's. Any two are 25 apart or more in CIELAB, for all kinds of colour vision (a test computes it)
COLOURS = ("#264ADA", "#C74A00", "#068A59", "#A8649A", "#FA980B", "#000000", "#7C0009", "#33BBFF")
DASHES = ("-", (0, (4, 3)), "-.", ":")
MARKERS = (None, "o", "s", "^", "D")  # a further one for every 16 lines
MARKS = 6  # on a line
PANEL = (5.2, 3.7)  # inches
LEGEND = 32  # characters a line: networks that differ in all options would leave the panels no room
MOST_COLUMNS = 2
TITLE = (60, 100)  # characters a line of the title, above one column of panels and two
LEAST_HIGH = 2  # decades
CLOSE = 8  # a panel of its own has a close-up beside it, where some lines reach so many times as far as all others
FORMATS = ("png", "pdf", "svg")
PLOTTED = tuple(name for name, q in QUANTITIES.items() if q.log and q.at != "network")
THEORY_STYLES = {  # over the median, in a darker shade of its colour on white
    "exact": {"linestyle": (0, (4, 2)), "lw": 1.1, "label": "theory: exact law (mean of the log)"},
    "mean_field": {"linestyle": (0, (1, 1.6)), "lw": 1.4, "label": "theory: mean field (infinite width)"},
}
SHADE = 0.6  # of the curve's colour, the rest black
CASING = 1.6  # points of white around it
TITLES = {
    "gradient": "gradient dL/dh",
    "preactivation": "preactivation h",
    "activation": "activation x",
    "stream": "stream x",
    "stream_gradient": "gradient dL/dx of the stream",
}
BOTH = "gradient dL/dh, or dL/dx of a stream,"


class Line(NamedTuple):
    """A line of the picture: `place` is the number of the quantity's place, or None where it has no such axis."""

    label: str
    curves: object
    quantity: str
    place: int | None

    def along(self, values):
        """What an array over layers (and places) holds along the line."""
        return values if self.place is None else values[:, self.place]

    def decades(self):
        """(low, middle, high) over layers: log10, on a linear axis, where values beyond the range of a float are as good as
        any."""
        quantiles = (self.curves.quantile(self.quantity, q) for q in (BAND[0], 0.5, BAND[1]))
        return tuple(self.along(values) * DECADES for values in quantiles)

    def finite(self):
        """All of these that are numbers: one-dimensional."""
        values = np.ravel(self.decades())
        return values[np.isfinite(values)]


class Panel(NamedTuple):
    """`close` is (low, high) in decades where it is a close-up."""

    title: str
    lines: list
    close: tuple | None = None


def matplotlib_figure():
    """The class matplotlib.figure.Figure. Raises RequestError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise RequestError("--plot needs matplotlib: pip install 'gradsim[plot]'") from None
    return Figure


def check_picture(option, path, overwrite=False):
    """Like `check_output`, for a picture: also that matplotlib is there and the format known."""
    matplotlib_figure()
    path = file_name(option, path)
    if _format(path) not in FORMATS:
        raise RequestError(f"{option}: {str(path)!r} should end in .{', .'.join(FORMATS)}")
    return check_output(option, path, overwrite, PICTURE)


def _format(path):
    return path.suffix.lstrip(".").lower()


def save(figure, path, overwrite=False):
    """Write the figure whole or not at all."""
    path = check_picture("--plot", path, overwrite)
    write_whole("--plot", path, image(figure, path), overwrite, PICTURE)


def image(figure, path):
    """The bytes of a file with the name `path`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=_format(file_name("--plot", path)), dpi=150)
    return buffer.getbuffer()


def figure(curve_set, quantity=None, theory=False):
    """A matplotlib Figure: root mean square of `quantity` against the layer, on a logarithmic scale.

    The gradient that the verdicts are about unless given. A line a network, or a place where it has several in a block.
    `theory` draws the predictions among the curves' variables over it.
    """
    if quantity is not None and quantity not in PLOTTED:
        raise unknown("--quantity", quantity, PLOTTED)
    missing = set(BAND) - set(curve_set[0].quantiles.tolist())
    if missing:
        raise RequestError(f"plot: the quantiles {sorted(missing)} were not kept")
    figure_class = matplotlib_figure()
    panels, names = _panels(curve_set, quantity)
    panels = [Panel(title, lines) for title, lines in panels.items()]
    if len(panels) == 1 and (close := _close(panels[0].lines)) is not None:
        panels.append(Panel(f"{panels[0].title}, close up", panels[0].lines, close))
    columns = min(MOST_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    styles = {label: _style(k) for k, label in enumerate(dict.fromkeys(line.label for p in panels for line in p.lines))}
    result = figure_class(figsize=(PANEL[0] * columns + 2.2, PANEL[1] * rows + 0.9), layout="constrained")
    axes = result.subplots(rows, columns, squeeze=False).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        _panel(ax, panel, styles)
        if theory:
            _theory(ax, panel.lines, styles)
        _axes(ax, panel)
        _bands(ax, panel.lines, styles)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    drawn = {line.quantity for panel in panels for line in panel.lines}
    what = BOTH if len(drawn) > 1 else TITLES.get(name := drawn.pop(), name.replace("_", " "))
    title = f"{what[0].upper()}{what[1:]} at initialization: median of the networks and 5–95 % band"
    result.suptitle(
        fill(title, TITLE[columns - 1]),
        x=0.01,
        ha="left",
        fontsize=11 if columns == 1 else 12,
    )
    _legends(result, axes[: len(panels)], styles, names)
    return result


def _legends(result, axes, styles, names):
    """What the lines are, beside the panels, and what theory's are, below them."""
    from matplotlib.lines import Line2D

    handles = {}
    for ax in axes:
        handles |= {h.get_label(): h for h in ax.get_legend_handles_labels()[0]}
    labels = [label for label in styles if label in handles]
    if labels != [""]:
        result.legend(
            [handles[label] for label in labels],
            [fill(label, LEGEND) for label in labels],
            loc="outside right upper",
            frameon=False,
            title=fill(", ".join(name.replace("_", " ") for name in names), LEGEND) or None,
        )
    predicted = [Line2D([], [], color="black", **style) for style in THEORY_STYLES.values() if style["label"] in handles]
    if predicted:
        result.legend(handles=predicted, loc="outside lower center", frameon=False, ncols=2)


def _panels(curve_set, quantity):
    """{panel title: [Line]}, and the names that make the labels. Networks that lack the quantity have no line."""
    names = [name for name in varying(curve_set) if name != "activation"] or ["init"]
    panels, named = {}, names
    for curves in curve_set:
        cell, own = describe(curves), curves.gradient if quantity is None else quantity
        if own in curves.blocks.rows:
            panels.setdefault(cell["activation"], []).extend(_lines(label(cell, names), curves, own))
    if not panels:
        raise RequestError(f"--quantity: {quantity} is of networks with other parts; none of these networks has it")
    if any(line.place is not None for lines in panels.values() for line in lines):
        named = [*named, "place"]
    return panels, named


def _lines(label, curves, quantity):
    if len(curves.blocks.shape(quantity)) == 1:
        return [Line(label, curves, quantity, None)]
    found = np.flatnonzero(curves.blocks.defined(quantity).any(axis=0))
    return [Line(f"{label}, {curves.places[place]}", curves, quantity, place) for place in found]


def _close(lines):
    """(low, high) in decades of the lines, two or more, that are flat beside others; None where there are no such lines."""
    spans = [(values.min(), values.max()) for line in lines if (values := line.finite()).size]
    spans.sort(key=lambda span: span[1] - span[0])
    low, high = (f(ends) for f, ends in zip((min, max), zip(*spans, strict=True), strict=True)) if spans else (0.0, 0.0)
    for count in range(len(spans) - 1, 1, -1):
        least, most = min(span[0] for span in spans[:count]), max(span[1] for span in spans[:count])
        if CLOSE * max(most - least, LEAST_HIGH) <= high - low:
            return least, most
    return None


def _style(k):
    """Every second line is dashed, so that of two lines that coincide both are seen."""
    cycle = k // len(COLOURS)
    style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % 2 + 2 * (cycle % 2)]}
    marker = MARKERS[cycle // 2 % len(MARKERS)]
    return style if marker is None else style | {"marker": marker, "ms": 4}


def _panel(ax, panel, styles):
    """The medians, and what is not on the picture in words."""
    lines, notes = panel.lines, []
    for line in lines:
        layers, (low, middle, high) = line.curves.layers, line.decades()
        shown = np.isfinite(middle)
        marks = {"marker": "o", "ms": 4} if shown.sum() == 1 else {"markevery": max(1, shown.sum() // MARKS)}
        ax.plot(layers[shown], middle[shown], label=line.label, lw=1.6, **styles[line.label] | marks)
        for edge in (low, high):
            inside = shown & np.isfinite(edge)
            ax.update_datalim(np.column_stack([layers[inside], edge[inside]]))
        notes += [f"{line.label}: {note}" for note in _notes(line)]
    ax.set_title(panel.title, loc="left", weight="bold")
    if panel.close is None:
        ax.set_title("\n".join(notes), loc="right", fontsize=8, color="0.35")
    streams = {line.curves.network.has_stream for line in lines}
    ax.set_xlabel("layer, or block" if len(streams) > 1 else "block" if True in streams else "layer")
    ax.set_ylabel("root mean square")
    ax.grid(alpha=0.25, lw=0.6)


def _notes(line):
    """What a logarithmic axis cannot show."""
    curves, (low, middle, _) = line.curves, line.decades()
    layers = int(line.along(curves.blocks.defined(line.quantity)).sum())
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


def _where(found, layers):
    """In words: which of so many layers were found."""
    if len(found) == layers:
        return " at every layer" if layers > 1 else ""
    return f" at layer {found[0]}" if found[0] == found[-1] else f" at layers {found[0]}–{found[-1]}"


def _bands(ax, lines, styles):
    """Between the quantiles, to the edge where networks are zero or not finite; hatched where half of them are not finite."""
    bottom, top = ax.get_ylim()
    for line in lines:
        low, middle, high = line.decades()
        shown, colour = np.isfinite(middle), styles[line.label]["color"]
        if shown.sum() > 1 or (shown.any() and len(shown) < 4):
            edges = np.clip(low, bottom, top), np.clip(high, bottom, top)
            ax.fill_between(line.curves.layers, *edges, where=shown, color=colour, alpha=0.18, lw=0)
        broken = np.flatnonzero(middle == math.inf)
        for run in np.split(broken, np.flatnonzero(np.diff(broken) > 1) + 1) if len(broken) else ():
            ax.axvspan(run[0] - 0.5, run[-1] + 0.5, fc="none", ec=(colour, 0.35), hatch="//", lw=0, zorder=0)


def _theory(ax, lines, styles):
    """Over the curves; nothing where theory says nothing."""
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import Normal, Stroke

    for line in lines:
        shade = tuple(SHADE * part for part in to_rgb(styles[line.label]["color"]))
        for theory, style in THEORY_STYLES.items():
            predicted = line.curves.variables.get(f"{theory}_{line.quantity}_log_mean")
            if predicted is not None:
                predicted = line.along(predicted)
                shown = np.isfinite(predicted)
                mark = {"marker": "x", "ms": 5} if shown.sum() == 1 else {}
                casing = [] if mark else [Stroke(linewidth=style["lw"] + CASING, foreground="white", alpha=0.8), Normal()]
                look = {**style, **mark, "color": shade, "path_effects": casing}
                ax.plot(line.curves.layers[shown], predicted[shown] * DECADES, zorder=4, **look)


def _axes(ax, panel):
    """Ticks at whole decades, labelled 10^k, and at whole layers; never less than LEAST_HIGH decades high."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    last = max(int(line.curves.layers[-1]) for line in panel.lines)
    ax.set_xlim(-0.01 * last, 1.01 * last)  # though a curve may be zero at all layers but one
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.autoscale_view(scalex=False)
    low, high = ax.get_ylim() if panel.close is None else panel.close
    margin = 0.0 if panel.close is None else ax.margins()[1] * (high - low)
    low, high = low - margin, high + margin
    if high - low < LEAST_HIGH:
        low, high = ((low + high + sign * LEAST_HIGH) / 2 for sign in (-1, 1))
    ax.set_ylim(low, high)
    if not any(line.get_xdata().size for line in ax.lines):
        ax.set_yticks([])
        return
    ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))
