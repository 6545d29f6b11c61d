"""The table of verdicts: a row a network, with the options in which they differ."""

import io
import math
from collections import Counter

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..results.cells import batch_norm_note, describe, in_short, label, varying
from ..results.exits import REPORTED_PRECISIONS
from ..statistics.quantities import CORRELATION_FLOOR
from .fitting import lay

WIDTH = 150
MOST_ROWS = 100  # networks in a table that is read from top to bottom
STYLES = {"stable": "green", "vanishing": "yellow", "exploding": "red", "non-finite": "red"}
NOTE = (
    "decades/100 layers: powers of ten that the median network's root-mean-square gradient gains on its way back. spread:\n"
    "powers of ten between the 5 % and the 95 % quantile over networks at layer 1 (∞: some are exactly zero, inf or NaN).\n"
    "float types: the layer from which at least half of the networks have left the type, forward (from the input, layer 0,\n"
    "up) by their preactivations, backward (down) by their gradients: ↑ above its largest number, or inf or NaN; ↓ below its\n"
    "smallest normal number; – fewer than half. In brackets where the sum of squares over the layer leaves it: of inputs and\n"
    "preactivations, and of weight gradients (↑ only), as norms, variances and gradient clipping compute it."
)
UNKNOWN_NOTE = "?: this file does not tell; it was made by an earlier version or cut."
WAYS = ("forward", "backward")
ARROWS = {"overflow": "↑", "underflow": "↓"}


def number(value, form):
    """A number as tables have it: a dash where there is none, a sign for infinity, else in that `form`."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return "–" if math.isnan(value) else ("0" if value == 0 else format(value, form))


def _exit(kinds, way):
    """Where the entries leave a type and, in brackets, their sums of squares."""
    if way not in kinds:
        return "?"
    entries, norm = kinds[way], kinds.get(f"{way}_norm")
    text = "–" if entries is None else f"{ARROWS[entries.way]}{entries.layer}"
    if norm is None or norm == entries:
        return text
    same = entries is not None and norm.way == entries.way
    return f"{text} ({'' if same else ARROWS[norm.way]}{norm.layer})"


def verdict_entries(curves):
    """The word of its verdict, the rate and the spread."""
    verdict = curves.verdict
    word = Text(verdict.word, STYLES.get(verdict.word, "magenta"))
    return [word, number(verdict.decades_per_100_layers, "+.3g"), number(verdict.spread_decades, ".2g")]


def exit_entries(curves, name):
    """Where a float type is left, forward and backward."""
    return [_exit(curves.verdict.exits[name], way) for way in WAYS]


def _named(names):
    """A rich Table with the columns that tell networks apart."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        result.add_column(name.replace("_", " "), overflow="fold")
    return result


def table(curve_set, exits=True):
    """A rich Table, a row a network; with or without where float types are left."""
    names = varying(curve_set) or ["activation", "init"]
    result, previous = _named(names), None
    result.add_column("verdict", no_wrap=True)
    types = REPORTED_PRECISIONS if exits else ()
    for head in ("decades/\n100 layers", "spread", *(f"{name}\n{way}" for name in types for way in WAYS)):
        result.add_column(head, justify="right", no_wrap=True)
    for curves in curve_set:
        cell = describe(curves)
        if previous is not None and len(names) > 1 and cell[names[0]] != previous:
            result.add_section()
        previous = cell[names[0]]
        found = [entry for name in types for entry in exit_entries(curves, name)]
        result.add_row(*(in_short(cell[name]) for name in names), *verdict_entries(curves), *found)
    return result


def exit_table(curve_set):
    """A rich Table of where float types are left, a row each: as narrow as that can be."""
    names = varying(curve_set) or ["activation", "init"]
    result = _named(names)
    result.add_column("type", no_wrap=True)
    for way in WAYS:
        result.add_column(way, justify="right", no_wrap=True)
    for curves in curve_set:
        cell = describe(curves)
        for k, name in enumerate(REPORTED_PRECISIONS):
            result.add_row(*("" if k else in_short(cell[n]) for n in names), name, *exit_entries(curves, name))
    return result


def _tables(curve_set, console):
    """The table, or where that is too wide two of them, one above the other."""
    whole = table(curve_set)
    if Measurement.get(console, console.options, whole).maximum < console.width:
        return [whole]
    return [table(curve_set, exits=False), "", exit_table(curve_set)]


def sentences(curve_set):
    """A line a network: what it is, and what becomes of its gradient."""
    names = varying(curve_set) or ["activation", "init"]
    for curves in curve_set:
        yield f"{label(describe(curves), names)}: {curves.verdict.sentence}"


def remarks(curve_set):
    """Lines on how the numbers were made, and on what they do not resolve."""
    engines = Counter(describe(curves)["engine"] for curves in curve_set)
    if len(engines) == 1:
        yield f"linear layers: {next(iter(engines))}."
    elif "engine" not in varying(curve_set):
        yield f"linear layers: {'; '.join(f'{words} ({count} of {len(curve_set)})' for words, count in engines.items())}."
    streams = dict.fromkeys(curves.network.stream_of for curves in curve_set if curves.network.has_stream)
    if streams:
        who = ", ".join(streams)
        yield f"{who}: layers are blocks, the gradient is that of the stream behind them, block 1's over the last's."
    merged = [layer for curves in curve_set if (layer := curves.merged_layer) is not None]
    if merged:
        yield (
            f"correlation: from layer {min(merged)} on, inputs agree to the last digit of float32 in some networks "
            f"(1 - correlation is not resolved below {CORRELATION_FLOOR:.0e}; its log's mean leaves these networks out)."
        )
    yield from dict.fromkeys(
        note for curves in curve_set if (note := batch_norm_note(curves.network, curves.run["inputs"])) is not None
    )
    names = dict.fromkeys(name.replace("_", " ") for curves in curve_set for name in curves.unresolved)
    if names:
        yield (
            f"not resolved: in some networks float32 does not tell from zero what cancels in {', '.join(names)}; counted in "
            "<quantity>_unresolved_count, and on record as its upper bound."
        )


def wide(file=None):
    """A rich Console: as wide as the terminal, or WIDTH columns elsewhere. In notebooks too it writes, and shows nothing."""
    console = Console(file=file, highlight=False, soft_wrap=True, force_jupyter=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH, force_jupyter=False)


def show(curve_set, file=None, most=MOST_ROWS):
    """Print the table, a sentence a row, and how to read the table: of the first `most` networks, or of all (None)."""
    printed(wide(file), curve_set, most)


def printed(console, curve_set, most):
    """The same to a rich Console."""
    count, curve_set = len(curve_set), curve_set[:most]
    for part in _tables(curve_set, console):
        lay(console, part, len(varying(curve_set)) or 2)
    if count > len(curve_set):
        lay(console, f"\nThe first {len(curve_set)} of {count:,} networks; all: gradsim export, gradsim plot.")
    console.print()
    for line in sentences(curve_set):
        lay(console, line)
    told = all("?" not in exit_entries(curves, name) for curves in curve_set for name in REPORTED_PRECISIONS)
    unknown = [] if told else [UNKNOWN_NOTE]
    console.print()
    for line in (*remarks(curve_set), NOTE, *unknown):
        lay(console, Text(line, style="dim"))


def text(curve_set):
    """The table as plain text."""
    out = io.StringIO()
    show(curve_set, out, most=None)
    return out.getvalue()
