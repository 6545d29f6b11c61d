"""Tables and words on terminals that are narrower than they: nothing is cut, and lines end between words."""

from copy import copy
from dataclasses import replace

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

LINE = 120  # columns: where there are fewer, notes have other lines than they were written in
SPREADS = ("±", "+-")  # heads of columns that belong to the one before


def lay(console, part, keys=1):
    """Print a rich Table, in pieces one above the other where it is too wide, its first `keys` columns in each; or words."""
    if isinstance(part, Table):
        for number, piece in enumerate(pieces(console, part, keys)):
            if number:
                console.print()
            console.print(piece, soft_wrap=console.width >= LINE)
        return
    text = part if isinstance(part, Text) else Text(part)
    if console.width >= LINE:
        console.print(text, soft_wrap=True)
    else:
        console.print(Text(_joined(text.plain), text.style), soft_wrap=False)


def _joined(text):
    """One line of a paragraph; empty ones before it stay."""
    head = text[: len(text) - len(text.lstrip("\n"))]
    return head + text[len(head) :].replace("\n", " ")


def pieces(console, table, keys=1):
    """The Table as one or several that are no wider than the console, if that can be."""
    if _fits(console, table):
        return [table]
    found, row = [], []
    for unit in _units(table, keys):
        if row and not _fits(console, _piece(table, [*range(keys), *row, *unit])):
            found.append(row)
            row = []
        row = [*row, *unit]
    found.append(row)
    first, *rest = (_piece(table, [*range(keys), *columns]) for columns in found)
    for piece in rest:
        piece.title = None
    return [first, *rest]


def _fits(console, table):
    return Measurement.get(console, console.options.update(max_width=10**6), table).maximum <= console.width


def _units(table, keys):
    """Numbers of columns that stay together."""
    units = []
    for number in range(keys, len(table.columns)):
        if units and str(table.columns[number].header) in SPREADS:
            units[-1].append(number)
        else:
            units.append([number])
    return units


def _piece(table, columns):
    result = copy(table)
    result.columns = [replace(table.columns[number], _index=place) for place, number in enumerate(columns)]
    return result
