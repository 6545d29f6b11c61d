"""A map: one number a network against two columns in which networks differ, in colours."""

import math

import numpy as np

from ..results.number import Number
from .across import nothing, scale_words, title, twice
from .axis import STEPS, Axis
from .canvas import Canvas, facts
from .style import titled, words

RATES, SIZES = "RdBu_r", "viridis"
MISSING, ZERO, BROKEN = "0.85", "black", "#FAD800"
OUTSIDE = {MISSING: "no such network, or no number", ZERO: "exactly zero in half of the networks", BROKEN: "inf or NaN in half"}
EDGES = {"-": "neither grows nor shrinks", ":": "the same by mean field"}
INSIDE = 0.02, 0.98  # quantiles of sizes between which colours are told apart
REACH = 0.75  # quantile of the absolute value of rates at which colours end, as in the pictures of `gradsim phase`
LEAST = 1e-3  # decades that the colours of a rate reach at least


def figure(curve_set, columns, xy, quantity=None, at=None, theory=False, by=None, ax=None):
    """A matplotlib Figure: a Number of `quantity` and `at` over the columns `xy`, a pair, in the same colours in all panels.

    A panel for every combination of the columns `by` and of what else networks differ in. Where a rate changes its sign
    there is a line, and with `theory` that of mean field.
    """
    number = Number.checked(quantity, at)
    axes = [Axis(name, columns.levels(name)) for name in xy]
    rest = [name for name in by or () if name not in xy]
    rest += columns.apart([*xy, *rest])
    grids, quantities = _grids(curve_set, columns, axes, number, rest, theory)
    values = np.array([grid for _, grid, _ in grids.values()])
    if not np.isfinite(values).any():
        raise nothing(curve_set, number)
    canvas = Canvas(len(grids), columns.side(rest), ax, sharex=True, sharey=True)
    (norm, extend), edges = _norm(values, number), []
    for panel, (name, grid, predicted) in zip(canvas.axes, grids.values(), strict=True):
        image = _panel(panel, axes, grid, norm, number)
        panel.set_title(name, loc="left", weight="bold")
        for source, style in zip((grid, predicted), EDGES, strict=True):
            if number.rate and _edge(panel, axes, source, style):
                edges.append(style)
        for axis, way in zip(axes, "xy", strict=True):
            axis.show(panel, way)
    canvas.outermost()
    _bar(canvas, image, number, extend, words(quantities))
    _legend(canvas, values, [style for style in EDGES if style in edges])
    canvas.headline(title(quantities, number, f"{'median' if number.log else 'mean'} of the networks"), facts(columns.cells))
    return canvas.figure


def _grids(curve_set, columns, axes, number, rest, theory):
    """({values of `rest`: (panel title, numbers, theory's)}, the quantities that they are of).

    Numbers are float64 of shape (values of y, values of x), NaN where there is none.
    """
    shape, taken = tuple(len(axis.levels) for axis in reversed(axes)), set()
    places = [{level: k for k, level in enumerate(axis.levels)} for axis in axes]
    grids = {key: (np.full(shape, np.nan), np.full(shape, np.nan)) for key in columns.keys(rest)}
    titles, quantities = {}, set()
    middles = None if theory else number.middles(curve_set, columns.cells)
    if middles is not None:
        quantities.add(number.quantity or "gradient")
    for k, cell in enumerate(columns.cells):
        key = tuple(cell[name] for name in rest)
        titles.setdefault(key, titled(cell, rest))
        column, row = (place[cell[axis.name]] for axis, place in zip(axes, places, strict=True))
        if (key, row, column) in taken:
            raise twice(cell, [*(axis.name for axis in axes), *rest])
        taken.add((key, row, column))
        if middles is not None:
            grids[key][0][row, column] = middles[k]
        elif number.held(curves := curve_set[k]):
            quantities.add(number.name(curves))
            grids[key][0][row, column] = number.middle(curves)
            if theory:
                grids[key][1][row, column] = number.predicted(curves, "mean_field")
    return {key: (titles[key], *found) for key, found in grids.items()}, quantities


def _norm(values, number):
    """(norm, extend): what colours stand for, and at which ends some numbers are beyond them."""
    from matplotlib.colors import Normalize

    finite = values[np.isfinite(values)]
    low, high = (float(np.quantile(finite, q)) for q in INSIDE)
    if number.rate:
        high = max(float(np.quantile(np.abs(finite), REACH)), LEAST)
        low = -high
    elif high - low < LEAST:
        low, high = low - LEAST, high + LEAST
    below, above = finite.min() < low, finite.max() > high
    return Normalize(low, high), {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[int(below), int(above)]


def _panel(ax, axes, grid, norm, number):
    from matplotlib.colors import ListedColormap

    x, y = (axis.edges() for axis in axes)
    ax.set_facecolor(MISSING)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    for colour, where in ((ZERO, grid == -math.inf), (BROKEN, grid == math.inf)):
        if where.any():
            one = np.ma.masked_where(~where, np.ones(grid.shape))
            ax.pcolormesh(x, y, one, cmap=ListedColormap([colour]), rasterized=True)
    held = np.ma.masked_invalid(grid)
    return ax.pcolormesh(x, y, held, cmap=RATES if number.rate else SIZES, norm=norm, rasterized=True)


def _edge(ax, axes, grid, style):
    """Draw where numbers change their sign, over axes of numbers; returns whether they do."""
    finite = np.ma.masked_invalid(grid)
    if all(axis.numeric and axis.scale != STEPS for axis in axes) and finite.count() and finite.min() < 0 < finite.max():
        x, y = ([*axis.at.values()] for axis in axes)
        ax.contour(x, y, finite, levels=[0.0], colors="black", linewidths=1.6, linestyles=style)
        return True
    return False


def _bar(canvas, image, number, extend, what):
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    bar = canvas.bar(image, extend=extend)
    scale = canvas.upwards(what, scale_words(number))
    bar.set_label(f"{scale}\nshrinks  ←     →  grows" if number.rate else scale)
    if number.scale.decades and not number.rate:
        bar.ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))


def _legend(canvas, values, edges):
    """What colours beside the scale are, and what lines of these styles."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found = {MISSING: np.isnan(values), ZERO: values == -math.inf, BROKEN: values == math.inf}
    handles = [Patch(color=colour, label=OUTSIDE[colour]) for colour, where in found.items() if where.any()]
    handles += [Line2D([], [], color="black", ls=style, lw=1.6, label=EDGES[style]) for style in edges]
    if handles:
        canvas.legend(handles, below=True, fontsize=9)
