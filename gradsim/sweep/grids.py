"""What a sweep file says, as grids: axes that every combination is made of, and rules that leave some out.

A grid is kept as its axes, never as the list of its cells: cell number n of it is found by division.
"""

from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import NamedTuple

import numpy as np

from ..errors import RequestError, is_list, shown, unknown
from ..model.data import Samples, samples
from ..model.options import OPTIONS
from ..model.parts import Part
from ..model.request import FILES
from ..model.tables import table
from . import ranges
from .exclude import Rule

CELLS, ZIP, EXCLUDE, DEFAULTS = "cells", "zip", "exclude", "defaults"


class Axis(NamedTuple):
    """Options that vary together, one of them or several that are zipped, and their values, a tuple a point."""

    names: tuple
    points: tuple


@dataclass(frozen=True)
class Grid:
    """The first of `axes` varies slowest. No option is in two of them."""

    axes: tuple

    @property
    def size(self):
        """Of all combinations, those that are left out included."""
        return prod(len(axis.points) for axis in self.axes)

    def with_value(self, name, value):
        """The Grid with one value of an option, which is not zipped, in place of those that it has."""
        return Grid((*(axis for axis in self.axes if axis.names != (name,)), Axis((name,), ((value,),))))

    def _split(self, number):
        """Yield (axis, which of its points) for combination `number`, from 0 on."""
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.points))
            yield axis, place

    def places(self, number):
        """{option: which point of its axis} that combination `number` has, from 0 on."""
        return {name: place for axis, place in self._split(number) for name in axis.names}

    def options(self, number):
        """{option: checked value} that it has."""
        found = {}
        for axis, place in self._split(number):
            found.update(zip(axis.names, axis.points[place], strict=True))
        return found

    def values(self, name):
        """All values of an option, point by point of its axis; its default where the grid does not give it."""
        for axis in self.axes:
            if name in axis.names:
                column = axis.names.index(name)
                return [point[column] for point in axis.points]
        return [OPTIONS[name].default]

    def matching(self, rule):
        """Whether each combination is one that the rule speaks of: booleans (size,)."""
        found, fixed = np.ones(1, bool), set(rule.conditions)
        for axis in self.axes:
            here = np.ones(len(axis.points), bool)
            for name in fixed.intersection(axis.names):
                here &= [rule.holds(name, value) for value in self.values(name)]
            fixed.difference_update(axis.names)
            found = (found[:, None] & here).ravel()
        return found if all(rule.holds(name, OPTIONS[name].default) for name in fixed) else np.zeros_like(found)


@dataclass(frozen=True)
class Asked:
    """A sweep file, read: its `grids` one after another, the `rules`, and `request`, a plain dict that says the same."""

    grids: tuple
    rules: tuple
    request: dict


def read_grids(given):
    """The Asked of a dict of options, with `cells`, `zip`, `exclude` and `defaults` among them. Raises RequestError."""
    given = dict(given)
    cells, rules = (_tables(name, given.pop(name, None)) for name in (CELLS, EXCLUDE))
    shared, own = _Axes(_with_defaults(given)), [_Axes(entry) for entry in cells or [{}]]
    rules = tuple(map(Rule, rules or []))
    grids = tuple(Grid(shared.joined(axes)) for axes in own)
    request = shared.request
    if rules:
        request[EXCLUDE] = [rule.request for rule in rules]
    if cells:
        request[CELLS] = [axes.request for axes in own]
    return Asked(grids, rules, request)


def _tables(name, value):
    """The tables under a name, checked to be such; none where nothing is given."""
    if value is None:
        return []
    if not is_list(value) or not len(value) or not all(isinstance(entry, dict) for entry in value):
        raise RequestError(f"sweep: {name}: {shown(value)} is not a list of tables; write [[{name}]] above the options of each")
    return value


