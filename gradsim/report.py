"""The table of verdicts: a row a network, with the options in which they differ."""

import io
import math
from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .cells import describe, varying
from .quantities import CORRELATION_FLOOR
from .verdict import REPORTED_PRECISIONS

WIDTH = 150
STYLES = {"stable": "green", "vanishing": "yellow", "exploding": "red", "non-finite": "red"}
NOTE = (
    "decades: powers of ten of the median network's root-mean-square gradient, layer 1 against layer L. spread: 95 % over 5 %\n"
    "quantile over networks at layer 1. float columns: layers back from layer L where half of the networks leave the type's\n"
    "range, ↓ below its smallest normal number, ↑ above its largest; – never. ∞: some networks have a gradient of exactly zero."
)


def _number(value, form):
    if value == math.inf:
        return "∞"
    return "–" if not math.isfinite(value) else ("0" if value == 0 else format(value, form))


def _exit(leave):
    if leave is None:
        return "–"
    back, way = leave
    return f"{'↑' if way == 'overflow' else '↓'} {back}"


def table(curve_set):
    """A rich Table."""
    names = varying(curve_set) or ["activation", "init"]
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*names, "verdict"):
        result.add_column(name)
    for name in ("decades/100 layers", "spread", *REPORTED_PRECISIONS):
        result.add_column(name, justify="right")
    previous = None
    for curves in curve_set:
        cell, verdict = describe(curves), curves.verdict
        if previous is not None and len(names) > 1 and cell[names[0]] != previous:
            result.add_section()
        previous = cell[names[0]]
        result.add_row(
            *(str(cell[name]) for name in names),
            Text(verdict.word, STYLES.get(verdict.word, "magenta")),
            _number(verdict.decades_per_100_layers, "+.3g"),
            _number(verdict.spread_decades, ".2g"),
            *(_exit(verdict.leaves[name]) for name in REPORTED_PRECISIONS),
        )
    return result


def sentences(curve_set):
    """A line a network: what it is, and what becomes of its gradient."""
    names = varying(curve_set) or ["activation", "init"]
    for curves in curve_set:
        cell = describe(curves)
        yield f"{', '.join(str(cell[name]) for name in names)}: {curves.verdict.sentence}"


def remarks(curve_set):
    """Lines on how the numbers were made, and on what they do not resolve."""
    engines = Counter(describe(curves)["engine"] for curves in curve_set)
    if len(engines) == 1:
        yield f"linear layers: {next(iter(engines))}."
    elif "engine" not in varying(curve_set):
        yield f"linear layers: {'; '.join(f'{words} ({count} of {len(curve_set)})' for words, count in engines.items())}."
    merged = [layer for curves in curve_set if (layer := curves.merged_layer) is not None]
    if merged:
        yield (
            f"correlation: from layer {min(merged)} on, inputs agree to the last digit of float32 in some networks "
            f"(1 - correlation is not resolved below {CORRELATION_FLOOR:.0e})."
        )


def wide(file=None):
    """A rich Console: as wide as the terminal, or WIDTH columns elsewhere."""
    console = Console(file=file, highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)


def show(curve_set, file=None):
    """Print the table, a sentence a row, and how to read the table."""
    console = wide(file)
    console.print(table(curve_set))
    console.print(Text("\n" + "\n".join(sentences(curve_set))), soft_wrap=True)
    console.print(Text("\n" + "\n".join((*remarks(curve_set), NOTE)), style="dim"), soft_wrap=True)


def text(curve_set):
    """The table as plain text."""
    out = io.StringIO()
    show(curve_set, out)
    return out.getvalue()
