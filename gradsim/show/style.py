"""What pictures share: colours, dashes and words."""

from ..errors import RequestError
from ..results.cells import in_short

# Near Okabe & Ito's. Any two are 25 apart or more in CIELAB, for all kinds of colour vision (a test computes it)
COLOURS = ("#264ADA", "#C74A00", "#068A59", "#A8649A", "#FA980B", "#000000", "#7C0009", "#33BBFF")
DASHES = ("-", (0, (4, 3)), "-.", ":")
MARKERS = (None, "o", "s", "^", "D")  # a further one for every 16 lines
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
    parts = (cell[n] if isinstance(cell[n], str) else f"{spaced(n)} {in_short(cell[n])}" for n in names if cell[n] != "")
    return ", ".join(parts)


def spaced(name):
    return name.replace("_", " ")


def darker(colour):
    """The shade in which theory is drawn over a curve."""
    from matplotlib.colors import to_rgb

    return tuple(SHADE * part for part in to_rgb(colour))
