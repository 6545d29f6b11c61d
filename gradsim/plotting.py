"""Pictures of curves: a panel an activation, a line a network with its 5-95 % band."""

import io
import math

import numpy as np

from .cells import describe, varying
from .errors import RequestError, unknown
from .quantities import QUANTITIES
from .store.files import PICTURE, check_output, file_name, write_whole
from .verdict import DECADES

BAND = (0.05, 0.95)
# Okabe & Ito's colours, safe for colour-blind readers
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
DASHES = ("-", (0, (4, 3)), "-.", ":")
PANEL = (5.2, 3.7)  # inches
MOST_COLUMNS = 2
FORMATS = ("png", "pdf", "svg")
PLOTTED = tuple(name for name, q in QUANTITIES.items() if q.log and q.place != "network")
THEORY_STYLES = {  # over the median, in a darker shade of its colour on white
    "exact": {"linestyle": (0, (4, 2)), "lw": 1.1, "label": "theory: exact law (mean of the log)"},
    "mean_field": {"linestyle": (0, (1, 1.6)), "lw": 1.4, "label": "theory: mean field (infinite width)"},
}
SHADE = 0.6  # of the curve's colour, the rest black
CASING = 1.6  # points of white around it
TITLES = {"gradient": "gradient dL/dh", "preactivation": "preactivation h", "activation": "activation x"}


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


def figure(curve_set, quantity="gradient", theory=False):
    """A matplotlib Figure: root mean square of `quantity` against the layer, on a logarithmic scale.

    `theory` draws the predictions among the curves' variables over it.
    """
    if quantity not in PLOTTED:
        raise unknown("--quantity", quantity, PLOTTED)
    missing = set(BAND) - set(curve_set[0].quantiles.tolist())
    if missing:
        raise RequestError(f"plot: the quantiles {sorted(missing)} were not kept")
    figure_class = matplotlib_figure()
    panels, names = _panels(curve_set)
    columns = min(MOST_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    styles = {label: _style(k) for k, label in enumerate(dict.fromkeys(label for p in panels.values() for label, _ in p))}
    result = figure_class(figsize=(PANEL[0] * columns + 2.2, PANEL[1] * rows + 0.9), layout="constrained")
    axes = result.subplots(rows, columns, squeeze=False).ravel()
    for ax, (title, lines) in zip(axes, panels.items(), strict=False):
        _panel(ax, title, lines, quantity, styles)
        if theory:
            _theory(ax, lines, quantity, styles)
        _axes(ax)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    what = TITLES.get(quantity, quantity.replace("_", " "))
    result.suptitle(
        f"{what[0].upper()}{what[1:]} at initialization: median of the networks and 5–95 % band",
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
            labels,
            loc="outside right upper",
            frameon=False,
            title=", ".join(name.replace("_", " ") for name in names) or None,
        )
    predicted = [Line2D([], [], color="black", **style) for style in THEORY_STYLES.values() if style["label"] in handles]
    if predicted:
        result.legend(handles=predicted, loc="outside lower center", frameon=False, ncols=2)


def _panels(curve_set):
    """{panel title: [(label, curves)]}, and the names that make the label."""
    names = [name for name in varying(curve_set) if name != "activation"]
    panels = {}
    for curves in curve_set:
        cell = describe(curves)
        label = ", ".join(str(cell[name]) for name in names) or cell["init"]
        panels.setdefault(cell["activation"], []).append((label, curves))
    return panels, names or ["init"]


def _style(k):
    """Every second line is dashed, so that of two lines that coincide both are seen."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % 2 + 2 * (k // len(COLOURS) % 2)]}


def _panel(ax, title, lines, quantity, styles):
    """Draws log10 on a linear axis: values beyond the range of a float are as good as any."""
    absent = []
    for label, curves in lines:
        low, middle, high = (curves.quantile(quantity, q) * DECADES for q in (BAND[0], 0.5, BAND[1]))
        shown = np.isfinite(middle)
        drawn = shown.sum() > 1 or (shown.any() and len(shown) < 4)
        ax.plot(
            curves.layers[shown],
            middle[shown],
            label=label,
            lw=1.6,
            marker="o" if shown.sum() == 1 else None,
            ms=4,
            **styles[label],
        )
        if drawn:
            ax.fill_between(
                curves.layers,
                np.where(np.isfinite(low), low, middle),
                np.where(np.isfinite(high), high, middle),
                where=shown,
                color=styles[label]["color"],
                alpha=0.18,
                lw=0,
            )
        inside = middle[QUANTITIES[quantity].layers(curves.network)]
        if np.any(inside == -math.inf):
            last = np.flatnonzero(middle == -math.inf).max()
            everywhere = np.all(inside == -math.inf)
            share = curves[f"{quantity}_zero_count"][middle == -math.inf].min() / curves.run["replicas"]
            zero = "exactly zero" if share == 1 else f"exactly zero in {100 * share:.0f} % of the networks"
            absent.append(f"{label}: {zero}" + ("" if everywhere else f" up to layer {last}"))
        if np.any(~np.isfinite(inside) & (inside != -math.inf)):
            absent.append(f"{label}: not finite in places")
    ax.set_title(title, loc="left", weight="bold")
    ax.set_title("; ".join(absent), loc="right", fontsize=8, color="0.35")
    ax.set_xlabel("layer")
    ax.set_ylabel("root mean square")
    ax.set_xlim(*_ends(lines))
    ax.grid(alpha=0.25, lw=0.6)


def _ends(lines):
    """Of the axis of layers: a hundredth more than there is, though a curve may be zero at all layers but one."""
    last = max(int(curves.layers[-1]) for _, curves in lines)
    return -0.01 * last, 1.01 * last


def _theory(ax, lines, quantity, styles):
    """Over the curves; nothing where theory says nothing."""
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import Normal, Stroke

    for label, curves in lines:
        shade = tuple(SHADE * part for part in to_rgb(styles[label]["color"]))
        for theory, style in THEORY_STYLES.items():
            predicted = curves.variables.get(f"{theory}_{quantity}_log_mean")
            if predicted is not None:
                shown = np.isfinite(predicted)
                mark = {"marker": "x", "ms": 5} if shown.sum() == 1 else {}
                casing = [] if mark else [Stroke(linewidth=style["lw"] + CASING, foreground="white", alpha=0.8), Normal()]
                look = {**style, **mark, "color": shade, "path_effects": casing}
                ax.plot(curves.layers[shown], predicted[shown] * DECADES, zorder=4, **look)


def _axes(ax):
    """Ticks at whole decades, labelled 10^k, and at whole layers; never less than one decade high."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = ax.get_ylim()
    if high - low < 2:
        ax.set_ylim(min(low, (low + high) / 2 - 1), max(high, (low + high) / 2 + 1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))
