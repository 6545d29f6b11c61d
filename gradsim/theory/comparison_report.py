"""Theory against measurement, as tables for the command line."""

from rich.table import Table
from rich.text import Text

from ..cells import describe, varying
from ..errors import RequestError
from ..quantities import THEORIES
from ..report import wide
from ..verdict import DECADES
from .comparison import disagreements, measured_exits, predicted_exits, silence
from .float_ranges import Exit

SOURCES = {"exact": "the exact law", "mean field": "mean field"}
WORDS = {"mean_field": "mean field", "exact": "exact law"}
NOTE = (
    "measured and predicted: log10 of the root mean square (a correlation as it is), the mean over networks that are not\n"
    "zero, with its standard error; zero: the share of networks that are exactly zero. z: the difference over that error.\n"
    "An exact law leaves |z| below 4 but once in 16,000; mean field is the limit of infinite width: it is off by a multiple\n"
    "of depth/width, a large one where gradients explode."
)


def show(curve_set, file=None):
    """Print the z-scores of a CurveSet with theory, and where float types are left."""
    console = wide(file)
    console.print(Text("\nTheory against measurement", style="bold"))
    console.print(disagreement_table(curve_set))
    for line in missing(curve_set):
        console.print(line, style="dim", soft_wrap=True)
    console.print(NOTE, style="dim", soft_wrap=True)
    if len(curve_set) == 1:
        table = exit_table(curve_set[0])
        if table is not None:
            console.print()
            console.print(table)


def silent_on(curve_set, quantity):
    """Whether no theory predicts the quantity for any of these curves with theory."""
    return not any(f"{theory}_{quantity}_log_mean" in curves.variables for curves in curve_set for theory in THEORIES)


def disagreement_table(curve_set):
    """A rich Table: a row a network, theory and quantity."""
    names = varying(curve_set)
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*names, "theory", "quantity", "layer"):
        result.add_column(name)
    for name in ("measured", "±", "predicted", "z"):
        result.add_column(name, justify="right")
    for curves in curve_set:
        cell = describe(curves)
        for row in disagreements(curves):
            factor = DECADES if row.statistic == "log_mean" else 1.0
            sign = "" if row.statistic == "zero_share" else "+"
            result.add_row(
                *(str(cell[name]) for name in names),
                WORDS[row.theory],
                _quantity(row),
                str(row.layer),
                f"{row.measured * factor:{sign}.4f}",
                f"{row.standard_error * factor:.4f}",
                f"{row.predicted * factor:{sign}.4f}",
                f"{row.z:+.2f}",
            )
    return result


def _quantity(row):
    return row.quantity.replace("_", " ") + (": zero" if row.statistic == "zero_share" else "")


def missing(curve_set):
    """A line for every reason why a theory says nothing."""
    lines = {}
    for curves in curve_set:
        for theory in THEORIES:
            reason = silence(theory, curves)
            if reason is not None:
                lines[f"{WORDS[theory]}: no prediction ({reason})"] = None
        if curves.run.get("loss", "probe") != "probe":
            lines[
                f"gradients: no prediction with loss {curves.run['loss']}, whose gradient depends on the network's output"
            ] = None
        if curves.run.get("arithmetic", "carried") != "carried":
            lines[
                f"theory is of real numbers: what {curves.run['arithmetic']} rounds to zero or infinity has no prediction"
            ] = None
    return list(lines)


def exit_table(curves):
    """A rich Table of predicted and measured layers at which float types are left; None where theory says nothing."""
    try:
        predicted = predicted_exits(curves)
    except RequestError:
        return None
    result = empty_exit_table(f"First layer out of range, predicted (from {SOURCES[predicted.source]}) / measured")
    measured = measured_exits(curves)
    gradients = curves.run.get("loss", "probe") == "probe"
    for name in predicted.forward:
        cells = [f"{layer_word(p)} / {layer_word(m)}" for p, m in zip(predicted.forward[name], measured[0][name], strict=True)]
        cells += [
            f"{layer_word(p) if gradients else '?'} / {layer_word(m)}"
            for p, m in zip(predicted.backward[name], measured[1][name], strict=True)
        ]
        result.add_row(name, *cells)
    return result


def empty_exit_table(title):
    """A rich Table with a column for every way that a float type can be left."""
    result = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    result.add_column("float type")
    for way in ("forward", "backward"):
        for event in Exit._fields:
            result.add_column(f"{way} {event}", justify="right")
    return result


def layer_word(layer):
    """A layer's number, a dash for none."""
    return "–" if layer is None else str(layer)
