"""Pictures: which one is asked for, and its file."""

import io
from dataclasses import replace

from ..errors import RequestError, plain, several, shown, unknown
from ..model.options import Flag
from ..results.columns import Columns
from ..statistics.quantities import QUANTITIES
from ..store.files import PICTURE, check_output, file_name, write_whole
from . import across, layers, maps
from . import histograms as units
from .singles import checked
from .style import matplotlib_figure

FORMATS = ("png", "pdf", "svg")
FONTS = {"pdf.fonttype": 42, "svg.fonttype": "none"}  # TrueType, and text as text: what is written can be edited and found
LAYER = "layer"
MOST_LINES = 400  # drawn unasked
LONE = "init"  # the column along which a network stands alone


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
    path = check_picture("path", path, overwrite)
    write_whole("path", path, image(figure, path), overwrite, PICTURE)


def image(figure, path):
    """The bytes of a file with the name `path`."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(FONTS):
        figure.savefig(buffer, format=_format(file_name("--plot", path)), dpi=150)
    return buffer.getbuffer()


def figure(
    curve_set,
    quantity=None,
    theory=False,
    *,
    x=None,
    y=None,
    panels=None,
    colour=None,
    at=None,
    samples=None,
    share=True,
    histograms=False,
    label=None,
    ax=None,
):
    """A matplotlib Figure of a CurveSet. `theory` draws predictions among the curves' variables over it.

    Against the layer (`x` None or "layer"), all layers of `quantity` (see `layers.figure`), or of what a network has once, as a
    loss, one number a network against the column with the most values. Against a column of the table of
    verdicts (`x` "weight_gain"), one number a network, `at` "rate" or a layer (see `results.number`). With `y` another column,
    a map of these numbers, a panel for all else that networks differ in. `panels` are the columns that panels are of, a name
    or several; `colour` is the column that the colours of lines stand for, which have a scale then instead of a legend.
    `samples` is how many single networks of each line are thin lines, against the layer and where their samples were kept;
    unless given as many as there is room for. `share` has panels against the layer share their scales; other pictures always
    do. `label` is the column that lines are labelled by, those in which networks differ unless given. With `histograms` the
    picture is of units, layer by layer (see `histograms.figure`). `ax` are Axes of matplotlib to draw
    into, one or as many as there are panels, in place of a figure of its own.

    More than MOST_LINES networks are, unless `x` is given, drawn as such a map against the two columns with the most values,
    or against the one in which they differ. Raises RequestError for what cannot be drawn.
    """
    columns = Columns.of(curve_set)
    if label is not None:
        columns = replace(columns, told=(columns.check("--label", label),))
    if quantity is not None and (not isinstance(quantity, str) or quantity not in QUANTITIES):
        raise unknown("--quantity", quantity, QUANTITIES)
    share, histograms = (
        Flag().check(option, plain(value)) for option, value in (("--share", share), ("--histograms", histograms))
    )
    if histograms:
        given = {"--x": x, "--y": y, "--panels": panels, "--colour": colour, "--at": at, "--samples": samples}
        for option in (name for name, value in given.items() if value is not None):
            raise RequestError(f"{option}: goes with curves, and not with --histograms")
        return units.figure(curve_set, columns, quantity, share, ax)
    if x is None and y is None and len(curve_set) > MOST_LINES:
        x, y = _widest(columns)
    along = None if x is None or (isinstance(x, str) and x == LAYER) else columns.check("--x", x)
    by = None if panels is None else _names(columns, panels)
    colour, samples = None if colour is None else columns.check("--colour", colour), checked(samples)
    if colour is not None and colour in (along, *(by or ())):
        raise RequestError(f"--colour: lines do not differ in {colour}, which --x or --panels is")
    if along is None and quantity is not None and quantity not in layers.ALONG:
        if x is not None:
            raise RequestError(f"--x: {quantity} is one number a network, and none along the layers")
        along = max(columns.names, key=lambda name: len(columns.levels(name)), default=LONE)
    if along is None:
        for option, given, words in (("--y", y, "a map needs --x, another column"), ("--at", at, "is for --x but the layer")):
            if given is not None:
                raise RequestError(f"{option}: {words}")
        return layers.figure(curve_set, columns, quantity, theory, by, colour, samples, share, ax)
    if samples:
        raise RequestError("--samples: is for --x layer, along which single networks are drawn")
    if y is None:
        return across.figure(curve_set, columns, along, quantity, at, theory, by, colour, ax)
    if colour is not None:
        raise RequestError("--colour: is of lines; the colours of a map are its numbers")
    if (up := columns.check("--y", y)) == along:
        raise RequestError(f"--y: {y} is that of --x already")
    return maps.figure(curve_set, columns, (along, up), quantity, at, theory, by, ax)


def _names(columns, panels):
    names = panels.split(",") if isinstance(panels := plain(panels), str) else several(panels)
    if names is None or not all(isinstance(name, str) for name in names):
        raise RequestError(f"--panels: {shown(panels)} is neither the name of a column nor several")
    found = [name.strip().replace("-", "_") for name in names]
    for name in found:
        if name not in columns.known:
            raise unknown("--panels", name, columns.names or columns.known)
    return found


def _widest(columns):
    """The two names with the most values, or one and None, in the table's order."""
    counts = {name: len(columns.levels(name)) for name in columns.names}
    most = sorted(sorted(counts, key=counts.get, reverse=True)[:2], key=columns.names.index)
    return (*most, None, None)[:2]
