"""Theory against measurement, as tables for the command line."""

from rich.table import Table
from rich.text import Text

from ..errors import RequestError
from ..results.cells import describe, in_short, varying
from ..results.verdict import DECADES
from ..statistics.quantities import THEORIES
from ..theory.comparison import disagreements, predicted_exits, silence, silences
from ..theory.float_ranges import measured_exits
from .exit_table import EXIT_NOTE, exit_table, untrusted
from .fitting import lay
from .table import MOST_ROWS, wide

WORDS = {"mean_field": "mean field", "exact": "exact law"}
NOTE = (
    "measured and predicted: log10 of the root mean square (a correlation as it is), the mean over networks that are not\n"
    "zero, with its standard error; zero: the share of networks that are exactly zero. z: the difference over that error.\n"
    "An exact law leaves |z| below 4 but once in 16,000; mean field is the limit of infinite width: it is off by a multiple\n"
    "of depth/width, a large one where gradients explode, and by any amount where networks part (a fixed point that repels)."
)


def show(curve_set, file=None):
    """Print the z-scores of a CurveSet with theory, of its first MOST_ROWS networks, and where float types are left."""
    console, curve_set = wide(file), curve_set[:MOST_ROWS]
    console.print(Text("\nTheory against measurement", style="bold"))
    lay(console, disagreement_table(curve_set), len(varying(curve_set)) + 3)
    for line in (*missing(curve_set), NOTE):
        lay(console, Text(line, style="dim"))
    if len(curve_set) == 1:
        for number, part in enumerate(exit_parts(curve_set[0])):
            if number == 0:
                console.print()
            lay(console, part)


def silent_on(curve_set, quantity):
    """Whether no theory predicts the quantity for any of these curves with theory."""
    names = [f"{theory}_{quantity}_{statistic}" for theory in THEORIES for statistic in ("log_mean", "mean")]
    return not any(name in curves.variables for curves in curve_set for name in names)


def disagreement_table(curve_set):
    """A rich Table: a row a network, theory and quantity."""
    names = varying(curve_set)
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*names, "theory", "quantity", "layer"):
        result.add_column(name.replace("_", " "))
    for name in ("measured", "±", "predicted", "z"):
        result.add_column(name, justify="right")
    for curves in curve_set:
        cell = describe(curves)
        for row in disagreements(curves):
            factor = DECADES if row.statistic == "log_mean" else 1.0
            sign = "" if row.statistic == "zero_share" else "+"
            result.add_row(
                *(in_short(cell[name]) for name in names),
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
    place = f" ({row.place})" if row.place else ""
    return row.quantity.replace("_", " ") + place + (": zero" if row.statistic == "zero_share" else "")


def missing(curve_set):
    """A line for every reason why a theory says nothing."""
    lines = {}
    for curves in curve_set:
        for theory in THEORIES:
            reason = silence(theory, curves)
            if reason is not None:
                lines[f"{WORDS[theory]}: no prediction ({reason})"] = None
        lines |= dict.fromkeys(f"{WORDS['mean_field']}: {line}" for line in silent_lines(silences(curves)))
        if curves.run.get("loss", "probe") != "probe":
            lines[
                f"gradients: no prediction with loss {curves.run['loss']}, whose gradient depends on the network's output"
            ] = None
        if curves.run.get("arithmetic", "carried") != "carried":
            lines[
                f"theory is of real numbers: what {curves.run['arithmetic']} rounds to zero or infinity has no prediction"
            ] = None
    return list(lines)


def silent_lines(silences, words="not predicted everywhere"):
    """A line for every reason among {quantity: why} of what theory leaves out."""
    names = {}
    for quantity, why in silences.items():
        names.setdefault(why, []).append(quantity.replace("_", " "))
    return [f"{words}: {', '.join(found)} ({why})" for why, found in names.items()]


def exit_parts(curves):
    """Rich parts on predicted and measured layers at which float types are left; none where theory says nothing."""
    try:
        predicted = predicted_exits(curves)
    except RequestError:
        return
    yield exit_table(predicted, measured_exits(curves))
    yield from untrusted(predicted)
    yield Text(EXIT_NOTE, style="dim")
