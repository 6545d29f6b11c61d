"""The table of layers: sizes along a network, layer by layer, with the spread between networks."""

import math

from rich.table import Table
from rich.text import Text

from ..results.along import along
from ..results.cells import describe, label, varying
from .fitting import lay
from .table import MOST_ROWS, number, wide

NOTES = {
    "rms": "root mean square of the median network.",
    "decades": "log10 of the root mean square of the median network.",
}
SPREAD = " +-: powers of ten between the 5 % and the 95 % quantile over networks (∞: some are exactly zero, inf or NaN)."


def size(decades):
    """10 to that power in three digits, whatever its exponent."""
    if not math.isfinite(decades):
        return number(math.inf if decades == math.inf else 0.0 if decades == -math.inf else math.nan, "")
    exponent = math.floor(decades)
    digits = f"{10 ** (decades - exponent):.2f}"
    if digits == "10.00":
        digits, exponent = "1.00", exponent + 1
    return f"{digits}e{exponent:+03d}"


def table(curves, quantities, unit):
    """A rich Table of Curves, a row a layer (and place); `unit` is "rms" or "decades". Of quantities that they have."""
    found, has = along(curves, quantities), [name for name in quantities if name in curves.blocks.rows]
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("layer", justify="right")
    if curves.places:
        result.add_column("place")
    for name in has:
        result.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
        result.add_column("+-", justify="right", no_wrap=True)
    for row, layer in enumerate(found.layers):
        values = []
        for name in has:
            middle = found.decades[name][row]
            values += [size(middle) if unit == "rms" else number(middle, "+.4g"), number(found.spread[name][row], ".2g")]
        result.add_row(str(layer), *([found.places[row]] if curves.places else []), *values)
    return result


def show(curve_set, quantities, unit, file=None):
    """Print a table for each of the first networks, under its name, and how to read them."""
    console, names = wide(file), varying(curve_set) or ["activation", "init"]
    for curves in curve_set[:MOST_ROWS]:
        console.print(Text(label(describe(curves), names), style="bold"))
        lay(console, table(curves, quantities, unit), 2 if curves.places else 1)
        console.print()
    if len(curve_set) > MOST_ROWS:
        lay(console, f"The first {MOST_ROWS} of {len(curve_set):,} networks; all: --csv, --json, gradsim export.")
        console.print()
    lay(console, Text(NOTES[unit] + SPREAD, style="dim"))
