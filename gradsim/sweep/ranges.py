"""Ranges of numbers in sweep files: {from = 0.5, to = 2, points = 31}, with scale = "log", or {from = 1, to = 9, step = 2}."""

import math
from fractions import Fraction

from ..errors import RequestError, finite_number, shown, unknown, whole_number
from ..model.options import Probability, Real, Scale, Whole, Widths

NAMES = ("from", "to", "points", "step", "scale")
SCALES = ("linear", "log")
WHOLE, NUMBERS = (Whole, Widths), (Real, Probability, Scale)
DIGITS = 12  # of what is between the ends of a logarithmic range
MOST_POINTS = 100_000


def values(option, table):
    """The numbers of a range of an `Option`, a list in the order from its one end to the other, both among them.

    Linear ranges are reckoned in decimals, so that 0.3 is what a person writes, and is found by it. Raises RequestError.
    """
    whole = isinstance(option.kind, WHOLE)
    if not whole and not isinstance(option.kind, NUMBERS):
        raise RequestError(f"{option.flag}: {shown(table)} is a table; a range goes with options that are numbers")
    for name in table:
        if name not in NAMES:
            raise unknown(f"{option.flag}: a range", name, NAMES)
    if not ("from" in table and "to" in table and ("points" in table) != ("step" in table)):
        raise RequestError(f"{option.flag}: {shown(table)}: a range has from, to, and either points or step")
    scale = table.get("scale", "linear")
    if not isinstance(scale, str) or scale not in SCALES:
        raise unknown(f"{option.flag}: scale of a range", scale, SCALES)
    first, last = (finite_number(f"{option.flag}: {name} of a range", table[name]) for name in ("from", "to"))
    if first == last:
        raise RequestError(f"{option.flag}: {shown(table)}: a range has two ends that differ")
    if scale == "log":
        return _rounded(option, table, _logarithmic(option, table, first, last), whole)
    return _rounded(option, table, _linear(option, table, _decimal(first), _decimal(last)), whole)


def _decimal(number):
    """What is written, not the float next to it."""
    return Fraction(repr(number))


def _points(option, table):
    return whole_number(f"{option.flag}: points of a range", table["points"], 2, MOST_POINTS)


def _linear(option, table, first, last):
    if "points" in table:
        count = _points(option, table)
        return [first + (last - first) * Fraction(k, count - 1) for k in range(count)]
    step = _decimal(finite_number(f"{option.flag}: step of a range", table["step"]))
    if not step or (last - first) / step < 0:
        raise RequestError(f"{option.flag}: {shown(table)}: its step does not lead from {float(first):g} to {float(last):g}")
    steps = (last - first) / step
    if steps.denominator != 1:
        reached = float(first + math.floor(steps) * step)
        raise RequestError(f"{option.flag}: {shown(table)}: its steps do not end at {float(last):g}, but at {reached:g}")
    if steps >= MOST_POINTS:
        raise RequestError(f"{option.flag}: {shown(table)}: a range has {MOST_POINTS:,} points at most")
    return [first + k * step for k in range(int(steps) + 1)]


def _logarithmic(option, table, first, last):
    if "step" in table:
        raise RequestError(f"{option.flag}: {shown(table)}: a logarithmic range has points, not a step")
    if min(first, last) <= 0:
        raise RequestError(f"{option.flag}: {shown(table)}: the ends of a logarithmic range are above 0")
    count, low, high = _points(option, table), math.log(first), math.log(last)
    inner = (math.exp(low + (high - low) * k / (count - 1)) for k in range(1, count - 1))
    return [first, *(float(f"{number:.{DIGITS}g}") for number in inner), last]


def _rounded(option, table, numbers, whole):
    found = [round(number) if whole else float(number) for number in numbers]
    if len(set(found)) < len(found):
        raise RequestError(f"{option.flag}: {shown(table)}: some of its {len(found):,} points are the same number")
    return found