def _with_defaults(given):
    """The options of a file, with those of its table `defaults` that stand nowhere else in it."""
    if DEFAULTS not in given:
        return given
    given = dict(given)
    defaults = given.pop(DEFAULTS)
    if not isinstance(defaults, dict):
        raise RequestError(f"sweep: {DEFAULTS}: {shown(defaults)} is not a table of options; write [{DEFAULTS}] above them")
    said = {_key(name) for table in (given, *_tables(ZIP, given.get(ZIP))) for name in table}
    return {name: value for name, value in defaults.items() if _key(name) not in said} | given


def _key(name):
    return name.replace("-", "_") if isinstance(name, str) else name


class _Axes:
    """The options of a table: `single` ones with their values, and axes of `zipped` ones."""

    def __init__(self, given):
        given = dict(given)
        tables = _tables(ZIP, given.pop(ZIP, None))
        self.single = _columns(given, (DEFAULTS, ZIP, EXCLUDE, CELLS))
        self.zipped = tuple(map(_zipped, tables))
        names = [*self.single, *chain.from_iterable(axis.names for axis in self.zipped)]
        for name in names:
            if names.count(name) > 1:
                raise RequestError(f"sweep: {name!r} is given twice")

    def joined(self, own):
        """The axes of a grid that has these, and in place of some of them its `own`. Raises RequestError."""
        zipped = [name for axis in own.zipped for name in axis.names]
        for axis in self.zipped:
            for name in axis.names:
                if name in own.single or name in zipped:
                    raise RequestError(
                        f"sweep: {name!r} stands in a table of cells, and is zipped outside of it; zip it in one place"
                    )
        single = {name: values for name, values in (self.single | own.single).items() if name not in zipped}
        return (*(Axis((name,), tuple((v,) for v in values)) for name, values in single.items()), *self.zipped, *own.zipped)

    @property
    def request(self):
        """What a file keeps of them."""
        found = {name: [_asked(value) for value in values] for name, values in self.single.items()}
        if self.zipped:
            found[ZIP] = [
                {name: [_asked(point[k]) for point in axis.points] for k, name in enumerate(axis.names)} for axis in self.zipped
            ]
        return found


def _zipped(given):
    """The Axis of a table of options that vary together."""
    columns = _columns(given)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(columns) < 2 or len(set(lengths.values())) > 1:
        counts = ", ".join(f"{length:,} values of {name}" for name, length in lengths.items()) or "nothing"
        raise RequestError(f"sweep: {ZIP}: a table zips two options or more, with as many values each; here are {counts}")
    return Axis(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _columns(given, tables=()):
    """{option: list of its checked values}; `tables` are names that may stand beside those of options."""
    found = {}
    for name, value in given.items():
        key = _key(name)
        if key not in OPTIONS or not OPTIONS[key].in_grids:
            raise unknown("sweep", name, [*(name for name, option in OPTIONS.items() if option.in_grids), *tables])
        if key in found:
            raise RequestError(f"sweep: {name!r} is given twice")
        found[key] = [_checked(OPTIONS[key], entry) for entry in _several(OPTIONS[key], value)]
        if not found[key]:
            raise RequestError(f"sweep: {name!r} is an empty list")
    return found


def _several(option, value):
    """The values of an option, one or several, ranges among them.

    An array or a tuple is several, but for a file, where it is the rows; a tuple is one network's widths, or its parts.
    """
    if option.name in FILES:
        listed = isinstance(value, list)
    elif option.name == "layers":
        listed = is_list(value) and not option.kind.holds(list(value))
    elif option.name == "width":
        listed = isinstance(value, list | range) or getattr(value, "ndim", 0)
    else:
        listed = is_list(value)
    several = value if listed else [value]
    return chain.from_iterable(ranges.values(option, entry) if isinstance(entry, dict) else [entry] for entry in several)


def _checked(option, value):
    value = option.check(value)
    return samples(option.flag, value) if option.name in FILES and value is not None else value


def _asked(value):
    """What a file says of a value as it was typed: rows by where they came from, or by shape and digest; parts as tables."""
    if isinstance(value, list):
        return [table(entry) if isinstance(entry, Part) else entry for entry in value]
    return value.source if isinstance(value, Samples) else value
