"""The cells of a set of curves, in memory or in a file: one by one, and their values side by side."""

from functools import cached_property, lru_cache

import numpy as np

from ..errors import RequestError, unknown
from ..model.activations import canonical_activation
from ..model.initializers import canonical_bias, canonical_init
from ..results.cells import DERIVED, DESCRIPTIONS, describe, one_name
from .layout import VERDICTS, column_of

KEPT = 1024  # Curves of a file that stay as they are, with their verdicts; their numbers lie with the file
IDENTITY = "identity"
CANONICAL = {"activation": canonical_activation, "init": canonical_init, "bias": canonical_bias}


class HeldCells:
    """Curves in memory; see `gradsim.curves.CurveSet` for what comes with them."""

    provenance = None

    def __init__(self, curves, request=None, coordinates=None, identities=None, share=None):
        self._curves, self.request, self.share = curves, request, share
        self.identities = None if identities is None else tuple(identities)
        self.coordinates = {axis: column_of(values) for axis, values in (coordinates or {}).items()}
        numbers = None if share is None else share.numbers
        for name, values in {"identities": self.identities, "numbers": numbers, **self.coordinates}.items():
            if values is not None and len(values) != len(curves):
                raise RequestError(f"curves: {len(values):,} {name} for {len(curves):,} networks")

    def __len__(self):
        return len(self._curves)

    def __getitem__(self, number):
        return self._curves[number]

    def part(self, numbers):
        """The cells of these numbers."""
        coordinates = {axis: [values[k] for k in numbers] for axis, values in self.coordinates.items()}
        identities = None if self.identities is None else [self.identities[k] for k in numbers]
        share = None if self.share is None else self.share.part(numbers)
        return HeldCells(tuple(self._curves[k] for k in numbers), self.request, coordinates, identities, share)

    def column(self, name):
        """The values of all cells as an array, or None: of an axis, an identity, a description or a verdict."""
        if name in self.coordinates:
            return self.coordinates[name]
        if name == IDENTITY:
            return None if self.identities is None else np.array(self.identities, object)
        if name in DESCRIPTIONS:
            return column_of([row[name] for row in self._described])
        return _found_out(self, name)

    @cached_property
    def _described(self):
        return [describe(curves) for curves in self]

    def values(self, name):
        """None: a variable of all cells is nowhere yet."""


class OpenedCells:
    """Those of a `gradsim.store.read.Stored`, or `numbers` of them; `make` makes Curves of a Cell."""

    def __init__(self, stored, make, numbers=None):
        self._stored, self._numbers = stored, numbers
        self._make = make if numbers is not None else lru_cache(KEPT)(lambda number: make(*stored[number]))
        self.request, self.provenance = stored.request, stored.provenance

    def __len__(self):
        return len(self._stored) if self._numbers is None else len(self._numbers)

    def __getitem__(self, number):
        number = range(len(self))[number]
        return self._make(number if self._numbers is None else self._numbers[number])

    def part(self, numbers):
        known = range(len(self)) if self._numbers is None else self._numbers
        return OpenedCells(self._stored, self._make, [known[k] for k in numbers])

    @property
    def coordinates(self):
        found = {axis: self.column(axis) for axis in self._stored.axes}
        return {axis: values for axis, values in found.items() if values is not None}

    @property
    def identities(self):
        found = self.column(IDENTITY)
        return None if found is None else tuple(found)

    @property
    def share(self):
        found = self._stored.share
        return found if found is None or self._numbers is None else found.part(self._numbers)

    def column(self, name):
        found = self.values(self._stored.axes.get(name, name))
        if found is None:
            return column_of([describe(curves)[name] for curves in self]) if name in DESCRIPTIONS else _found_out(self, name)
        if name in CANONICAL and found.dtype == object:  # files of before have other spellings
            known = {text: one_name(CANONICAL[name], text) for text in set(found)}
            found = np.array([known[text] for text in found], object)
        return found

    def values(self, name):
        found = self._stored.column(name)
        return found if found is None or self._numbers is None else found[self._numbers]


def _found_out(cells, name):
    """The column of verdicts, or of what comes from networks, from one cell after the other; None for other names."""
    if name in DERIVED:
        return np.array([getattr(curves.network, name) for curves in cells], float)
    if name == "verdict":
        return np.array([curves.verdict.word for curves in cells], object)
    if name in VERDICTS:
        return np.array([getattr(curves.verdict, name) for curves in cells])
    return None


def column(cells, name):
    """The values of a name in all cells. Raises RequestError."""
    names = [*dict.fromkeys([*cells.coordinates, *DESCRIPTIONS, *DERIVED, *VERDICTS, IDENTITY])]
    found = cells.column(name) if name in names else None
    if found is None:
        raise unknown("column", name, [n for n in names if n != IDENTITY])
    return found
