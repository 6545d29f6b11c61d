"""What pictures share: colours, sizes, words, and where panels stand."""

import math

from ..errors import RequestError

# Near Okabe & Ito's. Any two are 25 apart or more in CIELAB, for all kinds of colour vision (a test computes it)
COLOURS = ("#264ADA", "#C74A00", "#068A59", "#A8649A", "#FA980B", "#000000", "#7C0009", "#33BBFF")
DASHES = ("-", (0, (4, 3)), "-.", ":")
MARKERS = (None, "o", "s", "^", "D")  # a further one for every 16 lines
PANEL = (5.2, 3.7)  # inches
BESIDE = (2.2, 0.9)  # inches for legend and title
ACROSS = 12.6  # inches of panels side by side, beyond which they shrink
NARROWEST = 2.4  # inches
FEW, MANY = 8, 100  # panels: up to so many in two columns; no more than so many at all
TITLE = 19  # characters of the title an inch of panels
SMALLEST_TITLE = 60
THEORY_STYLES = {  # over the median, in a darker shade of its colour on white
    "exact": {"linestyle": (0, (4, 2)), "lw": 1.1, "label": "theory: exact law (mean of the log)"},
    "mean_field": {"linestyle": (0, (1, 1.6)), "lw": 1.4, "label": "theory: mean field (infinite width)"},
}
SHADE = 0.6  # of the curve's colour, the rest black
CASING = 1.6  # points of white around it
WORDS = {
    "gradient": "gradient dL/dh",
    "preactivation": "preactivation h",
    "activation": "activation x",
    "stream": "stream x",
    "stream_gradient": "gradient dL/dx of the stream",
    "weight_gradient": "weight gradient dL/dW",
    "bias_gradient": "bias gradient dL/db",
    "input_gradient": "gradient dL/dx of the input",
    "loss_gradient": "gradient of the loss with respect to the output",
    "preactivation_max": "largest preactivation h",
    "gradient_max": "largest entry of the gradient dL/dh",
    "stream_max": "largest entry of the stream x",
    "stream_gradient_max": "largest entry of the gradient dL/dx of the stream",
    "norm_gain_gradient": "gradient of the norms' gains",
    "norm_shift_gradient": "gradient of the norms' shifts",
    "activation_mean": "mean activation",
    "activation_unit_variance": "variance of the activation between the units",
    "dead_fraction": "dead units (φ' = 0 on every input)",
    "saturated_fraction": "saturated units (|φ'| below 1 % of its maximum)",
    "correlation": "correlation of the inputs' preactivations",
    "log_one_minus_correlation": "1 − correlation of the inputs' preactivations",
    "gradient_correlation": "correlation of the inputs' gradients",
    "stream_correlation": "correlation of the inputs' streams",
    "stream_gradient_correlation": "correlation of the inputs' gradients of the stream",
}
BOTH = "gradient dL/dh, or dL/dx of a stream,"


def matplotlib_figure():
    """The class Drawing, a matplotlib Figure. Raises RequestError where matplotlib is not installed."""
    try:
        from .drawing import Drawing
    except ImportError:
        raise RequestError("--plot needs matplotlib: pip install 'gradsim[plot]'") from None
    return Drawing


def words(quantities):
    """The title's first word or words: what a picture of these quantities is of."""
    names = set(quantities)
    what = BOTH if len(names) > 1 else WORDS.get(name := names.pop(), name.replace("_", " "))
    return what[0].upper() + what[1:]


def titled(cell, names):
    """The title of a panel: the values that the names have in a described cell, with the names of those that are numbers."""
    parts = (f"{cell[n]}" if isinstance(cell[n], str) else f"{spaced(n)} {cell[n]}" for n in names if cell[n] != "")
    return ", ".join(parts)


def spaced(name):
    return name.replace("_", " ")


def panels(count, columns=None, **shared):
    """(figure, axes): `count` panels in rows, from the left; `shared` as matplotlib's `subplots` has it.

    Raises RequestError where they are more than MANY.
    """
    if count > MANY:
        raise RequestError(f"--panels: {count:,} panels are more than {MANY}; choose networks with --select, or other --panels")
    if columns is None:
        columns = min(count, 2) if count <= FEW else math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    wide = max(NARROWEST, min(PANEL[0], ACROSS / columns))
    high = wide * PANEL[1] / PANEL[0]
    size = wide * columns + BESIDE[0], high * rows + BESIDE[1]
    figure = matplotlib_figure()(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for ax in axes[count:]:
        ax.set_visible(False)
    return figure, axes[:count]


def outermost(axes):
    """Of panels that share their axes, ticks and labels at the left and where nothing is below."""
    side = axes[0].get_gridspec().ncols
    for k, ax in enumerate(axes):
        below, left = k + side < len(axes), k % side == 0
        ax.tick_params(labelbottom=not below, labelleft=left)
        if below:
            ax.set_xlabel("")
        if not left:
            ax.set_ylabel("")


def headline(figure, text):
    """The title above all panels, in as many lines as it takes."""
    from textwrap import fill

    inches = figure.get_figwidth() - BESIDE[0]
    figure.suptitle(
        fill(text, max(SMALLEST_TITLE, round(inches * TITLE / 2))), x=0.01, ha="left", fontsize=11 if inches <= PANEL[0] else 12
    )


def darker(colour):
    """The shade in which theory is drawn over a curve."""
    from matplotlib.colors import to_rgb

    return tuple(SHADE * part for part in to_rgb(colour))
