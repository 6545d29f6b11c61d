"""The table of verdicts: a row a network, with the options in which they differ."""

import io
import math
from collections import Counter

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from .cells import describe, varying
from .exits import REPORTED_PRECISIONS
from .quantities import CORRELATION_FLOOR

WIDTH = 150
STYLES = {"stable": "green", "vanishing": "yellow", "exploding": "red", "non-finite": "red"}
# For terminals that cannot print the others
ASCII = {"–": "-", "—": "-", "∞": "inf", "↑": "^", "↓": "v", "→": "->", "≤": "<=", "≥": ">=", "±": "+-", "×": "x", "…": "..."}
NOTE = (
    "decades/100 layers: powers of ten that the median network's root-mean-square gradient gains on its way back. spread:\n"
    "powers of ten between the 5 % and the 95 % quantile over networks at layer 1 (∞: some are exactly zero, inf or NaN).\n"
    "float types: the layer from which at least half of the networks have left the type, forward (from the input, layer 0,\n"
    "up) by their preactivations, backward (down) by their gradients: ↑ above its largest number, or inf or NaN; ↓ below its\n"
    "smallest normal number; – fewer than half. In brackets where the sum of squares over the layer leaves it: of inputs and\n"
    "preactivations, and of weight gradients (↑ only), as norms, variances and gradient clipping compute it."
)
UNKNOWN_NOTE = "?: this file does not tell; it was made by an earlier version or cut."
ARROWS = {"overflow": "↑", "underflow": "↓"}


def _number(value, form):
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


def _verdicts(curves):
    verdict = curves.verdict
    word = Text(verdict.word, STYLES.get(verdict.word, "magenta"))
    return word, _number(verdict.decades_per_100_layers, "+.3g"), _number(verdict.spread_decades, ".2g")


def _exits(curves):
    return tuple(_exit(curves.verdict.exits[name], way) for name in REPORTED_PRECISIONS for way in ("forward", "backward"))


VERDICTS = (("verdict", "decades/\n100 layers", "spread"), _verdicts)
EXITS = (tuple(f"{name}\n{way}" for name in REPORTED_PRECISIONS for way in ("forward", "backward")), _exits)


def table(curve_set, parts=(VERDICTS, EXITS)):
    """A rich Table of some of the columns: VERDICTS, EXITS."""
    names = varying(curve_set) or ["activation", "init"]
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        result.add_column(name.replace("_", " "), overflow="fold")
    for heads, _ in parts:
        for head in heads:
            result.add_column(head, justify="left" if head == "verdict" else "right", overflow="fold")
    previous = None
    for curves in curve_set:
        cell = describe(curves)
        if previous is not None and len(names) > 1 and cell[names[0]] != previous:
            result.add_section()
        previous = cell[names[0]]
        result.add_row(*(str(cell[name]) for name in names), *(entry for _, row in parts for entry in row(curves)))
    return result


def _tables(curve_set, console):
    """The table, or where that is too wide two of them, one above the other."""
    whole = table(curve_set)
    if Measurement.get(console, console.options, whole).maximum < console.width:
        return [whole]
    return [table(curve_set, (part,)) for part in (VERDICTS, EXITS)]


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
            f"(1 - correlation is not resolved below {CORRELATION_FLOOR:.0e}; its log's mean leaves these networks out)."
        )


def wide(file=None):
    """A rich Console: as wide as the terminal, or WIDTH columns elsewhere."""
    console = Console(file=file, highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(file=file, highlight=False, width=WIDTH)


def show(curve_set, file=None):
    """Print the table, a sentence a row, and how to read the table."""
    console = wide(file)
    tables = _tables(curve_set, console)
    for k, part in enumerate(tables):
        console.print(*([""] if k else []), part, sep="\n")
    console.print(Text("\n" + "\n".join(sentences(curve_set))), soft_wrap=True)
    unknown = [UNKNOWN_NOTE] if any("?" in _exits(curves) for curves in curve_set) else []
    console.print(Text("\n" + "\n".join((*remarks(curve_set), NOTE, *unknown)), style="dim"), soft_wrap=True)


def text(curve_set):
    """The table as plain text."""
    out = io.StringIO()
    show(curve_set, out)
    return out.getvalue()
