"""Networks of blocks for the tests of theory, and rows of tests/theory/reference/blocks.

Those numbers were computed in float64 by recursions and quadrature written for the purpose, and most of them checked
against simulated dense networks. Mean squares; `s1`, `s2` = n Var W of the branch's first and second linear map; `a2` the
square of the residual's scale; v = s2 E phi(sqrt(s1) z)^2 and chi = s1 s2 E phi'(sqrt(s1) z)^2.
"""

import csv
import math
from pathlib import Path

from gradsim.model.network import Network
from gradsim.model.parts import Activation, Linear, Repeat

REFERENCE = Path(__file__).parent / "reference" / "blocks"
WIDTH = 64


def rows(name):
    """The rows of a table: dicts whose numbers are floats."""
    with (REFERENCE / f"{name}.csv").open(newline="") as file:
        return [{key: _number(value) for key, value in row.items()} for row in csv.DictReader(file)]


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


def linear(square=1.0, width=WIDTH, **options):
    """A linear map with n Var W = square."""
    return Linear(width, "lecun_normal", math.sqrt(square), **options)


def branch(activation, s1=1.0, s2=1.0):
    return (linear(s1), Activation(activation), linear(s2))


def network(*blocks, stem=(), readout=(), input_width=WIDTH):
    """Of blocks [(parts, times), ...]."""
    return Network(input_width, stem, tuple(Repeat(parts, times) for parts, times in blocks), readout)
