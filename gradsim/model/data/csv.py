"""Numbers separated by commas, a row a line, below one line of names if there is one. Every cell is a number or an error.

The first line is one of names where no cell of it is a number, empty or a word for "missing", and one begins with a letter.
"""

import os
from csv import reader

import numpy as np

from ...errors import RequestError, shown
from ...memory import require
from .plain import plain_file, plain_text

BYTES = 12  # of memory for one of text: the text thrice, and a number for every two characters
MISSING = {"nan", "na", "n/a", "#n/a", "null", "none", "nil", "inf", "infinity", "missing", "true", "false"}
OTHERS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def read(option, name, check):
    """A float64 array of shape (rows, columns). Raises RequestError, with line and column of what is not a number."""
    with plain_file(option, name) as file:
        require(option, shown(name), BYTES * os.fstat(file.fileno()).st_size)
    lines = plain_text(option, name).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n ").split("\n")
    if lines == [""]:
        return np.zeros((0, 1))
    named = _are_names(_cells(lines[0]))
    body = lines[named:]
    if not body:
        return np.zeros((0, 1))
    try:
        rows = np.loadtxt(body, delimiter=",", ndmin=2, comments=None, quotechar='"')
    except ValueError:
        rows = None
    if rows is None or rows.shape != (len(body), len(_cells(lines[0]))):  # loadtxt skips empty lines
        raise _first_error(option, name, lines, named)
    return rows


def _cells(line):
    return [cell.strip() for cell in next(reader([line]), [])] or [""]


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()


def _are_names(cells):
    if any(not cell or _is_number(cell) or cell.casefold() in MISSING for cell in cells):
        return False
    return any(cell[0].isalpha() or cell[0] == "_" for cell in cells) and not (
        len(cells) == 1 and any(mark in cells[0] for mark in ";\t|")
    )


def _first_error(option, name, lines, named):
    """The RequestError for the first line that is not as many numbers as the first has cells."""
    width = len(_cells(lines[0]))
    for number, line in enumerate(lines[named:], start=1 + named):
        cells = _cells(line)
        for column, cell in enumerate(cells, start=1):
            if not _is_number(cell):
                word = f"{shown(cell)} is not a number" if cell else "the cell is empty"
                return RequestError(f"{option}: {shown(name)}, line {number}, column {column}: {word}{_hint(cell)}")
        if len(cells) != width:
            return RequestError(f"{option}: {shown(name)}, line {number} has {len(cells)} cells, the first line {width}")
    return RequestError(f"{option}: {shown(name)} does not hold numbers only")


def _hint(cell):
    """Words on cells that are separated otherwise."""
    for mark, words in OTHERS.items():
        if mark in cell and all(_is_number(part.strip()) for part in cell.split(mark)):
            return f"; cells are separated by commas here, not by {words}"
    return ""
